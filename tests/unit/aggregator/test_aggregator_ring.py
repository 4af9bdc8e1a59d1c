"""The ring: growth, wrapping round, its limit, its columns."""

import numpy as np

from aggregator.ring import LIMIT, SMALLEST, Column, Ring

COLUMNS = {"code": Column(np.int8, -1), "figure": Column(np.float64, float("nan"))}


def filled(number: int, keep_s: float) -> Ring:
    """Return a ring that got samples at 0, 1, 2, … with their code in turn 0…9."""
    ring = Ring(keep_s, COLUMNS)
    for at in range(number):
        ring.append(float(at), {"code": at % 10})
    return ring


def test_wanted_samples_are_kept_by_growing() -> None:
    """A ring doubles as often as needed for samples that can still be asked for."""
    ring = filled(SMALLEST * 5 + 3, keep_s=1e9)
    assert ring.times(0, len(ring)).tolist() == list(range(SMALLEST * 5 + 3))
    assert ring.overwritten == 0


def test_aged_samples_make_room() -> None:
    """A sample too old for any window is overwritten instead of growing, and is no loss."""
    ring = filled(SMALLEST * 5 + 3, keep_s=10.0)
    assert len(ring) == SMALLEST
    assert ring.times(0, len(ring)).tolist() == list(range(SMALLEST * 4 + 3, SMALLEST * 5 + 3))
    assert ring.overwritten == 0


def test_growing_keeps_the_order_of_a_wrapped_ring() -> None:
    """A ring that had wrapped round and then grows keeps samples and figures in step."""
    ring = filled(SMALLEST + 30, keep_s=SMALLEST - 20.0)  # has wrapped
    for at in range(1, SMALLEST):  # all at once: nothing ages
        ring.append(SMALLEST + 30.0, {"code": at % 10})
    assert len(ring) > SMALLEST
    times = ring.times(0, len(ring)).tolist()
    assert times == sorted(times)
    codes = ring.figures("code", 0, len(ring) - SMALLEST + 1)
    assert codes is not None
    assert codes.tolist() == [int(at) % 10 for at in times[: len(ring) - SMALLEST + 1]]


def test_limit_costs_the_oldest_and_counts_it() -> None:
    """At its limit a ring loses the oldest sample per new one, visibly."""
    ring = filled(LIMIT + 7, keep_s=1e9)
    assert len(ring) == LIMIT
    assert ring.overwritten == 7
    assert ring.times(0, 1).tolist() == [7.0]
    assert ring.times(LIMIT - 1, LIMIT).tolist() == [LIMIT + 6.0]


def test_rank_counts_samples_up_to_and_with_a_time() -> None:
    """A rank is exact at a sample's own time and among equal times, wrapped round or not."""
    for number in (10, SMALLEST, SMALLEST + 20):
        ring = filled(number, keep_s=1.0)
        ring.append(float(number - 1), {"code": 0})  # the newest time twice
        first = ring.times(0, 1).item()
        assert ring.rank(first - 0.5) == 0
        assert ring.rank(first) == 1
        assert ring.rank(number - 2.0) == len(ring) - 2
        assert ring.rank(number - 1.5) == len(ring) - 2
        assert ring.rank(number - 1.0) == len(ring)
        assert ring.rank(1e12) == len(ring)


def test_empty_ring_has_no_ranks() -> None:
    """Nothing lies before anything in an empty ring."""
    assert Ring(1.0, COLUMNS).rank(1e12) == 0


def test_column_comes_with_its_first_figure() -> None:
    """Until a figure is given its column does not exist; older samples then lack it."""
    ring = Ring(1e9, COLUMNS)
    ring.append(0.0, {"code": 1})
    assert ring.figures("figure", 0, 1) is None
    ring.append(1.0, {"figure": 2.5})
    figures, codes = ring.figures("figure", 0, 2), ring.figures("code", 0, 2)
    assert figures is not None
    assert codes is not None
    assert np.isnan(figures[0])
    assert figures[1] == 2.5
    assert codes.tolist() == [1, -1]


def test_old_figures_do_not_show_through() -> None:
    """A place used again forgets the figure of the sample it held before."""
    ring = Ring(1.0, COLUMNS)
    for at in range(SMALLEST):
        ring.append(float(at), {"figure": 1.0})
    ring.append(float(SMALLEST), {})
    newest = ring.figures("figure", SMALLEST - 1, SMALLEST)
    assert newest is not None
    assert np.isnan(newest).all()


def test_cuts_on_either_side_of_the_seam_and_across_it() -> None:
    """Any stretch of a wrapped ring reads like the list it stands for."""
    ring = filled(SMALLEST + SMALLEST // 2, keep_s=1.0)
    expected = list(range(SMALLEST // 2, SMALLEST + SMALLEST // 2))
    for start in range(0, SMALLEST, 7):
        for stop in range(start, SMALLEST + 1, 5):
            assert ring.times(start, stop).tolist() == expected[start:stop]
