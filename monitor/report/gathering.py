"""Read what a report says from the ledger.

Figures come from daily roll-ups and what is not in them yet, one target at a time; incidents from
failed results alone, as they are read. What is in memory therefore grows with targets and days, not
with results.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from heapq import merge
from typing import Any, Final

from aggregator.rollup.bucket import Bucket
from aggregator.rollup.table import Level
from aggregator.stores.ledger_history import points_of
from monitor.report.answers import answers
from monitor.report.beside import LATE_S, Said, beside
from monitor.report.figures import (
    Day,
    LocationReport,
    Report,
    TargetReport,
    error_budget,
    figures,
    whole,
)
from monitor.report.incidents import (
    APART_INTERVALS,
    BLAMED,
    OURS,
    Failure,
    Incident,
    Stretch,
    Worst,
    incidents,
    meanwhile,
    united,
)
from monitor.report.subjects import Subject
from monitor.status_pages.statements import statements, watched_since
from probes.result import Fault

TROUBLES_AT_MOST: Final = 50
"""Times of our own trouble that are listed, the longest."""

_WHERE: Final = "target = ? AND at >= ? AND at < ? AND location = ?"
_RESULTS: Final = (
    "SELECT at, at + waited_s + total_s, verdict, fault, status, request_id, detail, 0"  # noqa: S608
    f" FROM results WHERE {_WHERE} AND attempt = 1 AND fault IN ({{}}) ORDER BY at"  # our own words
)
_REFUSED: Final = (
    "SELECT at, at, verdict, fault, NULL, NULL, '', 1 FROM skips"  # noqa: S608 - our own words
    f" WHERE {_WHERE} AND fault IN ({{}}) ORDER BY at"
)
_GOOD: Final = f"SELECT count(*) FROM results WHERE {_WHERE} AND attempt = 1 AND fault = 'none'"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked about: whole days of UTC, as wall times."""

    since: float
    until: float
    locations: tuple[str, ...]
    objective_ratio: float | None = None


def whole_days(since: float, until: float) -> tuple[float, float]:
    """Widen a stretch of time to whole days of UTC."""
    return since // Level.DAY * Level.DAY, -(-until // Level.DAY) * Level.DAY


def gather(
    connection: sqlite3.Connection,
    subjects: Iterable[Subject],
    question: Question,
    now: float,
    version: str,
    progress: Callable[[int], None] = lambda _done: None,
) -> Report:
    """Return the report about these targets; `progress` hears how many are read.

    A target that is not configured any more and left nothing in the range is not in it.
    Each target is read in a transaction of its own: its figures and incidents are of one moment,
    a writer goes on, and its log is folded in between. Raises ValueError for an unreadable roll-up,
    and HistoryError when more results than can be read at once are in none yet.
    """
    since, until = question.since, question.until
    (oldest,) = connection.execute("SELECT min(at) FROM results").fetchone()
    worst = Worst()
    troubles: list[Stretch] = []
    reports = []
    for done, subject in enumerate(subjects, start=1):
        with _snapshot(connection):
            report = _target(connection, subject, question)
            if subject.configured or report.days:
                reports.append(report)
            for location in report.locations:
                near_s = APART_INTERVALS * subject.interval_s
                for incident in _runs(connection, subject, location, question, BLAMED):
                    worst.add(_bounded(incident, since + near_s, min(until, now) - near_s))
                ours = _runs(connection, subject, location, question, OURS)
                troubles = united([*troubles, *map(_stretch, ours)])
        progress(done)
    longest = sorted(troubles, key=lambda each: each.start_at - each.end_at)[:TROUBLES_AT_MOST]
    return Report(
        since,
        min(until, now),
        now,
        version,
        question.locations,
        question.objective_ratio,
        oldest,
        watched_since(connection),
        tuple(sorted(reports, key=_goodness)),
        tuple(_evident(connection, each, troubles) for each in worst.listed),
        worst.left_out,
        tuple(sorted(longest, key=lambda each: each.start_at)),
        len(troubles) - len(longest),
    )


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()


def _goodness(report: TargetReport) -> tuple[float, float, str]:
    """Order the worst first, and last what is not known."""
    of = report.total
    known = (of.vendor_availability, of.availability)
    vendors, every = (2.0 if share is None else share for share in known)
    return vendors, every, report.name


def _target(connection: sqlite3.Connection, subject: Subject, asked: Question) -> TargetReport:
    days: dict[int, Bucket] = {}
    locations = []
    over_s = asked.until - asked.since
    for location in asked.locations:
        points = points_of(
            connection,
            target=subject.name,
            location=location,
            since=int(asked.since),
            until=int(asked.until),
            step_s=Level.DAY,
        )
        if points:
            there = whole([point.bucket for point in points])
            locations.append(LocationReport(location, figures(there, over_s)))
        for point in points:
            days.setdefault(point.at, Bucket()).merge(point.bucket)
    total = figures(whole(list(days.values())), over_s)
    limits, timing = answers(connection, subject.name, asked.locations, asked.since, asked.until)
    return TargetReport(
        subject.name,
        subject.provider,
        subject.model,
        subject.asked,
        total,
        tuple(locations),
        error_budget(total, asked.objective_ratio),
        tuple(Day(at, figures(days[at], Level.DAY)) for at in sorted(days)),
        limits,
        timing,
    )


def _runs(
    connection: sqlite3.Connection,
    subject: Subject,
    seen: LocationReport,
    asked: Question,
    faults: Sequence[Fault],
) -> Iterator[Incident]:
    """Go through the runs of such faults; results are read only where figures know of some."""
    total = {**seen.total.failures, Fault.MONITOR: seen.total.spoiled}
    if not any(total.get(fault) for fault in faults):
        return iter(())
    key = (subject.name, asked.since, asked.until, seen.location)
    failures = _failures(connection, key, faults)
    return incidents(subject.name, subject.provider, seen.location, subject.interval_s, failures)


def _failures(
    connection: sqlite3.Connection, key: tuple[str, float, float, str], faults: Sequence[Fault]
) -> Iterator[Failure]:
    """Go through a target's slots that failed in such a way, in the order they began."""
    marks = ", ".join("?" * len(faults))
    results = connection.execute(_RESULTS.format(marks), (*key, *faults))
    refused = connection.execute(_REFUSED.format(marks), (*key, *faults))
    for row in merge(results, refused, key=lambda row: row[0]):
        yield _failure(row)


def _failure(row: tuple[Any, ...]) -> Failure:  # Any: a row's values are of all of SQLite's types
    began_at, ended_at, verdict, fault, status, request_id, detail, refused = row
    return Failure(
        began_at, ended_at, verdict, Fault(fault), status, request_id, detail, bool(refused)
    )


def _bounded(of: Incident, early: float, late: float) -> Incident:
    """Say of what stands at an end of the report that it may reach beyond."""
    return replace(of, may_be_older=of.start_at < early, may_go_on=of.end_at > late)


def _stretch(of: Incident) -> Stretch:
    return Stretch(of.location, of.start_at, of.end_at, of.failures)


def _evident(
    connection: sqlite3.Connection, incident: Incident, troubles: Sequence[Stretch]
) -> Incident:
    """Put beside an incident what else was true meanwhile."""
    start_at, end_at = incident.start_at, incident.end_at
    between = (incident.target, start_at, end_at, incident.location)
    (good,) = connection.execute(_GOOD, between).fetchone()
    words = [
        Said(
            each.page, each.state, each.title, each.first_at, each.until, each.ended_at is not None
        )
        for each in statements(connection, incident.provider, start_at, end_at + LATE_S)
    ]
    return replace(
        incident,
        good_between=good,
        page=beside(words, start_at, end_at),
        troubles=meanwhile(incident, troubles),
    )
