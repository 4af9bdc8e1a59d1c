"""Windows against an oracle that keeps every sample in a list and sorts it with Python."""

import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.summary import Distribution, Summary
from aggregator.window import Windows
from probes.result import Fault, ProbeResult, Verdict
from tests.unit.aggregator.samples import result

LONGEST_S = 100.0
SLACK_S = 20.0
"""How far before the newest sample a window is asked to end: that much less of it is kept."""

NEEDED = {Fraction(1, 2): 5, Fraction(19, 20): 5, Fraction(99, 100): 20, Fraction(999, 1000): 200}
ANSWERED = (Verdict.OK, Verdict.CONTENT_MISMATCH)


@dataclass
class Kept:
    """One sample or one missed slot, as the oracle keeps it."""

    at: float
    target: str
    order: int
    result: ProbeResult | None


@dataclass
class Oracle:
    """What the windows should say, worked out anew from all that ever came."""

    samples: list[Kept] = field(default_factory=list)
    newest: dict[str, float] = field(default_factory=dict)

    def take(self, target: str, at: float, got: ProbeResult | None) -> None:
        """Keep a result, or None for a missed slot."""
        if (got is not None and got.attempt > 1) or not math.isfinite(at):
            return
        at = self.newest[target] = max(at, self.newest.get(target, -math.inf))
        counted = got if got is not None and got.fault is not Fault.MONITOR else None
        self.samples.append(Kept(at, target, len(self.samples), counted))

    def check(self, summary: Summary, targets: tuple[str, ...], over_s: float, now: float) -> None:
        """Assert that a summary says what the list says."""
        known = [kept for kept in self.samples if kept.target in targets and kept.at <= now]
        inside = [kept for kept in known if kept.at > now - over_s]
        results = [kept.result for kept in inside if kept.result is not None]
        assert summary.n == len(results)
        assert summary.missed == len(inside) - len(results)
        assert summary.by_verdict == Counter(one.verdict for one in results)
        assert summary.by_fault == Counter(one.fault for one in results)
        timely = [one for one in results if not one.latency_tainted]
        answers = [one for one in timely if one.verdict in ANSWERED]
        clean = [one for one in answers if not one.stream_tainted]
        cut = [one.total_s for one in timely if one.verdict is Verdict.TIMEOUT]
        assert summary.tainted == sum(one.latency_tainted or one.stream_tainted for one in results)
        same(summary.latency, [one.latency_s for one in answers], cut)
        same(summary.first_token, [one.first_token_s for one in clean])
        same(summary.inter_token, [one.inter_token_s for one in clean])
        same(summary.tokens_per_s, [one.tokens_per_s for one in clean])
        costs = possible([one.cost_usd for one in results])
        assert summary.cost_usd == (math.fsum(costs) if costs else None)
        self.check_rate(summary, targets, now)
        self.check_recent(summary, [kept for kept in known if kept.result is not None], targets)

    def check_rate(self, summary: Summary, targets: tuple[str, ...], now: float) -> None:
        """Assert the rate over the part of the window since the first result ever."""
        came = [k.at for k in self.samples if k.target in targets and k.result is not None]
        watched_s = min(summary.over_s, now - min(came, default=math.inf))
        if summary.n == 0 or watched_s < min(60.0, summary.over_s):
            assert summary.rate_per_min is None
        else:
            assert summary.rate_per_min == pytest.approx(60.0 * summary.n / watched_s)

    def check_recent(self, summary: Summary, came: list[Kept], targets: tuple[str, ...]) -> None:
        """Assert the newest faults, those of one moment in the targets' order."""
        came.sort(key=lambda kept: (kept.at, targets.index(kept.target), kept.order))
        assert list(summary.recent_faults) == [k.result.fault for k in came if k.result][-64:]


def possible(values: list[float | None]) -> list[float]:
    """Return the figures that may enter a statistic."""
    return [v for v in values if v is not None and math.isfinite(v) and 0.0 <= v <= 1e12]


def same(
    found: Distribution | None, exact: list[float | None], cut: list[float] | None = None
) -> None:
    """Assert that a distribution is that of these exact and censored samples."""
    bounds = possible(list(cut or []))
    values = sorted(possible(exact) + bounds)
    n = len(values)
    if n == 0:
        assert found is None
        return
    assert found is not None
    mean = math.fsum(values) / n
    assert found.n == n
    assert found.max == values[-1]
    assert found.mean == pytest.approx(mean)
    assert values[0] <= found.mean <= values[-1]
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / n)
    assert found.std == pytest.approx(spread, rel=1e-6, abs=1e-9 * max(1.0, values[-1]))
    assert found.quantiles == {
        float(q): values[math.floor(q * (n - 1))] for q, needed in NEEDED.items() if n >= needed
    }
    assert found.censored_from == min(bounds, default=None)


figures = st.one_of(
    st.floats(0.0, 60.0),
    st.sampled_from([0.0, 1.0, 1.0, 30.0]),
    st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 1e13, 1e308]),
)
outcomes = st.sampled_from(
    [
        (Verdict.OK, Fault.NONE),
        (Verdict.OK, Fault.NONE),
        (Verdict.CONTENT_MISMATCH, Fault.PROVIDER),
        (Verdict.TIMEOUT, Fault.PROVIDER),
        (Verdict.TIMEOUT, Fault.NETWORK),
        (Verdict.SERVER_ERROR, Fault.PROVIDER),
        (Verdict.AUTH, Fault.ACCOUNT),
        (Verdict.MONITOR_ERROR, Fault.MONITOR),
    ]
)


@st.composite
def results(draw: st.DrawFn) -> ProbeResult:
    """Any result that could matter to a window."""
    verdict, fault = draw(outcomes)
    streamed = draw(st.booleans())
    return result(
        verdict=verdict,
        fault=fault,
        total_s=draw(figures),
        first_token_s=draw(figures) if streamed else None,
        last_token_s=draw(figures) if streamed else None,
        output_tokens=draw(st.sampled_from([None, 0, 1, 2, 50])) if streamed else None,
        cost_usd=draw(st.one_of(st.none(), figures)),
        stream_tainted=draw(st.integers(0, 4)) == 0,
        latency_tainted=draw(st.integers(0, 4)) == 0,
        attempt=draw(st.sampled_from([1, 1, 1, 1, 2])),
    )


steps = st.sampled_from([0.0, 0.0, 0.5, 1.0, 10.0, 95.0, -3.0, math.nan])
events = st.tuples(st.sampled_from("abc"), steps, st.one_of(st.none(), results()))
groups = st.sampled_from([("a",), ("b",), ("a", "b"), ("c", "a", "b"), ("never",)])
spans = st.sampled_from([1.0, 10.0, 60.0, LONGEST_S - SLACK_S])
queries = st.tuples(groups, spans, st.sampled_from([0.0, 0.5, 9.5, 10.0, 60.0, -SLACK_S]))


@given(
    happened=st.lists(events, max_size=25),
    times=st.integers(1, 8),
    asked=st.lists(queries, min_size=1, max_size=4),
)
def test_every_statistic_is_the_oracles(
    happened: list[tuple[str, float, ProbeResult | None]],
    times: int,
    asked: list[tuple[tuple[str, ...], float, float]],
) -> None:
    """Whatever came and whenever one asks, a summary is what sorting all samples gives.

    The events are repeated so that trails grow and are cut, and the same questions are asked
    again and again so that kept summaries must be let go at the right moment.
    """
    windows, oracle, clock = Windows(LONGEST_S), Oracle(), 0.0
    for turn in range(times):
        for target, step, got in happened:
            clock = clock + max(step, 0.0) if math.isfinite(step) else clock
            at = clock + min(step, 0.0) if math.isfinite(step) else step
            oracle.take(target, at, got)
            if got is None:
                windows.missed(target, at)
            else:
                windows.ingest(result_of(got, target), at)
        for targets, over_s, later_s in asked * (1 + turn % 2):
            now = clock + later_s
            oracle.check(windows.summary(targets, over_s, now), targets, over_s, now)


def result_of(one: ProbeResult, target: str) -> ProbeResult:
    """Return the same result of another target."""
    names = ProbeResult.__slots__
    return ProbeResult(**{**{name: getattr(one, name) for name in names}, "target": target})


@given(st.lists(st.tuples(st.sampled_from("abc"), results()), max_size=80))
def test_targets_together_are_one_series(happened: list[tuple[str, ProbeResult]]) -> None:
    """Several targets taken together say exactly what one target with all results says."""
    apart, together = Windows(LONGEST_S), Windows(LONGEST_S)
    for number, (target, got) in enumerate(happened):
        apart.ingest(result_of(got, target), float(number))
        together.ingest(result_of(got, "all"), float(number))
    now = float(len(happened))
    for over_s in (5.0, 60.0, 100.0):
        grouped = apart.summary(("a", "b", "c"), over_s, now)
        assert grouped == together.summary(("all",), over_s, now)
