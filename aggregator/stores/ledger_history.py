"""The past as the embedded ledger remembers it: its roll-ups, and results not in them yet."""

import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final, Protocol, TypeVar

from aggregator.rollup.bucket import Bucket, Point
from aggregator.rollup.folding import ATTEMPTS, SKIPS, Minutes, attempt, skip
from aggregator.rollup.table import points
from aggregator.stores.history import (
    MOST_RESULTS,
    Drifted,
    Events,
    History,
    Outcome,
    Uptime,
    refuse_beyond,
    troubles,
    whole_steps,
)
from aggregator.stores.rebuild import rebuilt_until
from probes.result import Fault

T = TypeVar("T")

_WHOSE: Final = "target = :target AND location = :location"
_NEWER: Final = (
    # Imported results have numbers below 0, downwards.
    f"{_WHOSE} AND at >= :since AND at < :until AND NOT id BETWEEN :imported AND :results"
    " LIMIT :limit"
)
# +: by their numbers, for times have no index by target.
_NEWER_SKIPS: Final = f"id > :skips AND {_WHOSE} AND +at >= :since AND +at < :until LIMIT :limit"
_OUTCOMES: Final = f"""
SELECT at, fault, request_id
  FROM (SELECT id, at, fault, request_id, lag(fault) OVER (ORDER BY at, id) AS before
          FROM results
         WHERE {_WHOSE} AND at >= :since AND at < :until AND attempt = 1 AND fault != 'monitor')
 WHERE fault != 'none' OR before != 'none'
 ORDER BY at, id LIMIT :limit
"""  # noqa: S608 - our own words
_DRIFTS: Final = """
SELECT at, kind, before, after FROM drift_events
 WHERE target = :target AND at >= :since AND at < :until ORDER BY at, id
"""


class Read(Protocol):
    """Runs a work on one snapshot of what is committed: `Ledger.read`, or what stands for it."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]:
        """Return what the work returns, and raise what it raises."""
        ...


class LedgerHistory(History):
    """History from the ledger; everything raises what the read raises as well."""

    knows_skips: ClassVar[bool] = True

    def __init__(self, read: Read, location: str) -> None:
        self._read = read
        self._location = location

    async def range(self, target: str, since: int, until: int, step_s: int) -> list[Point]:
        """See `History`. How far back it reaches is up to the step, as in `points`."""
        since, until = whole_steps(since, until, step_s)
        span = partial(points_of, target=target, location=self._location, since=since, until=until)
        return await self._read(partial(span, step_s=step_s))

    async def uptime(self, target: str, since: int, until: int) -> Uptime:
        """See `History`. Nobody knows what was missed before a ledger that was rebuilt began."""
        found = await super().uptime(target, since, until)
        known_from = await self._read(partial(rebuilt_until, target=target))
        return found if since >= known_from else replace(found, missed=None)

    async def events(self, target: str, since: int, until: int) -> Events:
        """See `History`. It reaches as far back as results are kept."""
        asked = _asked(target, self._location, since, until)
        return await self._read(partial(_events, asked=asked))


def points_of(
    connection: sqlite3.Connection,
    *,
    target: str,
    location: str,
    since: int,
    until: int,
    step_s: int,
) -> list[Point]:
    """Return the points of whole steps: roll-ups, and what is committed but not in them yet.

    Raises HistoryError when there is more of the latter than is read at once.
    """
    asked = _asked(target, location, since, until)
    steps: defaultdict[int, Bucket] = defaultdict(Bucket)
    for point in points(connection, target, since, until, step_s, location):
        steps[point.at] = point.bucket
    for (_, _, minute), bucket in _newer(connection, asked).items():
        steps[minute * 60 // step_s * step_s].merge(bucket)
    return [Point(at, step_s, steps[at]) for at in sorted(steps)]


def _asked(
    target: str, location: str, since: int, until: int
) -> dict[str, Any]:  # Any: bound values
    return {
        "target": target,
        "location": location,
        "since": since,
        "until": until,
        "limit": MOST_RESULTS + 1,
    }


def _newer(connection: sqlite3.Connection, asked: dict[str, Any]) -> Minutes:
    """Return the minutes of what is behind the cursor that tells what is rolled up."""
    results, skips, imported = connection.execute(
        "SELECT results, skips, imported FROM rollup_cursor"
    ).fetchone()
    minutes: Minutes = defaultdict(Bucket)
    bound = {**asked, "results": results, "skips": skips, "imported": imported}
    for take, select in (
        (attempt, ATTEMPTS.format(_NEWER)),
        (skip, SKIPS.format(_NEWER_SKIPS)),
    ):
        rows = connection.execute(select, bound).fetchall()
        refuse_beyond(len(rows))
        for row in rows:
            take(minutes, *row)
    return minutes


def _events(connection: sqlite3.Connection, asked: dict[str, Any]) -> Events:
    return Events(
        list(troubles(_outcomes(connection.execute(_OUTCOMES, asked)))),
        [Drifted(*row) for row in connection.execute(_DRIFTS, asked)],
    )


def _outcomes(rows: Iterable[tuple[float, str, str | None]]) -> Iterable[Outcome]:
    known = {fault.value: fault for fault in Fault}
    for at, fault, request_id in rows:
        if fault in known:  # else it is a newer version's
            yield Outcome(at, known[fault], request_id)
