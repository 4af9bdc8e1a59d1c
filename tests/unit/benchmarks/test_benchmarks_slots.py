"""The truth server's log against the grid of slots."""

import pytest

from benchmarks.slots import latenesses_s, missed, target_name
from benchmarks.truth_log import Row
from monitor.schedule import Grid

OFFSET_S = 1_700_000_000.0


def arrived(target: int, slot: int, late_s: float = 0.0) -> Row:
    """Make a request that arrived so late after a slot of ten seconds."""
    at = Grid.of(target_name(target), 10.0).slot(170_000_000 + slot).at + late_s - OFFSET_S
    return Row(0, target, "chat", at, 0.0, at, at, 0.0, 0.0, ())


def test_lateness_is_from_each_targets_own_slot() -> None:
    """Targets have phases of their own."""
    log = [arrived(1, 0, 0.002), arrived(2, 0, 1.5)]
    assert latenesses_s(log, 10.0, OFFSET_S) == pytest.approx([0.002, 1.5], abs=1e-6)


def test_a_clock_that_is_being_corrected_makes_nobody_ten_seconds_late() -> None:
    """Slightly before a slot is that slot's, and early, not the one before's and very late."""
    early = [arrived(1, 5, -0.01)]
    assert latenesses_s(early, 10.0, OFFSET_S) == pytest.approx([-0.01], abs=1e-6)


def test_gaps_are_counted_for_each_target() -> None:
    """What lies before a target's first request or behind its last is not known to be missed."""
    log = [arrived(1, 3), arrived(1, 6), arrived(2, 9), arrived(2, 10), arrived(1, 4)]
    assert missed(log, 10.0, OFFSET_S) == 1


def test_two_requests_in_a_slot_do_not_make_up_for_a_gap() -> None:
    """Slots are counted, not requests."""
    assert missed([arrived(1, 0), arrived(1, 0, 1.0), arrived(1, 2)], 10.0, OFFSET_S) == 1
