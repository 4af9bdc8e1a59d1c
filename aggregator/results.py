"""The ledger's tables of results and of skipped slots.

Every function takes a connection and is meant to run inside `Ledger.write` or `Ledger.read`. A
slot's attempt is kept once: recording it again (a replay, a result heard twice) changes nothing.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from heapq import merge
from operator import attrgetter
from typing import Any, Final

from aggregator.ledger_file import Schema
from probes.result import (
    Failing,
    Fault,
    Operation,
    ProbeResult,
    RateLimit,
    SkipReason,
    StampQuality,
    Verdict,
)
from probes.target import Slot

RESULTS: Final = Schema(
    "results",
    (
        """
        CREATE TABLE results (
            id INTEGER PRIMARY KEY AUTOINCREMENT, -- commit order; never used again
            target TEXT NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            operation TEXT NOT NULL,
            location TEXT NOT NULL,
            slot INTEGER NOT NULL,
            slot_at REAL NOT NULL,
            attempt INTEGER NOT NULL,
            at REAL NOT NULL,
            verdict TEXT NOT NULL,
            fault TEXT NOT NULL,
            detail TEXT NOT NULL,
            status INTEGER,
            finish_reason TEXT,
            waited_s REAL NOT NULL,
            resolve_s REAL,
            connect_s REAL,
            tls_s REAL,
            sent_s REAL,
            first_byte_s REAL,
            first_token_s REAL,
            first_visible_token_s REAL,
            last_token_s REAL,
            total_s REAL NOT NULL,
            reused INTEGER,
            input_tokens INTEGER,
            output_tokens INTEGER,
            cached_tokens INTEGER,
            reasoning_tokens INTEGER,
            prompt_chars INTEGER NOT NULL,
            response_chars INTEGER,
            cost_usd REAL,
            rate_limits TEXT, -- [[bucket, limit, remaining, reset_s], ...]; NULL: none
            retry_after_s REAL,
            request_id TEXT,
            returned_model TEXT,
            fingerprint TEXT,
            server_ms REAL,
            stamps TEXT NOT NULL,
            loop_lag_s REAL NOT NULL,
            stream_tainted INTEGER NOT NULL
        ) STRICT;
        -- `at` too: after the wall clock was set back, slot numbers come again.
        CREATE UNIQUE INDEX results_once ON results (target, location, slot, attempt, at);
        CREATE INDEX results_of_target ON results (target, at);
        CREATE INDEX results_by_time ON results (at);

        CREATE TABLE skips (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            target TEXT NOT NULL,
            location TEXT NOT NULL,
            slot INTEGER NOT NULL,
            slot_at REAL NOT NULL,
            reason TEXT NOT NULL,
            at REAL NOT NULL,
            after_result INTEGER NOT NULL -- id of the newest result then: one order over both
        ) STRICT;
        CREATE UNIQUE INDEX skips_once ON skips (target, location, slot, at);
        CREATE INDEX skips_by_time ON skips (at);
        """,
        """
        ALTER TABLE results ADD COLUMN gc_s REAL NOT NULL DEFAULT 0;
        ALTER TABLE results ADD COLUMN latency_tainted INTEGER NOT NULL DEFAULT 0;
        """,
        """
        ALTER TABLE results ADD COLUMN hint TEXT NOT NULL DEFAULT '';
        ALTER TABLE results ADD COLUMN cosine REAL;
        ALTER TABLE results ADD COLUMN deprecated_at REAL;
        ALTER TABLE results ADD COLUMN sunset_at REAL;
        ALTER TABLE results ADD COLUMN interrupted INTEGER NOT NULL DEFAULT 0;
        """,
        """
        -- What a slot refused by an open breaker counts as; NULL: it does not count as failing.
        ALTER TABLE skips ADD COLUMN verdict TEXT;
        ALTER TABLE skips ADD COLUMN fault TEXT;
        """,
        """
        -- The replica that told us of it; '': our own.
        ALTER TABLE results ADD COLUMN heard_from TEXT NOT NULL DEFAULT '';
        ALTER TABLE skips ADD COLUMN heard_from TEXT NOT NULL DEFAULT '';
        """,
    ),
)

PRUNED_TOGETHER: Final = 1_000
"""Rows deleted in one go: some 4 ms, so that results never wait long behind them."""

FREED_PAGES: Final = 250
"""Pages given back to the file system in one go: 1 MB, some 3 ms. Deleting PRUNED_TOGETHER results
empties 40."""

LARGEST: Final = 2**63 - 1
"""What an SQLite integer holds. A provider that claims more tokens than this gets this noted."""

STEP_TOLERANCE_S: Final = 60.0
"""Results are committed in the order they were had, but for this: beyond it a clock stepped."""

_HAD_AT: Final = "at + waited_s + total_s"

_NAMES: Final = tuple(field.name for field in fields(ProbeResult))
_PLAIN: Final = attrgetter(*_NAMES)
_LIMITS: Final = _NAMES.index("rate_limits")
_ENUMS: Final = {
    "operation": Operation,
    "verdict": Verdict,
    "fault": Fault,
    "stamps": StampQuality,
}
_ENUM_PLACES: Final = tuple(_NAMES.index(name) for name in _ENUMS)
_RATE_LIMIT: Final = attrgetter(*(field.name for field in fields(RateLimit)))
_FLAGS: Final = ("reused", "latency_tainted", "stream_tainted", "interrupted")
_COLUMNS: Final = ", ".join(_NAMES)
_INSERT: Final = (
    f"INSERT INTO results ({_COLUMNS}, heard_from)"  # noqa: S608 - our own field names
    f" VALUES ({', '.join('?' * len(_NAMES))}, ?)"
    " ON CONFLICT (target, location, slot, attempt, at) DO NOTHING"
)
_SELECT: Final = f"SELECT {_COLUMNS}, id FROM results"  # noqa: S608 - our own field names


@dataclass(frozen=True, slots=True)
class SkippedSlot:
    """A slot that got no probe."""

    target: str
    location: str
    slot: Slot
    reason: SkipReason
    at: float
    """Wall time at which it was given up, seconds since the epoch."""
    failing: Failing | None = None
    """What it counts as; None: it does not count as failing."""


def had_at(result: ProbeResult) -> float:
    """Return the wall time at which a result was had, seconds since the epoch."""
    return result.at + result.waited_s + result.total_s


def insert_result(
    connection: sqlite3.Connection, result: ProbeResult, heard_from: str = ""
) -> bool:
    """Record one attempt; say whether it was new. `heard_from`: whose it was, "" our own."""
    return _insert(connection, [*_row(result), heard_from]) == 1


def insert_results(connection: sqlite3.Connection, results: Iterable[ProbeResult]) -> int:
    """Record attempts of our own; return how many were new."""
    return sum(_insert(connection, [*_row(result), ""]) for result in results)


def _insert(connection: sqlite3.Connection, row: list[Any]) -> int:  # Any: as in _row
    # The row alone is counted: `total_changes` would count what triggers do as well.
    try:
        return connection.execute(_INSERT, row).rowcount
    except (OverflowError, UnicodeEncodeError):
        # Numbers and texts of a hostile answer that no row can hold.
        return connection.execute(_INSERT, [_fitting(value) for value in row]).rowcount


def insert_skip(
    connection: sqlite3.Connection,
    *,
    target: str,
    location: str,
    slot: Slot,
    reason: SkipReason,
    at: float,
    failing: Failing | None = None,
) -> bool:
    """Record a slot that got no probe, given up at wall time `at`; say whether it was new."""
    return insert_skipped(connection, SkippedSlot(target, location, slot, reason, at, failing))


def insert_skipped(connection: sqlite3.Connection, skip: SkippedSlot, heard_from: str = "") -> bool:
    """Record a slot that got no probe; say whether it was new. `heard_from`: as of a result."""
    slot = skip.slot
    cursor = connection.execute(
        "INSERT INTO skips"
        " (target, location, slot, slot_at, reason, at, verdict, fault, heard_from, after_result)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
        "         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'results'), 0))"
        " ON CONFLICT (target, location, slot, at) DO NOTHING",
        (
            *(skip.target, skip.location, slot.number, slot.at, skip.reason.value, skip.at),
            *_words(skip.failing),
            heard_from,
        ),
    )
    return cursor.rowcount == 1


def replay(
    connection: sqlite3.Connection, since: float, until: float
) -> Iterator[ProbeResult | SkippedSlot]:
    """Go through what was had between wall times `since` and `until`, in commit order.

    Rows whose place in time is not known are left out. When the wall clock was set back, commit
    order and stamps part: what was committed before that moment is older than its stamps say, and
    a ledger whose newest row lies in the future has none that can be placed. Only rows of our own
    tell of our clock: what was heard may have come hours late, and by another's clock. Rows of a
    newer version with words this one does not know are left out as well.

    Imported results, whose numbers are below 0, are none of it.

    It reads as it goes: use it up inside the work, there may be more than memory should hold.
    """
    newest = connection.execute(
        f"SELECT {_HAD_AT} FROM results WHERE id > 0 AND heard_from = ''"  # noqa: S608 - ours
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()
    newest_at = newest[0] if newest is not None else until
    if newest_at > until + STEP_TOLERANCE_S:
        return
    first = _after_step(connection, since)
    results = connection.execute(
        f"{_SELECT} WHERE at BETWEEN ? AND iif(heard_from = '', ?, ?) AND id > ? ORDER BY id",
        (since, newest_at + STEP_TOLERANCE_S, until + STEP_TOLERANCE_S, first),
    )
    skips = connection.execute(
        "SELECT target, location, slot, slot_at, reason, at, verdict, fault, after_result"
        " FROM skips"
        " WHERE at BETWEEN ? AND ? AND after_result >= ? ORDER BY after_result, id",
        (since, until + STEP_TOLERANCE_S, first),
    )
    # A skip stands after the result it names; (id, 0) and (id, 1) say so to the merge.
    of_results = ((row[-1], 0, row) for row in results)
    of_skips = ((row[-1], 1, row) for row in skips)
    for _, kind, row in merge(of_results, of_skips, key=lambda item: item[:2]):
        try:
            yield _skip(row) if kind else _result(row)
        except ValueError:
            continue  # a verdict, fault or reason that a newer version wrote


def _after_step(connection: sqlite3.Connection, since: float) -> int:
    """Return the id after which the stamps of what began since then keep to commit order."""
    (step,) = connection.execute(
        f"SELECT max(id) FROM (SELECT id, {_HAD_AT} AS had_at,"  # noqa: S608 - our own
        f" lead({_HAD_AT}) OVER (ORDER BY id) AS next_at FROM results"
        "  WHERE id > 0 AND at >= ? AND heard_from = '')"
        " WHERE next_at < had_at - ?",
        (since, STEP_TOLERANCE_S),
    ).fetchone()
    return step or 0


def latest(connection: sqlite3.Connection, target: str, limit: int) -> list[ProbeResult]:
    """Return a target's newest attempts, the newest first."""
    rows = connection.execute(
        f"{_SELECT} WHERE target = ? ORDER BY at DESC, id DESC LIMIT ?", (target, limit)
    )
    return [_result(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which attempts of one target are asked for: those sent in a stretch of wall time."""

    target: str
    location: str
    since: float
    until: float
    failed: bool = False
    """Whether those that are not ok are wanted alone."""


Key = tuple[float, int]
"""Where an attempt stands among its target's: when it was sent, and its number."""

LOOKED_AT: Final = 100_000
"""Attempts one page of failures looks through: some 100 ms of the reader's thread."""

_OF_PAGE: Final = (
    " FROM results WHERE target = :target AND location = :location AND at >= :since AND at <= :at"
    " AND (at, id) < (:at, :id) ORDER BY at DESC, id DESC LIMIT"
)
_PAGE: Final = f"""
{_SELECT} WHERE id IN (SELECT id FROM (SELECT id, verdict {_OF_PAGE} :most)
                        WHERE verdict != 'ok' OR NOT :failed LIMIT :limit)
 ORDER BY at DESC, id DESC
"""  # noqa: S608 - our own words
_LAST_LOOKED_AT: Final = f"SELECT at, id {_OF_PAGE} 1 OFFSET :most - 1"


def page(
    connection: sqlite3.Connection, asked: Asked, before: Key | None, limit: int
) -> tuple[list[tuple[int, ProbeResult]], Key | None]:
    """Return up to `limit` attempts and their numbers, the newest first, and where to go on.

    `before` None begins with the newest; with the key of the page before it goes on behind that
    one, whatever was added meanwhile. A page may be short, or empty, before the last: those with
    words of a newer version are left out, and of failures no more than LOOKED_AT are looked for.
    """
    newest = asked.until, LARGEST
    at, number = min(before or newest, newest)
    bound = {
        "target": asked.target,
        "location": asked.location,
        "since": asked.since,
        "at": at,
        "id": number,
        "failed": asked.failed,
        "most": LOOKED_AT if asked.failed else limit + 1,
        "limit": limit + 1,
    }
    rows = connection.execute(_PAGE, bound).fetchall()
    end: Key | None
    if len(rows) > limit:
        del rows[limit:]
        end = rows[-1][_NAMES.index("at")], rows[-1][-1]
    else:
        end = connection.execute(_LAST_LOOKED_AT, bound).fetchone() if asked.failed else None
    return list(_known(rows)), end


def _known(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, ProbeResult]]:  # Any: as in _row
    for row in rows:
        try:
            yield row[-1], _result(row)
        except ValueError:
            continue  # a verdict or fault that a newer version wrote


def prune(connection: sqlite3.Connection, before: float, limit: int = PRUNED_TOGETHER) -> int:
    """Delete up to `limit` rows older than wall time `before`, the oldest first; return how many.

    Pages that became free go back to the file system. Call it again, as a write of its own, until
    it returns less than `limit`.
    """
    oldest: dict[str, list[tuple[int]]] = {"results": [], "skips": []}
    for table, row, _ in connection.execute(
        "SELECT 'results', id, at FROM results WHERE at < :before"
        " UNION ALL SELECT 'skips', id, at FROM skips WHERE at < :before"
        " ORDER BY 3 LIMIT :limit",
        {"before": before, "limit": limit},
    ).fetchall():
        oldest[table].append((row,))
    for table, ids in oldest.items():
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", ids)  # noqa: S608 - ours
    free_pages(connection)
    return sum(len(ids) for ids in oldest.values())


def drop_oldest(connection: sqlite3.Connection, rows: int) -> int:
    """Delete the `rows` oldest rows whatever their age, for a ledger that has outgrown its size.

    Results and skips alike; returns how many there were to delete.
    """
    return prune(connection, math.inf, rows)


def size_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes in use in the file; free pages and the write-ahead log do not count."""
    pages = _number(connection, "page_count") - _number(connection, "freelist_count")
    return pages * _number(connection, "page_size")


def free_pages(connection: sqlite3.Connection) -> None:
    """Give up to FREED_PAGES that deleting has emptied back to the file system."""
    # One page at a time: each page is a step of the statement that returns a row without columns,
    # and Python's sqlite3 goes no further than the first of those.
    free = _number(connection, "freelist_count")
    for _ in range(min(free, FREED_PAGES)):
        connection.execute("PRAGMA incremental_vacuum(1)")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    return int(value)


def _row(result: ProbeResult) -> list[Any]:  # Any: a row's values are of all of SQLite's types
    row = list(_PLAIN(result))
    for place in _ENUM_PLACES:
        row[place] = row[place].value
    limits = result.rate_limits
    row[_LIMITS] = json.dumps([_RATE_LIMIT(limit) for limit in limits]) if limits else None
    return row


def _fitting(value: object) -> object:
    if isinstance(value, int):
        return max(-LARGEST, min(value, LARGEST))
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value


def _result(row: tuple[Any, ...]) -> ProbeResult:  # Any: as in _row
    found = dict(zip(_NAMES, row, strict=False))
    for name, kind in _ENUMS.items():
        found[name] = kind(found[name])
    found["rate_limits"] = tuple(RateLimit(*parts) for parts in json.loads(row[_LIMITS] or "[]"))
    for name in _FLAGS:
        if found[name] is not None:
            found[name] = bool(found[name])
    return ProbeResult(**found)


def _skip(row: tuple[Any, ...]) -> SkippedSlot:  # Any: as in _row
    target, location, number, slot_at, reason, at, verdict, fault, _ = row
    failing = None if verdict is None else Failing(Verdict(verdict), Fault(fault))
    return SkippedSlot(target, location, Slot(number, slot_at), SkipReason(reason), at, failing)


def _words(failing: Failing | None) -> tuple[str | None, str | None]:
    return (None, None) if failing is None else (failing.verdict.value, failing.fault.value)
