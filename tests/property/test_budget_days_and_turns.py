"""Days follow each other in every zone; turns are as even as whole slots can be."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from monitor.budget.account import Account
from monitor.budget.day import day_of
from monitor.budget.pace import has_turn

ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Havana"),
    *("America/Santiago", "Africa/Cairo", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Pacific/Chatham", "Pacific/Kiritimati", "Africa/Casablanca", "Asia/Gaza"),
]
"""Half and quarter hours, changes at midnight, changes of half an hour."""
MOMENTS = st.floats(1_420_070_400.0, 4_102_444_800.0)
"""2015 to 2100."""


@given(wall=MOMENTS, zone=st.sampled_from(ZONES))
def test_a_moment_is_on_the_day_of_its_date(wall: float, zone: str) -> None:
    """The day holds the moment, has its date, and begins where the one before ended."""
    info = ZoneInfo(zone)
    day = day_of(wall, info)
    assert day.holds(wall)
    assert day.date == datetime.fromtimestamp(wall, info).date()
    assert 22.5 * 3600 <= day.ends_at - day.starts_at <= 25.5 * 3600
    assert day_of(day.starts_at, info) == day
    before, after = day_of(day.starts_at - 1.0, info), day_of(day.ends_at, info)
    assert before.ends_at == day.starts_at
    assert after.starts_at == day.ends_at
    assert before.date < day.date < after.date


@given(
    ratio=st.floats(0.01, 0.999),
    start=st.floats(0.0, 1.0, exclude_max=True),
    since=st.integers(0, 10**9),
)
def test_turns_come_about_evenly(ratio: float, start: float, since: int) -> None:
    """Gaps are of three lengths at most, none much longer than 1 / ratio, whenever one looks.

    https://en.wikipedia.org/wiki/Three-gap_theorem
    """
    had = [number for number in range(since, since + 1000) if has_turn(number, ratio, start)]
    gaps = {after - before for before, after in pairwise(had)}
    assert len(gaps) <= 3
    assert all(gap <= 2.7 / ratio + 1.0 for gap in gaps)
    assert abs(len(had) - 1000 * ratio) <= 4.0


AMOUNTS = st.integers(0, 1_000)


@given(
    steps=st.lists(st.tuples(st.sampled_from(["draw", "reserve", "settle"]), AMOUNTS), max_size=60)
)
def test_an_account_always_adds_up(steps: list[tuple[str, int]]) -> None:
    """Drawn is spent, reserved and at hand; nothing is reserved that is not at hand."""
    account = Account("p", datetime.fromtimestamp(0, ZoneInfo("UTC")).date(), 100_000)
    reserved: list[int] = []
    for step, amount in steps:
        if step == "draw":
            account.drew(amount, account.drawn_nusd + account.elsewhere_nusd + amount)
        elif step == "reserve":
            at_hand = account.slice_nusd
            assert account.reserve(amount) == (amount <= at_hand)
            if amount <= at_hand:
                reserved.append(amount)
        elif reserved:
            bound = reserved.pop()
            account.settle(bound, min(bound, amount))
        assert account.reserved_nusd == sum(reserved)
        assert account.slice_nusd >= 0
        assert account.drawn_nusd == (
            account.spent_nusd + account.reserved_nusd + account.slice_nusd
        )
