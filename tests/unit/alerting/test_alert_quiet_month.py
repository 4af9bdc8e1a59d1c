"""A month in which nothing is wrong: no default rule fires.

A healthy API is not a perfect one: latency is lognormal (median 0.7 s, p99 2.5 s), one answer in
two thousand takes 5 to 8 s for no reason, one in a thousand is a passing 5xx.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from math import exp, log
from random import Random

import pytest

from alerting.defaults import default_rules
from alerting.engine import Engine, Snapshot
from alerting.rule import Rule
from alerting.state import Edge
from probes.result import Fault
from probes.target import Target
from tests.unit.alerting.windows import CHAT, GROK, ListedWindows, Sample

MONTH_S = 30 * 86400
SPREAD = log(2.5 / 0.7) / 2.326
LOOK_EVERY_S = 20
"""Evaluations around something unusual; a hold is 60 s at least."""


def healthy(rng: Random, at: float) -> Sample:
    """Draw one result of a healthy API to a probe that left at `at`."""
    luck = rng.random()
    if luck < 1e-3:
        return Sample(at + 0.3, Fault.PROVIDER)
    took_s = rng.uniform(5, 8) if luck < 1.5e-3 else 0.7 * exp(SPREAD * rng.gauss(0, 1))
    return Sample(at + took_s, latency_s=took_s)


def unusual(sample: Sample) -> bool:
    """Say whether a sample could make any default rule true."""
    return sample.latency_s is None or sample.latency_s > 5


def evaluations(rng: Random, target: Target) -> Iterator[tuple[float, ListedWindows]]:
    """Yield the moments of a month whose last quarter of an hour holds anything unusual."""
    samples: deque[Sample] = deque(maxlen=64)
    last_unusual = -MONTH_S
    interval_s = int(target.interval_s)
    for at in range(0, MONTH_S, interval_s):
        samples.append(healthy(rng, at))
        if unusual(samples[-1]):
            last_unusual = at
        if at - last_unusual < 1000:
            for now in range(at + 10, at + 10 + interval_s, LOOK_EVERY_S):
                yield now, ListedWindows(list(samples))


def fired(rules: tuple[Rule, ...], target: Target, seed: int) -> list[str]:
    """Return the names of the alerts that fire in one month."""
    engine = Engine(rules, (target,), location="fra1")
    names = []
    for now, windows in evaluations(Random(seed), target):
        summaries = {view: windows.summary(view.over_s, now) for view in engine.views}
        transitions = engine.evaluate(Snapshot(now, summaries))
        names += [t.alertname for t in transitions if t.edge is Edge.FIRED]
    return names


@pytest.mark.parametrize("target", [CHAT, GROK], ids=lambda target: target.name)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_default_fires(target: Target, seed: int) -> None:
    """Nobody is told of bad luck."""
    assert fired(default_rules(), target, seed) == []


def test_two_slow_answers_close_together_would_have_fired() -> None:
    """A p95 alone takes the second slowest of fifteen for a slow API; asking for three does not."""
    alone = tuple(
        replace(rule, min_failures=0) for rule in default_rules() if rule.name == "HighLatency"
    )
    assert sum(len(fired(alone, CHAT, seed)) for seed in SEEDS_WITH_A_PAIR) > 0


SEEDS_WITH_A_PAIR = range(1, 7)
