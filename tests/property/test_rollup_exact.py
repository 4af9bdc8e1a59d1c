"""Roll-ups are exact where they say so, near where they do not, and as windows are."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rollup.bucket import UNITS, Bucket, Figure
from aggregator.rollup.sketch import ERROR_RATIO, Sketch
from aggregator.rollup.table import Level, points, prune_rollups
from aggregator.summary import QUANTILES, Distribution, enough
from aggregator.window import Windows
from probes.result import Fault, ProbeResult, Verdict
from tests.unit.aggregator.rollup.buckets import commit, compact_all, fold_all, tables, whole
from tests.unit.aggregator.samples import result

DAY = 86_400

samples = st.lists(st.tuples(st.integers(0, 10**12), st.booleans()), max_size=60)
maybe_seconds = st.none() | st.floats(0, 1e4)
probes = st.builds(
    dict,
    at=st.floats(0, 3 * DAY - 1),
    target=st.sampled_from(["chat", "other"]),
    attempt=st.sampled_from([1, 1, 1, 2]),
    verdict=st.sampled_from(Verdict),
    fault=st.sampled_from(Fault),
    total_s=st.floats(0, 1e4),
    first_token_s=maybe_seconds,
    last_token_s=maybe_seconds,
    output_tokens=st.none() | st.integers(0, 10**6),
    cost_usd=st.none() | st.floats(0, 10),
    latency_tainted=st.booleans(),
    stream_tainted=st.booleans(),
)
histories = st.lists(probes, max_size=25).map(
    lambda said: [result(slot=slot, **fields) for slot, fields in enumerate(said)]
)


def sketch(of: list[tuple[int, bool]]) -> Sketch:
    made = Sketch()
    for sample, censored in of:
        made.add(sample, censored=censored)
    return made


@given(samples, samples)
def test_merging_is_the_same_as_counting_together(
    one: list[tuple[int, bool]], other: list[tuple[int, bool]]
) -> None:
    """Two sketches merged, in either order, are the sketch of all their samples."""
    ahead, behind = sketch(one), sketch(other)
    ahead.merge(sketch(other))
    behind.merge(sketch(one))
    assert ahead == behind == sketch(one + other)


@given(samples)
def test_quantiles_are_near_the_sample_of_their_rank(of: list[tuple[int, bool]]) -> None:
    """Within a percent of the sorted list's; each at or above a lower bound is marked as one."""
    found = sketch(of).distribution(1.0)
    ordered = sorted(sample for sample, _ in of)
    censored_from = min((sample for sample, censored in of if censored), default=None)
    if found is None:
        assert not of
        return
    for q in QUANTILES:
        value = found.quantile(q)
        assert (value is not None) == enough(len(of), q)
        if value is not None:
            true = ordered[math.floor(q * (len(of) - 1))]
            assert abs(value - true) <= true * ERROR_RATIO * (1 + 1e-9)
            if censored_from is not None and true >= censored_from:
                assert found.lower_bound(value)


def rolled(results: list[ProbeResult], before: float, target: str, step_s: int) -> Bucket:
    """Roll results up in one go and return all of a target's chart."""
    with tables() as connection:
        commit(connection, *results)
        fold_all(connection, limit=7)
        compact_all(connection, before)
        return whole(points(connection, target, 0, 3 * DAY, step_s))


@given(histories, st.integers(0, 25), st.floats(0, 4 * DAY), st.sampled_from([60, 3600, DAY]))
def test_rolling_up_in_parts_is_rolling_up_at_once(
    results: list[ProbeResult], cut: int, before: float, step_s: int
) -> None:
    """merge(rollup(a), rollup(b)) == rollup(a + b), however each of them was compacted."""
    merged = rolled(results[:cut], before, "chat", step_s)
    merged.merge(rolled(results[cut:], 0.0, "chat", DAY))
    assert merged == rolled(results, 9 * DAY, "chat", step_s)


@given(histories, st.lists(st.floats(0, 4 * DAY), max_size=25))
def test_compacting_and_pruning_at_any_time_lose_nothing_of_the_days(
    results: list[ProbeResult], moments: list[float]
) -> None:
    """However late results come between compactions and deletions, days hold each of them once."""
    with tables() as connection:
        for place, each in enumerate(results):
            commit(connection, each)
            fold_all(connection)
            if place < len(moments):
                compact_all(connection, moments[place])
                prune_rollups(connection, Level.MINUTE, moments[place] - 3600, 100)
                prune_rollups(connection, Level.HOUR, moments[place] - DAY, 100)
        found = whole(points(connection, "chat", 0, 3 * DAY, DAY))
    assert found == rolled(results, 0.0, "chat", 60)


@given(histories)
def test_a_roll_up_says_what_a_window_says(results: list[ProbeResult]) -> None:
    """The same counts and, but for bins and units, the same figures, whatever happened."""
    windows = Windows(longest_s=DAY)
    mine = [one for one in results if one.target == "chat"]
    for one in mine:
        windows.ingest(one, 1.0)
    window = windows.summary(("chat",), DAY, 1.0)
    summary = rolled(results, 0.0, "chat", DAY).summary(DAY)
    assert (summary.n, summary.missed) == (window.n, window.missed)
    assert (summary.by_fault, summary.by_verdict) == (window.by_fault, window.by_verdict)
    assert summary.tainted == window.tainted
    for figure, ours, theirs in (
        (Figure.LATENCY, summary.latency, window.latency),
        (Figure.FIRST_TOKEN, summary.first_token, window.first_token),
        (Figure.INTER_TOKEN, summary.inter_token, window.inter_token),
        (Figure.TOKENS_PER_S, summary.tokens_per_s, window.tokens_per_s),
    ):
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            alike(ours, theirs, UNITS[figure])


def alike(ours: Distribution, theirs: Distribution, unit: float) -> None:
    """Assert that two distributions differ by no more than units and bins."""
    assert (ours.n, ours.quantiles.keys()) == (theirs.n, theirs.quantiles.keys())
    assert ours.mean == pytest.approx(theirs.mean, rel=1e-9, abs=unit)
    assert ours.max == pytest.approx(theirs.max, rel=1e-9, abs=unit)
    for q, value in theirs.quantiles.items():
        assert ours.quantiles[q] == pytest.approx(value, rel=ERROR_RATIO * 1.001, abs=2 * unit)
    assert (ours.censored_from is None) == (theirs.censored_from is None)
