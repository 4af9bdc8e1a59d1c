"""When maintenance is, on ordinary days and on those that have 23 or 25 hours."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from alerting.match import Match
from alerting.routing.maintenance import (
    EVERY_DAY,
    Maintenance,
    Occurrence,
    Once,
    Weekly,
    occurrence_text,
    parse_every,
    parse_moment,
)

BERLIN = "Europe/Berlin"
HOUSE = Match((("provider", ("house",)),))


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    """Return the moment at which clocks show this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def every(text: str, zone: str = BERLIN) -> Maintenance:
    """Return a maintenance of the same times each week."""
    return Maintenance(HOUSE, parse_every(text), zone, text)


def hours(found: Occurrence | None) -> float:
    """Return how long an occurrence is."""
    assert found is not None
    return (found.ends_at - found.starts_at) / 3600


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("02:00-04:00", Weekly(EVERY_DAY, 120, 240)),
        ("Sun 02:00-04:00", Weekly(frozenset({6}), 120, 240)),
        ("Mon-Fri 22:00-23:30", Weekly(frozenset(range(5)), 1320, 1410)),
        ("Fri-Mon 00:00-24:00", Weekly(frozenset({4, 5, 6, 0}), 0, 1440)),
        ("Sat,Sun,Tue-Wed 23:00-01:00", Weekly(frozenset({5, 6, 1, 2}), 1380, 60)),
    ],
)
def test_times_are_read(text: str, read: Weekly) -> None:
    """Days, lists and spans of them, also over the week's end; none means all."""
    assert parse_every(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sunday",
        "2:00-4:00",
        "Sun 02:00",
        "Son 02:00-04:00",
        "Mon- 02:00-04:00",
        "Mon-Fry 02:00-04:00",
        "02:00-02:00",
        "24:00-02:00",
        "25:00-26:00",
        "02:60-04:00",
        "02:00-24:01",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """With what would be one."""
    with pytest.raises(ValueError, match="expected"):
        parse_every(text)


@pytest.mark.parametrize(
    ("now", "open_"),
    [
        ("2026-11-22 01:59:59", False),
        ("2026-11-22 02:00", True),
        ("2026-11-22 03:59:59", True),
        ("2026-11-22 04:00", False),
        ("2026-11-23 03:00", False),
    ],
)
def test_it_is_open_from_its_begin_until_before_its_end(now: str, open_: bool) -> None:
    """By the clocks of its time zone, on its days alone."""
    assert (every("Sun 02:00-04:00").at(at(now)) is not None) is open_


def test_over_midnight_it_belongs_to_the_day_it_begins_on() -> None:
    """Friday's goes on into Saturday, and there is none in the night to Friday."""
    window = every("Fri 23:00-01:00")
    assert window.at(at("2026-11-21 00:30")) == Occurrence(
        at("2026-11-20 23:00"), at("2026-11-21 01:00")
    )
    assert window.at(at("2026-11-20 00:30")) is None


def test_a_whole_day_has_no_gap_to_the_next() -> None:
    """Midnight itself belongs to the second day."""
    window = every("00:00-24:00")
    for now in ("2026-11-20 00:00", "2026-11-20 23:59:59", "2026-11-21 00:00"):
        assert window.at(at(now)) is not None


def test_the_next_is_found_from_anywhere_in_the_week() -> None:
    """While one is under way that one; right behind it the next week's."""
    window = every("Sun 02:00-04:00")
    sunday = Occurrence(at("2026-11-22 02:00"), at("2026-11-22 04:00"))
    for now in ("2026-11-15 04:00", "2026-11-18 12:00", "2026-11-22 03:00"):
        assert window.next(at(now)) == sunday
    after = window.next(sunday.ends_at)
    assert after is not None
    assert after.starts_at == at("2026-11-29 02:00")


@pytest.mark.parametrize(
    ("text", "spring", "autumn"),
    [
        ("Sun 02:00-04:00", ("03:00", 1.0), ("02:00", 3.0)),  # around it
        ("Sun 01:00-02:00", ("01:00", 1.0), ("01:00", 2.0)),  # up to it: shown at the jump, twice
        ("Sun 03:00-04:00", ("03:00", 1.0), ("03:00", 1.0)),  # right behind it
        ("Sun 02:15-02:45", ("03:00", 0.5), ("02:15", 1.5)),  # within it
        ("Sun 02:00-03:00", ("03:00", 1.0), ("02:00", 2.0)),  # all of it
        ("Sun 02:30-03:30", ("03:00", 0.5), ("02:30", 2.0)),  # begins within it
        ("Sun 01:30-02:30", ("01:30", 0.5), ("01:30", 2.0)),  # ends within it
        ("Sat 23:00-05:00", ("23:00", 5.0), ("23:00", 7.0)),  # over midnight
    ],
)
def test_days_of_23_and_25_hours(
    text: str, spring: tuple[str, float], autumn: tuple[str, float]
) -> None:
    """From when clocks first show the begin until they last show the end; never nothing."""
    window = every(text)
    for day, eve, (begin, length) in (
        ("2026-03-29", "2026-03-28", spring),
        ("2026-10-25", "2026-10-24", autumn),
    ):
        found = window.next(at(f"{eve} 12:00"))
        assert found is not None
        assert found.starts_at == at(f"{eve if text.startswith('Sat') else day} {begin}")
        assert hours(found) == length


def test_where_half_an_hour_is_skipped() -> None:
    """Lord Howe Island moves by thirty minutes."""
    window = every("Sun 02:10-02:20", "Australia/Lord_Howe")
    found = window.next(at("2026-10-03 12:00", "Australia/Lord_Howe"))
    assert found is not None
    assert found.starts_at == at("2026-10-04 02:30", "Australia/Lord_Howe")
    assert hours(found) == pytest.approx(1 / 6)


def test_in_utc_every_day_is_alike() -> None:
    """No jump at all."""
    for now in ("2026-03-28 12:00", "2026-10-24 12:00"):
        assert hours(every("Sun 02:00-04:00", "UTC").next(at(now, "UTC"))) == 2.0


def test_a_day_that_never_was() -> None:
    """Samoa left out Friday 30 December 2011: what was planned for it follows right after."""
    window = every("Fri 10:00-11:00", "Pacific/Apia")
    found = window.at(at("2011-12-31 00:30", "Pacific/Apia"))
    assert found is not None
    assert found.starts_at == at("2011-12-31 00:00", "Pacific/Apia")
    assert hours(found) == 1.0
    after = window.next(found.ends_at)
    assert after is not None
    assert after.starts_at == at("2012-01-06 10:00", "Pacific/Apia")


def test_once_is_once() -> None:
    """Before it, within it, and when it is over."""
    times = Once(parse_moment("2026-12-24 22:00"), parse_moment("2026-12-25T04:00"))
    window = Maintenance(HOUSE, times, BERLIN, "")
    found = Occurrence(at("2026-12-24 22:00"), at("2026-12-25 04:00"))
    assert window.next(at("2026-01-01 00:00")) == found
    assert window.at(at("2026-01-01 00:00")) is None
    assert window.at(found.starts_at) == found
    assert window.next(found.ends_at) is None
    assert window.at(found.ends_at) is None


def test_a_weekday_that_no_day_is_never_comes() -> None:
    """Days are a set; without any there is no time to find."""
    assert Maintenance(HOUSE, Weekly(frozenset(), 0, 60), BERLIN, "").next(0.0) is None


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-13-01 00:00", "2026-12-24", "2026-02-30 10:00"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """With what would be one."""
    with pytest.raises(ValueError, match="2026-12-24 22:00"):
        parse_moment(text)


def test_an_occurrence_is_written_in_its_own_zone() -> None:
    """The second date stands there where it is another."""
    short = Occurrence(at("2026-11-22 02:00"), at("2026-11-22 04:00"))
    assert occurrence_text(short, BERLIN) == "Sun 2026-11-22 02:00 to 04:00 CET"
    long = Occurrence(at("2026-11-21 23:00"), at("2026-11-22 01:00"))
    assert occurrence_text(long, BERLIN) == "Sat 2026-11-21 23:00 to Sun 2026-11-22 01:00 CET"
