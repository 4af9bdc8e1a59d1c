"""What is at hand can be reserved, and nothing else."""

from datetime import date

import pytest

from monitor.budget.account import SLICES, Account

DAY = date(2026, 6, 1)


def account(cap_nusd: int = 1_000) -> Account:
    return Account("p", DAY, cap_nusd)


def test_nothing_can_be_reserved_before_it_is_drawn() -> None:
    """A budget is not money at hand."""
    fresh = account()
    assert fresh.left_nusd == 1_000
    assert not fresh.reserve(1)


def test_a_reservation_takes_from_the_slice_and_settling_returns_the_rest() -> None:
    """What an attempt did not cost can be reserved again."""
    mine = account()
    mine.drew(100, 100)
    assert mine.reserve(80)
    assert (mine.slice_nusd, mine.left_nusd) == (20, 920)
    assert not mine.reserve(21)
    mine.settle(80, 10)
    assert (mine.slice_nusd, mine.left_nusd, mine.used_nusd) == (90, 990, 10)


def test_a_released_reservation_is_as_if_it_had_not_been() -> None:
    """Nothing is spent by what was not sent."""
    mine = account()
    mine.drew(100, 100)
    assert mine.reserve(80)
    mine.release(80)
    assert (mine.slice_nusd, mine.used_nusd) == (100, 0)


def test_what_others_drew_is_gone() -> None:
    """A process before us may have spent all it drew, so it counts as used."""
    mine = account()
    mine.drew(100, 700)
    assert (mine.elsewhere_nusd, mine.used_nusd, mine.left_nusd) == (600, 600, 400)


def test_a_bill_beyond_the_reservation_makes_the_slice_short() -> None:
    """The next reservation waits until as much was drawn."""
    mine = account()
    mine.drew(100, 100)
    assert mine.reserve(50)
    mine.settle(50, 300)
    assert mine.slice_nusd == -200
    assert not mine.reserve(1)
    assert mine.wanted_nusd(10, 10) == 2 * 10 + 200


@pytest.mark.parametrize(
    ("cap_nusd", "dearest_nusd", "working_nusd", "wanted_nusd"),
    [
        (64_000, 10, 500, 1_000),  # one probe of every target, twice
        (64_000, 10, 5_000, 2_000),  # but no more than a 64th
        (1_000, 100, 5_000, 200),  # a small budget: probe by probe
        (1_000, 100, 0, 200),
    ],
)
def test_a_slice_fits_the_budget(
    cap_nusd: int, dearest_nusd: int, working_nusd: int, wanted_nusd: int
) -> None:
    """Enough that nobody waits, not so much that a crash is dear."""
    assert account(cap_nusd).wanted_nusd(dearest_nusd, working_nusd) == wanted_nusd
    assert wanted_nusd <= 2 * max(dearest_nusd, cap_nusd // SLICES)


def test_enough_at_hand_draws_nothing() -> None:
    """Reserved counts as at hand: it comes back, or its target is not probed meanwhile."""
    mine = account(64_000)
    mine.drew(500, 500)
    assert mine.wanted_nusd(10, 500) == 0
    assert mine.reserve(400)
    assert mine.wanted_nusd(10, 500) == 0
    mine.settle(400, 1)
    assert mine.wanted_nusd(10, 500) == 2 * 500 - 499


def test_an_empty_budget_draws_nothing() -> None:
    """What is drawn by all is all there is."""
    mine = account()
    mine.drew(0, 1_000)
    assert mine.wanted_nusd(10, 10) == 0
