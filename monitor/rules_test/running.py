"""Runs a test in virtual time, through the daemon's windows, engine, states and inhibition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.alert import Alert, Identity, Phase
from alerting.consequence import natures_of
from alerting.engine import Engine, Snapshot, View
from alerting.match import Match
from alerting.metric import Value
from alerting.series import Known
from alerting.trial.beats import Beats
from alerting.trial.telling import Teller
from monitor.breadth import Breadth
from monitor.config.durations import format_duration
from monitor.config.values import Config
from monitor.elsewhere import ON_THE_WAY_S, Elsewhere
from monitor.rules_test.notation import Sample
from monitor.rules_test.plan import Case, Expected
from probes.result import ProbeResult, Verdict
from probes.target import Target
from probes.verdicts import VERDICTS

USUAL_LATENCY_S = 1.0
"""Of a sample that does not say it; a timeout's is the target's deadline."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One expectation that was not met."""

    at_s: float
    line: int
    kind: str
    """`firing`, `pending` or `held`."""
    expected: tuple[str, ...]
    found: tuple[str, ...]
    """All of that kind there are."""
    others: tuple[str, ...]
    """What else there is: it often tells why."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What came of one test."""

    name: str
    complaints: tuple[Complaint, ...]


def run(case: Case, config: Config) -> Verdicts:
    """Run one test."""
    complaints: list[Complaint] = []
    last_s = max((each.at_s for each in case.expected), default=0.0)
    trial = _Trial(case, config, last_s)
    for expected in case.expected:
        trial.pass_until(expected.at_s)
        complaints += _complaints(expected, trial)
    return Verdicts(case.name, tuple(complaints))


class _Trial:
    """The parts between results and news, and how far they are."""

    def __init__(self, case: Case, config: Config, last_s: float) -> None:
        self._case = case
        self._beats = Beats(0.0, config.evaluate_every_s, last_s + config.evaluate_every_s)
        self._beat = 0
        self._windows = Windows(longest_s=max(config.windows_s))
        self._elsewhere = Elsewhere(longest_s=max(config.windows_s))
        self._silent_s = 2 * case.interval_s + ON_THE_WAY_S
        self._engine = Engine(
            *(case.rules, config.targets), location=config.location, locations=config.locations
        )
        self._targets = {target.name: target for target in config.targets}
        self._taken = 0
        self._location = config.location
        self.teller = Teller(natures_of(case.rules))
        self._breadth = Breadth(config.targets, lambda: self.teller.failing)

    def pass_until(self, at_s: float) -> None:
        """Go through every beat up to a moment, that one included."""
        while self._beat < self._beats.count and self._beats.at(self._beat) <= at_s:
            now = self._beats.at(self._beat)
            self._take(now)
            changes = self._engine.evaluate(Snapshot(now, self._summaries(now), self._facts(now)))
            for _ in self.teller.hear(changes, now):
                pass
            self._beat += 1

    def _summaries(self, now: float) -> dict[View, Summary]:
        """Summarise every window; of a location that had no sample for two intervals, none."""
        found: dict[View, Summary] = {}
        for view in self._engine.views:
            windows: Windows | None = self._windows
            if view.location:
                windows = self._elsewhere.reporting(view.location, now - self._silent_s)
            if windows is not None:
                found[view] = windows.summary(view.targets, view.over_s, now)
        return found

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return self._engine.alerts()

    def _take(self, now: float) -> None:
        while (at := self._taken * self._case.interval_s) <= now:
            for name, samples in self._case.series.items():
                if self._taken < len(samples):
                    self._hear(self._targets[name], samples[self._taken], at)
            for (name, location), samples in self._case.elsewhere.items():
                if self._taken < len(samples):
                    self._hear_of(location, self._targets[name], samples[self._taken], at)
            self._taken += 1

    def _hear(self, target: Target, sample: Sample, at: float) -> None:
        if sample.verdict is not None:
            self._windows.ingest(_result(target, sample, at, self._location), at)
        elif sample.missed:
            self._windows.missed(target.name, at)

    def _hear_of(self, location: str, target: Target, sample: Sample, at: float) -> None:
        if sample.verdict is not None:
            self._elsewhere.take(_result(target, sample, at, location), at)
        elif sample.missed:
            self._elsewhere.missed(location, target.name, at)

    def _facts(self, now: float) -> dict[Known, Value]:
        place = int(now / self._case.interval_s)
        found: dict[Known, Value | None] = {
            (fact, of): value for fact, of, value in self._breadth.facts(now)
        }
        for known, values in self._case.facts.items():
            found[known] = values[min(place, len(values) - 1)]
        return {known: value for known, value in found.items() if value is not None}


def _result(target: Target, sample: Sample, at: float, location: str) -> ProbeResult:
    verdict = sample.verdict or Verdict.OK
    usual_s = target.deadline_s if verdict is Verdict.TIMEOUT else USUAL_LATENCY_S
    latency_s = usual_s if sample.latency_s is None else sample.latency_s
    streamed = sample.first_token_s is not None
    return ProbeResult(
        target=target.name,
        provider=target.provider,
        model=target.model,
        operation=target.operation,
        location=location,
        slot=0,
        slot_at=at,
        at=at,
        verdict=verdict,
        fault=VERDICTS[verdict].fault if sample.fault is None else sample.fault,
        total_s=latency_s,
        first_token_s=sample.first_token_s,
        last_token_s=latency_s if streamed else None,
        output_tokens=sample.tokens,
        cost_usd=sample.cost_usd,
    )


def _complaints(expected: Expected, trial: _Trial) -> Iterator[Complaint]:
    alerts = trial.alerts
    firing = [each for each in alerts if each.state is Phase.FIRING]
    pending = [each for each in alerts if each.state is Phase.PENDING]
    held = [each for each in firing if each.identity in trial.teller.held]
    for kind, wanted, found in (
        ("firing", expected.firing, firing),
        ("pending", expected.pending, pending),
        ("held", expected.held, held),
    ):
        if wanted is not None and not _same(wanted, [each.identity for each in found]):
            yield Complaint(
                at_s=expected.at_s,
                line=expected.line,
                kind=kind,
                expected=tuple(_pattern(each) for each in wanted),
                found=tuple(_alert(each) for each in found),
                others=tuple(_alert(each) for each in alerts if each not in found),
            )


def _same(wanted: Sequence[Match], found: Sequence[Identity]) -> bool:
    """Say whether every alert is expected, and for everything expected there is one."""
    labels = [dict(each.labels) for each in found]
    there = all(any(match.matches(each) for each in labels) for match in wanted)
    return there and all(any(match.matches(each) for match in wanted) for each in labels)


def _pattern(match: Match) -> str:
    return ", ".join(f"{name}: {'|'.join(patterns)}" for name, patterns in match.fields)


def _alert(alert: Alert) -> str:
    labels = dict(alert.identity.labels)
    subject = labels.get("target") or labels.get("provider") or labels.get("location", "")
    since = format_duration(alert.started_at)
    value = f", {alert.value}" if alert.value else ""
    return f"{alert.alertname} of {subject}: {alert.state} since {since}{value}"
