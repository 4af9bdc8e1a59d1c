"""A day is a local date, as long as clocks make it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.budget.day import day_of


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "moment", "date", "hours"),
    [
        ("UTC", "2026-03-29T12:00", "2026-03-29", 24),
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-25", 25),
        ("Europe/Berlin", "2026-06-01T21:59", "2026-06-01", 24),
        ("Europe/Berlin", "2026-06-01T22:00", "2026-06-02", 24),
        ("America/Los_Angeles", "2026-06-02T06:59", "2026-06-01", 24),
        ("Pacific/Kiritimati", "2026-06-01T10:00", "2026-06-02", 24),
        # Clocks went from midnight to one: the day began at one.
        ("America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04", 23),
        # At midnight back to eleven: the day before had its last hour twice.
        ("America/Sao_Paulo", "2018-02-17T12:00", "2018-02-17", 25),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(
    zone: str, moment: str, date: str, hours: int
) -> None:
    """Date and length follow the zone, also where clocks are changed, also at midnight."""
    day = day_of(at(moment), ZoneInfo(zone))
    assert day.date.isoformat() == date
    assert day.ends_at - day.starts_at == hours * 3600
    assert day.holds(at(moment))


def test_days_follow_each_other_without_a_gap() -> None:
    """The moment one day ends is the first of the next."""
    zone = ZoneInfo("Europe/Berlin")
    today = day_of(at("2026-03-28T12:00"), zone)
    tomorrow = day_of(today.ends_at, zone)
    assert tomorrow.starts_at == today.ends_at
    assert tomorrow.date.toordinal() == today.date.toordinal() + 1
    assert not today.holds(today.ends_at)
    assert not tomorrow.holds(today.ends_at - 0.001)
