"""Our latencies beside somebody else's."""

from collections.abc import Sequence

import pytest

from aggregator.summary import Distribution, Summary
from alerting.match import Match
from alerting.metric import Fact
from monitor.baselines.watch import Baselines
from monitor.clock import Clock
from monitor.collectors import WindowReading
from monitor.config.values import Baseline
from probes.result import Operation
from probes.target import Target


def target(name: str, provider: str = "openai") -> Target:
    return Target(
        name=name,
        provider=provider,
        preset="openai",
        model="m",
        operation=Operation.CHAT,
        prompt="p",
    )


TARGETS = (target("a"), target("b"), target("c", "xai"))


def baseline(name: str, quantile: float = 0.5, **match: str) -> Baseline:
    fields = tuple((field, (pattern,)) for field, pattern in match.items())
    return Baseline(
        name=name,
        url=f"https://{name}.example/x.json",
        steps=("ms",),
        unit_s=0.001,
        quantile=quantile,
        match=Match(fields),
        every_s=300.0,
    )


def latency(over_s: float, p50: float, p95: float | None = None) -> Summary:
    quantiles = {0.5: p50} if p95 is None else {0.5: p50, 0.95: p95}
    found = Distribution(n=9, mean=p50, std=0.0, max=p50, quantiles=quantiles)
    return Summary(over_s=over_s, n=9, latency=found)


class Bench:
    """Baselines over readings a test gives."""

    def __init__(self, *baselines: Baseline) -> None:
        self.now = 50.0
        clock = Clock(lambda: 1_700_000_000.0, lambda: self.now)
        self.readings: Sequence[WindowReading] = ()
        self.clock = clock
        self.baselines = Baselines(baselines, TARGETS, clock, lambda: self.readings, 900.0, "here")

    def publish(self, index: int, raw: bytes) -> None:
        poll = self.baselines.polls[index]
        poll.take(raw)
        poll.confirmed_at = self.clock.steady()

    def ratios(self) -> dict[str, float]:
        found = list(self.baselines.facts(self.clock.steady()))
        assert {fact for fact, _, _ in found} <= {Fact.BASELINE_RATIO}
        return {subject: value for _, subject, value in found}


def test_ours_over_theirs_by_target() -> None:
    """The configured quantile over the shown window, for the targets it speaks of."""
    bench = Bench(baseline("p95", 0.95, provider="openai"))
    bench.publish(0, b'{"ms": 500}')
    bench.readings = [
        WindowReading(TARGETS[0], latency(900.0, 0.5, 2.0)),
        WindowReading(TARGETS[0], latency(300.0, 0.5, 9.0)),
        WindowReading(TARGETS[1], latency(900.0, 0.5)),
        WindowReading(TARGETS[2], latency(900.0, 0.5, 2.0)),
        WindowReading(TARGETS[2], Summary(over_s=900.0)),
    ]
    assert bench.ratios() == {"a": pytest.approx(4.0)}


def test_the_first_that_fits_counts() -> None:
    """What stands first in the file speaks for a target that two speak of."""
    bench = Bench(baseline("one", provider="xai"), baseline("two"))
    bench.publish(0, b'{"ms": 1000}')
    bench.publish(1, b'{"ms": 500}')
    bench.readings = [WindowReading(each, latency(900.0, 1.0)) for each in TARGETS]
    assert bench.ratios() == {"a": 2.0, "b": 2.0, "c": 1.0}


def test_what_was_not_read_lately_is_unknown() -> None:
    """Never read, or not for three beats: no ratio and no metric, rather than an old one."""
    bench = Bench(baseline("one"))
    bench.readings = [WindowReading(TARGETS[0], latency(900.0, 1.0))]
    assert bench.ratios() == {}
    bench.publish(0, b'{"ms": 1000}')
    assert bench.ratios() == {"a": 1.0}
    (family,) = bench.baselines.collect()
    assert [(sample.labels, sample.value) for sample in family.samples] == [({"name": "one"}, 1.0)]
    bench.now += 901
    assert bench.ratios() == {}
    assert [family.samples for family in bench.baselines.collect()] == [[]]


def test_without_baselines_nothing_is_looked_at() -> None:
    """No configuration, no cost: the readings are not even asked for."""

    def never() -> Sequence[WindowReading]:
        raise AssertionError

    none = Baselines((), TARGETS, Clock(), never, 900.0)
    assert list(none.facts(0.0)) == []
