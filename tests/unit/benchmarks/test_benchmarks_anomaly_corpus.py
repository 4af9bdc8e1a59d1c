"""The corpus of anomalies: what it labels is in its series, and a seed is one series for ever."""

from functools import cache
from itertools import pairwise
from statistics import median

import pytest

from benchmarks.anomaly.corpus import (
    ACCEPTED_AFTER_S,
    DEVELOPMENT,
    HELD_OUT,
    LASTS_S,
    QUIET_S,
    START,
    WEEK_S,
    Kind,
    Series,
    series,
)

made = cache(series)
SEEDS = DEVELOPMENT[:4]


def test_a_seed_is_one_series() -> None:
    """The same seed makes the same series each time, and another one another."""
    assert series(SEEDS[0]) == made(SEEDS[0])
    assert made(SEEDS[0]).probes != made(SEEDS[1]).probes


def test_held_out_seeds_are_not_for_development() -> None:
    """No series that something was tuned on is among those that are published."""
    assert not set(DEVELOPMENT) & set(HELD_OUT)
    assert len(set(HELD_OUT)) == len(HELD_OUT)


@pytest.mark.parametrize("seed", SEEDS)
def test_incidents_come_after_quiet_weeks_and_apart(seed: int) -> None:
    """Whoever learns has two weeks without a label, and a day of quiet between two incidents."""
    incidents = made(seed).incidents
    assert incidents
    assert incidents[0].since >= START + QUIET_S
    assert incidents[-1].until <= START + LASTS_S
    assert all(after.since - before.until >= 86_400 for before, after in pairwise(incidents))


@pytest.mark.parametrize("seed", SEEDS)
def test_probes_are_in_order_and_none_is_in_a_gap(seed: int) -> None:
    """Times rise, nothing was probed in a gap, and a first token never comes after the last."""
    found = made(seed)
    assert all(before.at < after.at for before, after in pairwise(found.probes))
    for since, until in found.world.gaps:
        assert not any(since <= probe.at < until for probe in found.probes)
    for probe in found.probes:
        assert (probe.latency_s is None) is (probe.first_token_s is None)
        if probe.latency_s is not None and probe.first_token_s is not None:
            assert 0 < probe.first_token_s <= probe.latency_s


def test_every_kind_of_incident_is_among_the_development_seeds() -> None:
    """There is something to tune each kind on."""
    kinds = {incident.kind for seed in DEVELOPMENT[:8] for incident in made(seed).incidents}
    assert kinds == set(Kind)


def slowdown(of: Series, kind: Kind) -> list[float]:
    """Return by how much the median answer of each incident of a kind was slower than usual."""
    found = []
    for incident in of.incidents:
        if incident.kind is kind:
            ratios = [
                probe.latency_s / of.world.usual_s(probe.at)
                for probe in of.probes
                if incident.since <= probe.at < incident.until and probe.latency_s is not None
            ]
            found.append(median(ratios))
    return found


@pytest.mark.parametrize(
    ("kind", "ratio"),
    [(Kind.SLIGHT, 1.3), (Kind.DOUBLE, 2.0), (Kind.FOURFOLD, 4.0), (Kind.LONG, 2.0)],
)
def test_an_incident_is_as_slow_as_it_says(kind: Kind, ratio: float) -> None:
    """The median of what is labelled is that much slower, within the noise that remembers."""
    found = [slow for seed in DEVELOPMENT[:6] for slow in slowdown(made(seed), kind)]
    assert found
    assert median(found) == pytest.approx(ratio, rel=0.2)


def test_failures_come_with_their_incident() -> None:
    """A quarter of the probes fail while that is labelled, and few otherwise."""
    for found in (made(seed) for seed in DEVELOPMENT[:6]):
        for incident in found.incidents:
            within = [p for p in found.probes if incident.since <= p.at < incident.until]
            failed = sum(probe.latency_s is None for probe in within)
            assert (failed > max(2, 0.05 * len(within))) is (incident.kind is Kind.ERRORS)


def test_an_alarm_of_a_swapped_model_is_excused_for_its_days() -> None:
    """A lasting change may be told; after three days it is what is usual."""
    found = next(made(seed) for seed in DEVELOPMENT if made(seed).world.swaps)
    since, _ = found.world.swaps[0]
    assert START + QUIET_S <= since <= START + LASTS_S - WEEK_S
    assert found.excused(since)
    assert found.excused(since + ACCEPTED_AFTER_S - 1)
    assert not found.excused(since - 1)
    assert not found.excused(since + ACCEPTED_AFTER_S)
