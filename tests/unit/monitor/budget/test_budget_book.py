"""A book opens an account a day, and says what is left to whom."""

from zoneinfo import ZoneInfo

import pytest

from monitor.budget.book import Book
from tests.unit.monitor.budget.paying import NOON


def book(cap_nusd: int = 1_000, bounds_nusd: tuple[int, ...] = (100, 40)) -> Book:
    return Book("p", cap_nusd, ZoneInfo("UTC"), bounds_nusd, NOON)


def test_a_new_day_opens_a_new_account() -> None:
    """Yesterday's reservations settle where they were made."""
    mine = book()
    yesterday = mine.at(NOON)
    yesterday.drew(500, 500)
    assert yesterday.reserve(100)
    today = mine.at(NOON + 12 * 3600)
    assert today is not yesterday
    assert (today.drawn_nusd, today.left_nusd) == (0, 1_000)
    yesterday.settle(100, 90)
    assert today.left_nusd == 1_000
    assert mine.at(NOON + 12 * 3600 + 60) is today


def test_a_clock_set_back_opens_the_day_before_anew() -> None:
    """What was spent on it is known to the purse, not to the fresh account."""
    mine = book()
    mine.at(NOON).drew(500, 500)
    mine.at(NOON + 86_400)
    assert mine.at(NOON).slice_nusd == 0


def test_the_last_probe_of_a_day_is_kept_apart() -> None:
    """The dearest bound is not counted as left: whoever is last must be possible."""
    mine = book()
    mine.pace.learn("a", 43_200.0, 1000)
    assert mine.ratio(100, NOON) == pytest.approx(0.9)
    assert mine.ratio(40, NOON) == pytest.approx(0.9)


def test_what_the_dearest_cannot_use_is_for_the_others() -> None:
    """A rest too small for one target is spread over the slots of those it is enough for."""
    mine = book()
    mine.at(NOON).spent_nusd = 910
    mine.pace.learn("cheap", 43_200.0, 100)
    assert mine.ratio(40, NOON) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("spent_nusd", "reserved_nusd", "used"),
    [(0, 0, 0.0), (300, 0, 0.3), (300, 200, 0.5), (900, 100, 1.0), (901, 0, 1.0), (2_000, 0, 2.0)],
)
def test_used_is_spent_and_reserved_and_all_once_the_dearest_does_not_fit(
    spent_nusd: int, reserved_nusd: int, used: float
) -> None:
    """A rest that is too small for a probe is as good as none."""
    mine = book()
    mine.at(NOON).spent_nusd = spent_nusd
    mine.at(NOON).reserved_nusd = reserved_nusd
    assert mine.used_ratio(NOON) == pytest.approx(used)


def test_money_that_lasted_the_day_is_not_said_to_be_gone() -> None:
    """In the last quarter of an hour a rest too small for a probe is as planned."""
    mine = book()
    mine.at(NOON).spent_nusd = 950
    quarter_to = NOON + 12 * 3600 - 864
    assert mine.used_ratio(quarter_to - 1) == 1.0
    assert mine.used_ratio(quarter_to) == pytest.approx(0.95)
    mine.at(NOON).spent_nusd = 1_200
    assert mine.used_ratio(quarter_to) == pytest.approx(1.2)


def test_a_budget_nobody_is_under_is_never_used_up() -> None:
    """Without targets there is nothing that could not be paid."""
    assert book(bounds_nusd=()).used_ratio(NOON) == 0.0
    assert book(bounds_nusd=()).wanted_nusd(book().account) == 0
