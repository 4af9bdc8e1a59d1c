"""The day a budget is for: a date somewhere, 23 to 25 hours long where clocks are changed. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Day:
    """One local date, from midnight to midnight in seconds since the epoch."""

    date: date
    starts_at: float
    ends_at: float

    def holds(self, wall: float) -> bool:
        """Say whether the moment is on this day."""
        return self.starts_at <= wall < self.ends_at


def day_of(wall: float, zone: ZoneInfo) -> Day:
    """Return the day that a moment is on in a time zone."""
    today = datetime.fromtimestamp(wall, zone).date()
    return Day(today, _midnight(today, zone), _midnight(today + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> float:
    """Return when a date begins; where clocks leap over midnight, that is the moment they do."""
    return datetime.combine(day, time.min, zone).timestamp()
