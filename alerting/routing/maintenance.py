"""Maintenance windows: times at which alerts that match are kept quiet, by people's clocks. Pure.

A window lasts from when the clocks of its time zone first show its begin until they last show its
end. On the day an hour is doubled a window around or within it is so much longer; on the day an
hour is skipped one around it is shorter, and one that begins within it begins when the clocks jump.
One that lies wholly in the skipped hour, which no clock shows, begins at the jump and keeps its
length: what was planned for then takes place right after.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from alerting.match import Match

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY: Final = frozenset(range(7))
_DAY_MIN: Final = 24 * 60
_EVERY: Final = re.compile(
    r"(?:(?P<days>[A-Za-z,-]+) )?(?P<from>\d{2}:\d{2})-(?P<until>\d{2}:\d{2})"
)
_EXPECTED: Final = 'expected "Sun 02:00-04:00", "Mon-Fri 22:00-23:30", "02:00-04:00" or the like'
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time a window is open. Seconds since the epoch."""

    starts_at: float
    ends_at: float
    """Not part of it any more."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """The same hours on the same days of each week. Minutes since midnight."""

    days: frozenset[int]
    """0 is Monday; of one over midnight the day on which it begins."""
    from_min: int
    until_min: int
    """At or below `from_min` it is of the next day; 1440 is this day's end."""


@dataclass(frozen=True, slots=True)
class Once:
    """One time alone, as the clocks of the time zone show it."""

    begin: datetime
    """Without a time zone, like `end`."""
    end: datetime


@dataclass(frozen=True, slots=True)
class Maintenance:
    """When which alerts are kept quiet."""

    match: Match
    """Looks at an alert's labels, as a silence does."""
    times: Weekly | Once
    timezone: str
    """A name of the IANA time zone database."""
    text: str
    """The times as they were written, with the time zone."""

    def at(self, now: float) -> Occurrence | None:
        """Return the occurrence that is under way at `now`; None: none is."""
        found = self.next(now)
        return found if found is not None and found.starts_at <= now else None

    def next(self, now: float) -> Occurrence | None:
        """Return the occurrence that is under way at `now`, or the next; None: it was the last."""
        zone = ZoneInfo(self.timezone)
        if isinstance(self.times, Once):
            found = _between(self.times.begin, self.times.end, zone)
            return found if now < found.ends_at else None
        today = datetime.fromtimestamp(now, zone).date()
        # Yesterday's may go on over midnight; one a week is found within eight days, and a day
        # that a time zone left out takes eight more.
        for ahead in range(-1, 16):
            day = today + timedelta(days=ahead)
            if day.weekday() in self.times.days:
                found = _on(self.times, day, zone)
                if now < found.ends_at:
                    return found
        return None


def _on(times: Weekly, day: date, zone: tzinfo) -> Occurrence:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - what a clock shows
    over_midnight = times.until_min <= times.from_min
    until_min = times.until_min + (_DAY_MIN if over_midnight else 0)
    begin = midnight + timedelta(minutes=times.from_min)
    return _between(begin, midnight + timedelta(minutes=until_min), zone)


def _between(begin: datetime, end: datetime, zone: tzinfo) -> Occurrence:
    """Return the time from when the clocks first show `begin` until they last show `end`."""
    starts_at, ends_at = _shown(begin, zone, fold=0), _shown(end, zone, fold=1)
    if ends_at <= starts_at:  # no clock shows any of it
        ends_at = starts_at + (end - begin).total_seconds()
    return Occurrence(starts_at, ends_at)


def _shown(local: datetime, zone: tzinfo, *, fold: int) -> float:
    """Return when the clocks show this: the first time (fold 0) or the last (fold 1).

    What they skip counts as shown when they jump. https://peps.python.org/pep-0495/
    """
    first, last = (local.replace(tzinfo=zone, fold=each).timestamp() for each in (0, 1))
    if first <= last:
        return last if fold else first
    # Skipped: fold 0 reckons with the offset before the jump, and so finds a moment after it.
    before, after = int(last), int(first)
    offset = datetime.fromtimestamp(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return float(after)


def parse_every(text: str) -> Weekly:
    """Read `Sun 02:00-04:00`, `Mon-Fri 22:00-23:30`, `Sat,Sun 00:00-24:00` or `02:00-04:00`.

    Raises ValueError, saying what is expected.
    """
    found = _EVERY.fullmatch(text)
    if found is None:
        raise ValueError(_EXPECTED)
    from_min, until_min = _minutes(found["from"]), _minutes(found["until"])
    if from_min in (until_min, _DAY_MIN):
        raise ValueError("expected an end that is another time than the begin; a day: 00:00-24:00")
    return Weekly(_days(found["days"]), from_min, until_min)


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if minutes > 59 or hours * 60 + minutes > _DAY_MIN:
        raise ValueError("expected times of a day, from 00:00 to 24:00")
    return hours * 60 + minutes


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return EVERY_DAY
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(f"expected days of {', '.join(_DAYS)}, such as Sat,Sun or Mon-Fri")
        begin = _DAYS.index(first)
        length = (_DAYS.index(last) - begin) % 7 if dash else 0
        days.update((begin + ahead) % 7 for ahead in range(length + 1))
    return frozenset(days)


def parse_moment(text: str) -> datetime:
    """Read `2026-12-24 22:00`: what a clock shows. Raises ValueError, saying what is expected."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # no such day
    raise ValueError("expected a time such as 2026-12-24 22:00")


def occurrence_text(occurrence: Occurrence, timezone: str) -> str:
    """Write an occurrence for people, in its own time zone: `Sun 2026-11-22 02:00 to 04:00 CET`."""
    zone = ZoneInfo(timezone)
    begin, end = (
        datetime.fromtimestamp(at, UTC).astimezone(zone)
        for at in (occurrence.starts_at, occurrence.ends_at)
    )
    until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%a %Y-%m-%d %H:%M}"
    return f"{begin:%a %Y-%m-%d %H:%M} to {until} {end:%Z}"
