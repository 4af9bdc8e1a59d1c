"""The printed detection time against outages that are played through, evaluation by evaluation."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.defaults import default_rules
from alerting.detection import Detection, detection
from alerting.engine import Engine, Snapshot, matching
from alerting.expression import parse
from alerting.match import EVERYTHING
from alerting.metric import Counted, Fact, Measured, Value
from alerting.notification import SEND_BUDGET_S
from alerting.rule import Rule
from alerting.series import Known
from alerting.state import Edge
from probes.result import Fault, ProbeResult, Verdict
from probes.target import Target
from tests.unit.alerting.windows import CHAT, GROK, ListedWindows, Sample


class Kept(Protocol):
    """Windows of one target."""

    def had(self, at: float, fault: Fault, verdict: Verdict, took_s: float) -> None:
        """Take a result that was had at `at`."""

    def lost(self, at: float) -> None:
        """Take a slot without a result."""

    def summary(self, over_s: float, now: float) -> Summary:
        """Describe (now - over_s, now]."""


class Listed(ListedWindows):
    """Windows as plain lists."""

    def had(self, at: float, fault: Fault, verdict: Verdict, took_s: float) -> None:
        """Take a result; errors have no latency."""
        timed = verdict in (Verdict.OK, Verdict.TIMEOUT)
        self.samples.append(Sample(at, fault, took_s if timed else None, verdict))

    def lost(self, at: float) -> None:
        """Take a slot without a result."""
        self.missed.append(at)


@dataclass
class Real:
    """The daemon's own windows."""

    target: Target
    windows: Windows = field(default_factory=lambda: Windows(3600.0))

    def had(self, at: float, fault: Fault, verdict: Verdict, took_s: float) -> None:
        """Take a result as the prober would have made it."""
        result = ProbeResult(
            target=self.target.name,
            provider=self.target.provider,
            model=self.target.model,
            operation=self.target.operation,
            location="fra1",
            slot=0,
            slot_at=at - took_s,
            at=at - took_s,
            verdict=verdict,
            fault=fault,
            total_s=took_s,
        )
        self.windows.ingest(result, at)

    def lost(self, at: float) -> None:
        """Take a slot without a result."""
        self.windows.missed(self.target.name, at)

    def summary(self, over_s: float, now: float) -> Summary:
        """Describe (now - over_s, now]."""
        return self.windows.summary((self.target.name,), over_s, now)


@dataclass(frozen=True)
class Outage:
    """How an outage is played: a good answer to the slot at 0, and none after it."""

    rule: Rule
    target: Target
    every_s: int
    phase_s: int
    """The first evaluation comes this much after 0."""
    took_s: tuple[float, ...]
    """How long the good answers before took, in turn."""

    def play(self, windows: Kept, until_s: float) -> float | None:
        """Return when the alert fires, in seconds after the last good probe left."""
        engine = Engine((self.rule,), (self.target,), location="fra1")
        interval_s = int(self.target.interval_s)
        had = -(int(self.rule.over_s) // interval_s + 2)
        slot = had
        now = float(self.phase_s)
        while now <= until_s:
            while (end := self._end(slot, interval_s)) <= now:
                self._take(windows, slot, end)
                slot += 1
            views = {view: windows.summary(view.over_s, now) for view in engine.views}
            if any(t.edge is Edge.FIRED for t in engine.evaluate(Snapshot(now, views))):
                return now
            now += self.every_s
        return None

    def _good_s(self, slot: int) -> float:
        return self.took_s[slot % len(self.took_s)]

    def _end(self, slot: int, interval_s: int) -> float:
        took_s = self._good_s(slot) if slot <= 0 else self.target.deadline_s
        return slot * interval_s + took_s

    def _take(self, windows: Kept, slot: int, end: float) -> None:
        metric = self.rule.when.metric
        if slot <= 0:
            windows.had(end, Fault.NONE, Verdict.OK, self._good_s(slot))
        elif isinstance(metric, Counted) and metric.kinds and Fault.PROVIDER not in metric.kinds:
            (fault,) = metric.kinds
            assert isinstance(fault, Fault)
            windows.had(end, fault, Verdict.REFUSED, self.target.deadline_s)
        elif isinstance(metric, Counted | Measured):
            windows.had(end, Fault.PROVIDER, Verdict.TIMEOUT, self.target.deadline_s)
        else:
            windows.lost(end)


@st.composite
def outages(draw: st.DrawFn, rules: st.SearchStrategy[Rule], longest_s: int = 150) -> Outage:
    """Draw an outage of a target a rule is for, at any phase of the evaluations."""
    rule = draw(rules)
    (target, *_) = matching(rule, (CHAT, GROK), "fra1")
    deadline_s = draw(st.integers(5, 90))
    interval_s = draw(st.integers(max(20, deadline_s), longest_s))
    every_s = draw(st.sampled_from([1, 5, 15]))
    # An answer that is itself slow would be part of the outage a latency rule looks for.
    longest_good_s = 1 if isinstance(rule.when.metric, Measured) else deadline_s
    return Outage(
        rule=rule,
        target=replace(target, interval_s=float(interval_s), deadline_s=float(deadline_s)),
        every_s=every_s,
        phase_s=draw(st.integers(0, every_s - 1)),
        took_s=tuple(draw(st.lists(st.integers(0, longest_good_s), min_size=1, max_size=3))),
    )


def printed(outage: Outage) -> Detection:
    """Return the detection time `sonde check` prints; leave out rules that never fire."""
    found = detection(outage.rule, outage.target, evaluate_every_s=float(outage.every_s))
    return found if isinstance(found, Detection) else reject()


def in_time(outage: Outage, windows: Kept) -> float:
    """Play an outage, check that it fires no later than printed, and return by how much sooner."""
    limit_s = printed(outage).seconds - SEND_BUDGET_S
    fired_s = outage.play(windows, limit_s)
    assert fired_s is not None, f"nothing fired within {limit_s} s"
    return limit_s - fired_s


def idle_s(outage: Outage) -> float:
    """Return by how much sooner than printed an alert may fire."""
    intervals = 2 if outage.rule.name == "SlowMean" else 1
    return intervals * outage.target.interval_s + outage.every_s


OVER_WINDOWS = [rule for rule in default_rules() if not isinstance(rule.when.metric, Fact)]
OVER_FACTS = [rule for rule in default_rules() if rule not in OVER_WINDOWS]

defaults = st.sampled_from(OVER_WINDOWS)


@settings(max_examples=120, deadline=None)
@given(outages(defaults))
def test_defaults_fire_when_printed(outage: Outage) -> None:
    """Each default fires by the printed time, at any interval, deadline and phase.

    And the figure is no idle one: the alert fires at most one interval and one evaluation sooner,
    or two where a mean decides (answers that came quickly leave its window a sample earlier than
    slow ones, and a mean that needs nearly all samples feels it twice).
    """
    assert in_time(outage, Listed()) <= idle_s(outage)


@settings(max_examples=40, deadline=None)
@given(outages(defaults))
def test_defaults_fire_when_printed_with_the_real_windows(outage: Outage) -> None:
    """The windows of the daemon lead to the same alert within the same times."""
    assert in_time(outage, Real(outage.target)) <= idle_s(outage)


@given(
    rule=st.sampled_from(OVER_FACTS),
    every_s=st.sampled_from([1, 5, 15, 60]),
    data=st.data(),
)
def test_facts_are_told_when_printed(rule: Rule, every_s: int, data: st.DataObject) -> None:
    """A rule over a fact fires within the printed time of the fact's being known, and not before.

    At most one evaluation sooner: that is how long the fact may have waited to be looked at.
    """
    found = detection(rule, CHAT, evaluate_every_s=float(every_s))
    assert isinstance(found, Detection)
    limit_s = found.seconds - SEND_BUDGET_S
    engine = Engine((rule,), (CHAT,), location="fra1")
    fact = rule.when.metric
    assert isinstance(fact, Fact)
    good, bad = (0.0, 1.0) if fact is not Fact.RETIREMENT_DAYS else (200.0, 29.0)
    known_at = data.draw(st.integers(every_s, 3 * every_s))
    fired_s = None
    for now in range(0, known_at + int(limit_s) + 1, every_s):
        value = bad if now >= known_at else good
        facts: dict[Known, Value] = {
            (fact, whose): value for whose in (CHAT.name, CHAT.provider, "")
        }
        if any(t.edge is Edge.FIRED for t in engine.evaluate(Snapshot(now, {}, facts))):
            fired_s = now - known_at
    assert fired_s is not None
    assert limit_s - every_s <= fired_s <= limit_s


@st.composite
def any_rules(draw: st.DrawFn) -> Rule:
    """Draw rules nobody thought of."""
    whens: list[Callable[[], str]] = [
        lambda: f"failures >= {draw(st.integers(1, 8))}",
        lambda: f"failures(account) == {draw(st.integers(1, 3))}",
        lambda: f"consecutive_failures(provider) > {draw(st.integers(0, 6))}",
        lambda: f"error_rate(provider) > {draw(st.integers(1, 99))}%",
        lambda: f"latency.{draw(st.sampled_from(['p50', 'p95', 'mean', 'max']))} > 4s",
        lambda: f"coverage < {draw(st.integers(1, 99))}%",
        lambda: f"samples < {draw(st.integers(1, 9))}",
    ]
    return Rule(
        name="R",
        when=parse(draw(st.sampled_from(whens))()),
        over_s=float(draw(st.integers(60, 1200))),
        match=EVERYTHING,
        hold_s=float(draw(st.sampled_from([0, 0, 30, 60, 200]))),
        min_samples=draw(st.sampled_from([0, 0, 3, 5])),
        min_failures=draw(st.sampled_from([0, 0, 2, 4])),
    )


@settings(max_examples=120, deadline=None)
@given(outages(any_rules()))
def test_any_rule_fires_by_the_printed_time(outage: Outage) -> None:
    """The promise holds for rules of the configuration as it does for the defaults."""
    in_time(outage, Listed())


@pytest.mark.parametrize(("interval_s", "deadline_s"), [(60.0, 30.0), (30.0, 30.0), (120.0, 90.0)])
def test_down_at_the_worst_phase(interval_s: float, deadline_s: float) -> None:
    """Down is late by exactly what is printed when every phase is at its worst."""
    target = replace(CHAT, interval_s=interval_s, deadline_s=deadline_s)
    worst = Outage(default_rules()[0], target, every_s=5, phase_s=4, took_s=(0.0,))
    assert in_time(worst, Listed()) <= 5
