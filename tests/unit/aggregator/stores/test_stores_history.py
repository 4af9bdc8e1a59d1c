"""Samples to minutes, without any store."""

import pytest

from aggregator.stores.history import MOST_RESULTS, HistoryError, Sample, minutes


def test_minutes_are_cut_at_whole_minutes() -> None:
    """A microsecond before the minute is in the one before."""
    samples = [Sample(59_999_999, True, 1.0), Sample(60_000_000, False, None)]
    found = minutes(samples, 0, 600)
    assert [(minute.at, minute.n, minute.errors, minute.mean) for minute in found] == [
        (0, 1, 0, 1.0),
        (60, 1, 1, None),
    ]


def test_only_the_span_is_looked_at() -> None:
    """From `since` on, and before `until`."""
    samples = [Sample(second * 10**6, True, 1.0) for second in (9, 10, 19, 20)]
    (minute,) = minutes(samples, 10, 20)
    assert minute.n == 2


def test_quantiles_are_nearest_rank_with_the_lower_neighbour() -> None:
    """Of twenty the p95 is the nineteenth smallest, and the p99 as well: never the maximum."""
    samples = [Sample(n, True, float(n)) for n in range(20)]
    (minute,) = minutes(samples, 0, 60)
    assert (minute.p50, minute.p95, minute.p99) == (9.0, 18.0, 18.0)


def test_the_smallest_timeout_bounds_what_is_known() -> None:
    """And a timeout whose latency does not count bounds nothing."""
    samples = [
        Sample(0, False, 9.0, True),
        Sample(1, False, 7.0, True),
        Sample(2, False, None, True),
    ]
    (minute,) = minutes(samples, 0, 60)
    assert (minute.censored_from, minute.errors) == (7.0, 3)


def test_too_many_are_refused() -> None:
    """A half answer would look like a whole one."""
    with pytest.raises(HistoryError):
        minutes([Sample(0, True, 1.0)] * (MOST_RESULTS + 1), 0, 60)
