"""Slots are left out evenly, and as many as must be."""

from itertools import pairwise

import pytest

from monitor.budget.pace import Pace, has_turn


def test_what_suffices_is_not_stretched() -> None:
    """Ten a minute for an hour is 600."""
    pace = Pace()
    pace.learn("a", 60.0, 10)
    assert pace.ratio(600, 3600.0) == 1.0
    assert pace.ratio(300, 3600.0) == pytest.approx(0.5)
    assert pace.ratio(0, 3600.0) == 0.0
    assert pace.ratio(-5, 3600.0) == 0.0


def test_nobody_is_held_back_on_a_guess() -> None:
    """Before its first attempt a target's cost is not known, and not made up."""
    assert Pace().ratio(1, 86_400.0) == 1.0


def test_a_cap_below_what_is_gone_lets_nothing_through() -> None:
    """It was lowered during the day: a new process has spent nothing yet, and less is left."""
    assert Pace().ratio(-5, 3600.0) == 0.0


def test_the_expectation_follows_what_attempts_cost() -> None:
    """A change of cost is nearly all believed ten attempts on."""
    pace = Pace()
    pace.learn("a", 60.0, 10)
    for _ in range(10):
        pace.learn("a", 60.0, 100)
    expected_nusd = 10 + 90 * (1 - 0.8**10)
    assert pace.ratio(600, 3600.0) == pytest.approx(600 / (60 * expected_nusd))


def test_targets_add_up() -> None:
    """Each asks for its cost at its own interval."""
    pace = Pace()
    pace.learn("a", 60.0, 10)
    pace.learn("b", 30.0, 10)
    assert pace.ratio(900, 3600.0) == pytest.approx(0.5)


def test_the_last_second_is_not_stretched() -> None:
    """At midnight there is no demand left, and after it none at all."""
    pace = Pace()
    pace.learn("a", 60.0, 10)
    assert pace.ratio(0, 0.0) == 1.0
    assert pace.ratio(0, -5.0) == 1.0


@pytest.mark.parametrize(
    ("ratio", "gaps"), [(0.5, {1, 2, 3}), (0.4, {1, 2, 3}), (0.9, {1, 2}), (0.1, {5, 8, 13})]
)
def test_turns_are_spread_evenly(ratio: float, gaps: set[int]) -> None:
    """Between two slots that are had lie about as many as the ratio says: of three lengths."""
    had = [number for number in range(30_000_000, 30_001_000) if has_turn(number, ratio, 0.3)]
    assert {after - before for before, after in pairwise(had)} <= gaps
    assert len(had) == pytest.approx(1000 * ratio, abs=2)


def test_a_smaller_ratio_chooses_among_the_slots_of_a_larger_one() -> None:
    """Replicas that reckon differently do not probe more than the one that reckons highest."""
    few, many = (
        {number for number in range(1000) if has_turn(number, ratio, 0.3)} for ratio in (0.3, 0.31)
    )
    assert few < many


def test_targets_have_places_of_their_own() -> None:
    """With half the slots, targets that start apart are not left out at the same time."""
    assert all(has_turn(n, 0.5, 0.2) is not has_turn(n, 0.5, 0.7) for n in range(100))


def test_no_turns_without_money() -> None:
    """A ratio of nothing has none."""
    assert not any(has_turn(number, 0.0, 0.0) for number in range(100))
