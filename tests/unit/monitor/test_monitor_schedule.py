"""The slot grid."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.schedule import Grid, due, phase_s

INTERVALS = st.floats(min_value=0.1, max_value=86_400)
WALLS = st.floats(min_value=0, max_value=4e9)
NAMES = st.text(min_size=1, max_size=30)


@given(NAMES, INTERVALS)
def test_phase_lies_in_the_interval(name: str, interval_s: float) -> None:
    """A phase is a place within the interval, and depends on nothing but name and interval."""
    assert 0 <= phase_s(name, interval_s) < interval_s
    assert phase_s(name, interval_s) == phase_s(name, interval_s)


def test_phases_spread_over_the_interval() -> None:
    """A restart is no herd: 200 targets fall into every tenth of the interval, none crowded."""
    tenths = [0] * 10
    for index in range(200):
        tenths[int(phase_s(f"target-{index}", 60) / 6)] += 1
    assert min(tenths) >= 8
    assert max(tenths) <= 40


@given(NAMES, INTERVALS, WALLS)
def test_current_and_following_enclose_the_moment(
    name: str, interval_s: float, wall: float
) -> None:
    """Every moment lies in exactly one slot: at or after its start and before the next."""
    grid = Grid.of(name, interval_s)
    current, following = grid.current(wall), grid.following(wall)
    assert current.at <= wall < following.at
    assert following.number == current.number + 1


@given(NAMES, st.integers(min_value=0, max_value=10**7))
def test_a_slot_is_current_at_its_own_time(name: str, number: int) -> None:
    """Rounding at the boundary never names the slot before or after."""
    grid = Grid.of(name, 60.0)
    assert grid.current(grid.slot(number).at).number == number


@pytest.mark.parametrize(
    ("number", "too_high", "too_low"),
    [
        # In summer 2025 the division takes the moment before this slot for the slot...
        (173_267_327, True, False),
        # ...and in early 1989 it took this slot's own time for the slot before.
        (59_405_942, False, True),
    ],
)
def test_the_grids_own_times_decide(number: int, too_high: bool, too_low: bool) -> None:
    """Where a division rounds over a boundary, a slot still begins at its time and not before."""
    grid = Grid.of("target-0", 10.1)
    at = grid.slot(number).at
    before = math.nextafter(at, 0)
    assert (math.floor((before - grid.phase_s) / 10.1) == number) is too_high
    assert (math.floor((at - grid.phase_s) / 10.1) == number - 1) is too_low
    assert grid.current(before).number == number - 1
    assert grid.current(at).number == number


def test_replicas_agree() -> None:
    """Two replicas started at different times give the same moment the same slot number."""
    assert Grid.of("gpt-chat", 60).current(1.7e9 + 30) == Grid.of("gpt-chat", 60).current(
        1.7e9 + 30
    )
    number = Grid.of("gpt-chat", 60).current(1.7e9).number
    assert number == math.floor((1.7e9 - phase_s("gpt-chat", 60)) / 60)


def test_on_time_runs() -> None:
    """A slot met at its time is run, with its lateness measured."""
    grid = Grid(60.0, 0.0)
    decision = due(grid, grid.slot(10), 600.002)
    assert (decision.run, decision.slot.number) == (True, 10)
    assert decision.lateness_s == pytest.approx(0.002)


def test_late_by_more_than_half_an_interval_is_skipped() -> None:
    """A slot whose interval is half over gets no probe: it would crowd the next one."""
    grid = Grid(60.0, 0.0)
    assert due(grid, grid.slot(10), 630.0).run
    assert not due(grid, grid.slot(10), 630.1).run


def test_slots_gone_by_are_never_run_in_a_burst() -> None:
    """After ten missed slots the newest runs, and none of those before it."""
    grid = Grid(60.0, 0.0)
    decision = due(grid, grid.slot(10), 1200.0)
    assert (decision.slot.number, decision.run) == (20, True)


def test_a_clock_pulled_back_a_little_does_not_repeat_the_slot() -> None:
    """The expected slot stands even when the wall clock reads just before it."""
    grid = Grid(60.0, 0.0)
    decision = due(grid, grid.slot(10), 599.9)
    assert (decision.slot.number, decision.lateness_s, decision.run) == (10, 0.0, True)
