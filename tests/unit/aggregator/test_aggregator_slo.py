"""Tallies over rings of minutes and hours, and what a small sample is sure of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.slo import HOUR_S, HOURS, MINUTES, Tallies, Tally, budget_left, together

NOW = 1_800_000_000.0
DAY_S = 86_400


def counted(*at: float, bad: int = 1) -> Tallies:
    tallies = Tallies(["a", "b"])
    for each in at:
        tallies.count("a", each, bad=bad, n=1)
    return tallies


def test_a_window_is_the_bucket_under_way_and_those_before() -> None:
    """Five minutes ago is in no window of five minutes, four minutes ago is."""
    tallies = counted(NOW - 240, NOW - 300)
    assert tallies.over(["a"], 300, NOW) == [Tally(1, 1)]
    assert tallies.over(["a"], 360, NOW) == [Tally(2, 2)]


def test_targets_are_counted_apart_and_in_the_order_asked() -> None:
    """One's failures are not another's."""
    tallies = counted(NOW)
    tallies.count("b", NOW, bad=0, n=3)
    assert tallies.over(["b", "a"], 300, NOW) == [Tally(0, 3), Tally(1, 1)]
    with pytest.raises(KeyError):
        tallies.over(["c"], 300, NOW)


def test_what_is_not_ours_is_not_counted() -> None:
    """A target of no objective is passed over, however it is counted."""
    tallies = counted()
    for count in (tallies.count, tallies.count_hour, tallies.count_minute):
        count("c", NOW, bad=1, n=1)
    assert tallies.over(["a", "b"], DAY_S, NOW) == [Tally(), Tally()]


def test_hours_and_minutes_are_counted_apart_where_they_are_known_apart() -> None:
    """At the start hours are of hours and minutes of minutes; nothing counts twice."""
    tallies = Tallies(["a"])
    tallies.count_hour("a", NOW, bad=1, n=60)
    tallies.count_minute("a", NOW, bad=1, n=1)
    assert tallies.over(["a"], 300, NOW) == [Tally(1, 1)]
    assert tallies.over(["a"], 3 * DAY_S, NOW) == [Tally(1, 60)]


def test_what_is_too_old_for_the_ring_is_not_counted() -> None:
    """A row from before the longest window lands in no newer bucket."""
    tallies = counted(NOW, NOW - MINUTES * 60 - 60)
    assert tallies.over(["a"], (MINUTES - 1) * 60, NOW) == [Tally(1, 1)]
    tallies.count("a", NOW - (HOURS + 1) * HOUR_S, bad=1, n=1)
    assert tallies.over(["a"], HOURS * HOUR_S, NOW) == [Tally(2, 2)]


def test_a_window_that_ends_long_after_the_newest_is_empty() -> None:
    """After a day without a probe five minutes hold nothing, and the ring is no older than told."""
    tallies = counted(NOW)
    assert tallies.over(["a"], 300, NOW + DAY_S) == [Tally()]
    assert tallies.over(["a"], 2 * DAY_S, NOW + DAY_S) == [Tally(1, 1)]


@given(st.lists(st.tuples(st.integers(0, 40_000), st.booleans()), max_size=60))
def test_windows_are_sums_of_what_was_counted(rows: list[tuple[int, bool]]) -> None:
    """In whatever order rows come: those of the window's minutes and the ring's are in the sum."""
    tallies = Tallies(["a"])
    for ago_s, bad in rows:
        tallies.count("a", NOW - ago_s, bad=int(bad), n=1)
    for window_s in (300, 1800, 21_600):
        first = int(NOW // 60) - window_s // 60 + 1
        within = [bad for ago_s, bad in rows if (NOW - ago_s) // 60 >= first]
        assert tallies.over(["a"], window_s, NOW) == [Tally(sum(within), len(within))]


@pytest.mark.parametrize(
    ("bad", "n", "at_least"),
    [(0, 0, 0.0), (0, 1000, 0.0), (1, 5, 0.046), (5, 5, 0.649), (10, 100, 0.061)],
)
def test_few_samples_are_sure_of_little(bad: int, n: int, at_least: float) -> None:
    """One failure of five is 20 %, and sure to be no more than 5 %."""
    assert Tally(bad, n).at_least() == pytest.approx(at_least, abs=0.001)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_bound_is_never_above_the_ratio(bad: int, more: int) -> None:
    """What is sure is at most what was seen, and more of the same is surer."""
    tally, again = Tally(bad, bad + more), Tally(2 * bad, 2 * (bad + more))
    ratio = tally.ratio
    assert ratio is not None
    assert 0 <= tally.at_least() <= again.at_least() + 1e-12
    assert again.at_least() <= ratio + 1e-12


def test_a_budget_is_what_is_left_of_what_may_be_bad() -> None:
    """Half spent, overspent, and unknown without an answer."""
    assert budget_left(Tally(5, 1000), 0.01) == pytest.approx(0.5)
    assert budget_left(Tally(20, 1000), 0.01) == pytest.approx(-1.0)
    assert budget_left(Tally(), 0.01) is None
    assert Tally().ratio is None
    assert together([Tally(1, 2), Tally(3, 4)]) == Tally(4, 6)
