"""Read what a report says from the ledger.

Figures come from daily roll-ups and what is not in them yet, one target at a time; incidents from
failed results alone, as they are read. What is in memory therefore grows with targets and days, not
with results.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import Any, Final

from aggregator.rollup.table import Level
from aggregator.stores.ledger_history import points_of
from monitor.report.figures import (
    Day,
    Report,
    StatedLimit,
    TargetReport,
    error_budget,
    figures,
    whole,
)
from monitor.report.incidents import BLAMED, Failure, Worst, incidents
from probes.result import Fault
from probes.target import Target

LIMITS_AT_MOST: Final = 20
"""Limits shown of a target: they are numbers of a provider, which may state a new one each time."""

_BLAMED: Final = ", ".join(repr(fault.value) for fault in BLAMED)
_WHERE: Final = f"target = ? AND at >= ? AND at < ? AND location = ? AND fault IN ({_BLAMED})"
_RESULTS: Final = (
    "SELECT at, at + waited_s + total_s, verdict, fault, status, request_id, detail"  # noqa: S608
    f" FROM results WHERE {_WHERE} AND attempt = 1 ORDER BY at"  # our own words
)
_REFUSED: Final = (
    f"SELECT at, at, verdict, fault, NULL, NULL, '' FROM skips WHERE {_WHERE} ORDER BY at"  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked about: whole days of UTC, as wall times."""

    since: float
    until: float
    location: str
    objective_ratio: float | None = None


def whole_days(since: float, until: float) -> tuple[float, float]:
    """Widen a stretch of time to whole days of UTC."""
    return since // Level.DAY * Level.DAY, -(-until // Level.DAY) * Level.DAY


def gather(
    connection: sqlite3.Connection, targets: Sequence[Target], question: Question, now: float
) -> Report:
    """Return the report about these targets.

    Raises ValueError for an unreadable roll-up, and HistoryError when more results than can be
    read at once are in none yet.
    Reads in one transaction, so that figures and incidents are of one moment; a writer goes on.
    """
    since, until = question.since, question.until
    connection.execute("BEGIN")
    try:
        (oldest,) = connection.execute("SELECT min(at) FROM results").fetchone()
        worst = Worst()
        reports = []
        for target in targets:
            reports.append(_target(connection, target, question))
            found = _failures(connection, target.name, question)
            for incident in incidents(target.name, target.provider, target.interval_s, found):
                worst.add(incident)
    finally:
        connection.rollback()
    return Report(
        since,
        min(until, now),
        now,
        question.location,
        question.objective_ratio,
        oldest,
        tuple(reports),
        worst.listed,
        worst.left_out,
    )


def _target(connection: sqlite3.Connection, target: Target, asked: Question) -> TargetReport:
    days = points_of(
        connection,
        target=target.name,
        location=asked.location,
        since=int(asked.since),
        until=int(asked.until),
        step_s=Level.DAY,
    )
    total = figures(whole([day.bucket for day in days]), asked.until - asked.since)
    return TargetReport(
        target.name,
        target.provider,
        target.model,
        total,
        error_budget(total, asked.objective_ratio),
        tuple(Day(day.at, figures(day.bucket, day.over_s)) for day in days),
        _limits(connection, target.name, asked),
    )


def _limits(
    connection: sqlite3.Connection, target: str, asked: Question
) -> tuple[StatedLimit, ...]:
    # Each bucket is [name, limit, remaining, reset_s].
    found = connection.execute(
        "SELECT json_extract(value, '$[0]') AS bucket, json_extract(value, '$[1]') AS stated,"
        " min(json_extract(value, '$[2]')), count(*), min(at), max(at)"
        " FROM results, json_each(rate_limits)"
        " WHERE target = ? AND at >= ? AND at < ? AND location = ?"
        " GROUP BY bucket, stated ORDER BY count(*) DESC LIMIT ?",
        (target, asked.since, asked.until, asked.location, LIMITS_AT_MOST),
    )
    limits = (StatedLimit(*row) for row in found)
    return tuple(sorted(limits, key=attrgetter("bucket", "first_at")))


def _failures(connection: sqlite3.Connection, target: str, asked: Question) -> Iterator[Failure]:
    """Go through a target's failed slots in the order they began."""
    key = (target, asked.since, asked.until, asked.location)
    results = connection.execute(_RESULTS, key)
    refused = connection.execute(_REFUSED, key)
    for row in merge(results, refused, key=lambda row: row[0]):
        yield _failure(row)


def _failure(row: tuple[Any, ...]) -> Failure:  # Any: a row's values are of all of SQLite's types
    began_at, ended_at, verdict, fault, *told = row
    return Failure(began_at, ended_at, verdict, Fault(fault), *told)
