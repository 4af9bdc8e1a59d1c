"""What is usual at an hour of the week: season, level, spread, and when nothing can be said."""

import math
from collections.abc import Callable, Iterator
from random import Random

import pytest

from aggregator.baseline import LEAST_SPREAD, WEEK_H, Baseline, Learning, Usual

MONDAY = 20_000 * 24 + 96
"""Number of an hour that begins a Monday (UTC)."""


def hours(count: int, value: Callable[[int], float], seed: int = 1) -> Iterator[tuple[int, float]]:
    """Yield hours from MONDAY on, with a little noise around what is usual."""
    random = Random(seed)
    for passed in range(count):
        yield MONDAY + passed, value(passed) * math.exp(random.gauss(0.0, 0.05))


def daily(passed: int) -> float:
    """Return twice as much at noon as at midnight."""
    return 1.5 - 0.5 * math.cos(math.tau * (passed % 24) / 24)


def learnt(count: int, value: Callable[[int], float]) -> Baseline:
    baseline = Baseline()
    baseline.learn(hours(count, value))
    return baseline


def usual(baseline: Baseline, passed: int) -> Usual:
    found = baseline.usual(MONDAY + passed)
    assert isinstance(found, Usual)
    return found


def test_nothing_is_known_at_first() -> None:
    """Without any hour it learns, and says so."""
    assert str(Baseline().usual(MONDAY)) == "learning: 0 of 7 days"


def test_a_week_is_learnt_before_anything_is_said() -> None:
    """The warm-up is told in days; with a week of hours there is an answer."""
    assert str(learnt(3 * 24, daily).usual(MONDAY + 72)) == "learning: 3 of 7 days"
    assert isinstance(learnt(WEEK_H, daily).usual(MONDAY + WEEK_H), Usual)


def test_a_week_with_few_hours_is_not_enough() -> None:
    """Half of the hours must have had a value."""
    baseline = Baseline()
    baseline.learn((hour, value) for hour, value in hours(WEEK_H, daily) if hour % 3 == 0)
    assert isinstance(baseline.usual(MONDAY + WEEK_H), Learning)


def test_the_hour_of_the_day_tells_after_a_week() -> None:
    """Noon is as noon was, midnight as midnight was."""
    baseline = learnt(10 * 24, daily)
    assert usual(baseline, 10 * 24 + 12).centre == pytest.approx(2.0, rel=0.1)
    assert usual(baseline, 10 * 24).centre == pytest.approx(1.0, rel=0.1)


def test_the_hour_of_the_week_tells_after_three() -> None:
    """A Sunday that is always half as slow is usual on Sundays alone."""

    def quiet_sundays(passed: int) -> float:
        return 1.0 if passed // 24 % 7 == 6 else 2.0

    baseline = learnt(4 * WEEK_H, quiet_sundays)
    assert usual(baseline, 4 * WEEK_H + 6 * 24 + 12 - WEEK_H).centre == pytest.approx(1.0, rel=0.1)
    assert usual(baseline, 4 * WEEK_H + 12).centre == pytest.approx(2.0, rel=0.1)


def test_a_day_of_trouble_teaches_nothing() -> None:
    """After thirty hours of four times as much the usual is what it was."""

    def troubled(passed: int) -> float:
        return 4.0 if passed >= 3 * WEEK_H else 1.0

    found = usual(learnt(3 * WEEK_H + 30, troubled), 3 * WEEK_H + 30)
    assert found.centre == pytest.approx(1.0, rel=0.15)


def test_a_change_that_lasts_is_usual_within_two_days() -> None:
    """A median of three days follows once most of them are changed."""

    def swapped(passed: int) -> float:
        return 2.0 if passed >= 3 * WEEK_H else 1.0

    found = usual(learnt(3 * WEEK_H + 48, swapped), 3 * WEEK_H + 48)
    assert found.centre == pytest.approx(2.0, rel=0.15)


def test_a_slow_drift_is_followed() -> None:
    """A tenth slower each week is never unusual."""
    found = usual(learnt(4 * WEEK_H, lambda passed: 1.1 ** (passed / WEEK_H)), 4 * WEEK_H)
    assert abs(found.deviation(1.1**4)) < 2


def test_the_spread_is_that_of_the_noise() -> None:
    """Noise of five percent is told as such, and a window of few samples scatters more."""
    baseline = learnt(4 * WEEK_H, lambda _: 1.0)
    found = usual(baseline, 4 * WEEK_H)
    assert found.spread == pytest.approx(0.05, rel=0.3)
    wider = baseline.usual(MONDAY + 4 * WEEK_H, 0.2)
    assert isinstance(wider, Usual)
    assert wider.spread == pytest.approx(math.hypot(found.spread, 0.2))


def test_what_never_varies_has_a_spread_all_the_same() -> None:
    """Else a hair's breadth would be many of them."""
    baseline = Baseline()
    baseline.learn((MONDAY + passed, 1.0) for passed in range(2 * WEEK_H))
    assert usual(baseline, 2 * WEEK_H).spread == LEAST_SPREAD


def test_hours_one_by_one_are_as_all_at_once() -> None:
    """A daemon that was restarted knows what one knows that was not."""
    once, one_by_one = learnt(2 * WEEK_H, daily), Baseline()
    for hour in hours(2 * WEEK_H, daily):
        one_by_one.learn([hour])
    together, apart = usual(once, 2 * WEEK_H), usual(one_by_one, 2 * WEEK_H)
    assert apart.centre == pytest.approx(together.centre, rel=0.05)
    assert apart.spread == pytest.approx(together.spread, rel=0.3)


def test_an_hour_counts_once() -> None:
    """What is told again, or late, changes nothing."""
    baseline = learnt(2 * WEEK_H, daily)
    before = usual(baseline, 2 * WEEK_H)
    baseline.learn([(MONDAY + 5, 1e6)])
    assert usual(baseline, 2 * WEEK_H) == before


def test_after_a_long_gap_nothing_is_said_until_there_is_a_level() -> None:
    """Three days without an hour: the level is over. Twelve new hours are one."""
    baseline = learnt(2 * WEEK_H, daily)
    later = MONDAY + 2 * WEEK_H + 100
    assert isinstance(baseline.usual(later), Learning)
    baseline.learn([(later, 1.0)])
    assert isinstance(baseline.usual(later + 1), Learning)
    baseline.learn((later + passed, daily(passed)) for passed in range(1, 13))
    assert isinstance(baseline.usual(later + 13), Usual)


def test_what_is_older_than_four_weeks_is_forgotten() -> None:
    """A gap as long as the memory leaves what came after it, and no more."""
    baseline = learnt(2 * WEEK_H, daily)
    later = MONDAY + 8 * WEEK_H
    baseline.learn((later + passed, 3.0) for passed in range(24))
    assert str(baseline.usual(later + 24)) == "learning: 1 of 7 days"


def test_the_range_is_as_many_spreads_wide_as_asked() -> None:
    """The ends of a range lie so many spreads off, and a value of none is far below."""
    found = Usual(2.0, 0.1)
    low, high = found.between(3.0)
    assert found.deviation(low) == pytest.approx(-3.0)
    assert found.deviation(high) == pytest.approx(3.0)
    assert found.deviation(0.0) < -100
