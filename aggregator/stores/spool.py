"""What still has to reach the store beside the ledger, and the balance of what did.

The ledger is the spool. Results are not copied: an acknowledged cursor stands on the newest one
that is settled, and what lies behind it waits. Summaries of windows have no rows of their own in
the ledger, so their points wait here, compressed, until they are settled.

    produced = stored + pending + dropped + quarantined

holds of our own results in every committed state, because each number changes in the transaction
that changes the rows it speaks of: a trigger counts every new result and every one that is deleted
before it was settled, whoever deletes it. A crash between the store's answer and our
acknowledgement leaves the rows pending: they are written again, in their own place (see
`aggregator.stores.lines`), and counted once. What was heard from other replicas is shipped by those
who had it, and passed over here.

A cursor belongs to a destination. Another address, organisation or bucket begins anew with the
oldest result the ledger holds, and so does the first configuration.
"""

import gzip
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aggregator.ledger_file import Schema
from aggregator.stores.delivery import Destination
from aggregator.stores.lines import probe_line
from aggregator.stores.rows import probe_rows

SPOOL: Final = Schema(
    "spool",
    (
        """
        CREATE TABLE shipped (
            stream TEXT PRIMARY KEY CHECK (stream IN ('results', 'windows')),
            destination TEXT NOT NULL,
            acknowledged INTEGER NOT NULL DEFAULT 0, -- id of the newest settled row
            produced INTEGER NOT NULL DEFAULT 0,
            stored INTEGER NOT NULL DEFAULT 0,
            dropped INTEGER NOT NULL DEFAULT 0,
            quarantined INTEGER NOT NULL DEFAULT 0
        ) STRICT, WITHOUT ROWID;

        CREATE TRIGGER result_produced AFTER INSERT ON results BEGIN
            UPDATE shipped SET produced = produced + 1 WHERE stream = 'results';
        END;
        CREATE TRIGGER result_dropped AFTER DELETE ON results BEGIN
            UPDATE shipped SET dropped = dropped + 1
             WHERE stream = 'results' AND acknowledged < OLD.id;
        END;

        CREATE TABLE window_points (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL,
            points INTEGER NOT NULL,
            lines BLOB NOT NULL -- gzip
        ) STRICT;
        CREATE TRIGGER window_points_produced AFTER INSERT ON window_points BEGIN
            UPDATE shipped SET produced = produced + NEW.points WHERE stream = 'windows';
        END;
        CREATE TRIGGER window_points_dropped AFTER DELETE ON window_points BEGIN
            UPDATE shipped SET dropped = dropped + OLD.points
             WHERE stream = 'windows' AND acknowledged < OLD.id;
        END;

        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            stream TEXT NOT NULL,
            at REAL NOT NULL, -- when the store refused it
            line TEXT NOT NULL,
            reason TEXT NOT NULL
        ) STRICT;
        """,
        """
        DROP TRIGGER result_produced;
        CREATE TRIGGER result_produced AFTER INSERT ON results WHEN NEW.heard_from = '' BEGIN
            UPDATE shipped SET produced = produced + 1 WHERE stream = 'results';
        END;
        DROP TRIGGER result_dropped;
        CREATE TRIGGER result_dropped AFTER DELETE ON results WHEN OLD.heard_from = '' BEGIN
            UPDATE shipped SET dropped = dropped + 1
             WHERE stream = 'results' AND acknowledged < OLD.id;
        END;
        -- The cursor goes along over what others had, for as long as nothing of our own waits: a
        -- replica that probes little does not look through all of theirs again each time.
        CREATE TRIGGER result_heard AFTER INSERT ON results WHEN NEW.heard_from != '' BEGIN
            UPDATE shipped SET acknowledged = NEW.id
             WHERE stream = 'results' AND acknowledged < NEW.id AND NOT EXISTS (
                   SELECT 1 FROM results
                    WHERE id > acknowledged AND id < NEW.id AND heard_from = '');
        END;
        """,
    ),
)

QUARANTINE_KEPT: Final = 1_000
"""Refused lines kept to be looked at, the newest: what is wrong with one is wrong with many."""
RANGE: Final = 100
"""Results encoded in one go: a millisecond in the reader's thread. Beyond the 5 ms for which Python
leaves a thread alone, the event loop would have to wait for it."""
COUNTED_ROWS: Final = 20_000
"""How many rows that wait are counted one by one, in some milliseconds. How long a longer queue is,
after hours of an outage, is what the other terms of the balance leave."""
GZIP_LEVEL: Final = 1
"""Ten times cheaper than 9, and lines of points fold to an eighth all the same."""


class Stream(StrEnum):
    """The two kinds of points."""

    RESULTS = "results"
    WINDOWS = "windows"


@dataclass(frozen=True, slots=True)
class Balance:
    """Where the points of a stream went; all numbers are of one committed state."""

    produced: int = 0
    stored: int = 0
    dropped: int = 0
    """Deleted before they were settled (age, size), or too old for the bucket."""
    quarantined: int = 0
    pending: int = 0
    """Points that wait: counted in their rows, up to COUNTED_ROWS of them."""
    oldest_at: float | None = None
    """Wall time of the oldest point that waits; None when none does."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive points of one stream."""

    stream: Stream
    upto: int
    """Number of the newest row in it."""
    lines: Sequence[bytes]
    full: bool = False
    """Whether there may be more behind it."""


@dataclass(frozen=True, slots=True)
class Poison:
    """A line the store does not take, and what it said of it."""

    line: bytes
    reason: str


def begin(connection: sqlite3.Connection, destination: Destination) -> bool:
    """Take up the cursors of a destination; say whether they start anew."""
    name = json.dumps([destination.url, destination.org, destination.bucket])
    kept = connection.execute("SELECT destination FROM shipped WHERE stream = 'results'").fetchone()
    if kept == (name,):
        return False
    connection.execute("DELETE FROM shipped")
    connection.execute(
        "INSERT INTO shipped (stream, destination, produced)"
        # Imported results have numbers below zero: they are behind no cursor.
        " SELECT 'results', ?1, count(*) FROM results WHERE id > 0 AND heard_from = ''"
        " UNION ALL SELECT 'windows', ?1, coalesce(sum(points), 0) FROM window_points",
        (name,),
    )
    return True


def pending_results(connection: sqlite3.Connection, after: int | None, limit: int) -> Batch:
    """Return up to `limit` results as lines: those behind row `after`, or behind the cursor."""
    if after is None:
        after = _acknowledged(connection, Stream.RESULTS)
    rows = probe_rows(connection, after, limit)
    lines = [probe_line(row).encode("utf-8", "replace") for row in rows]
    return Batch(Stream.RESULTS, rows[-1].id if rows else after, lines, len(rows) == limit)


def pending_windows(connection: sqlite3.Connection) -> Batch:
    """Return the oldest points of windows that wait."""
    row = connection.execute(
        "SELECT id, lines FROM window_points WHERE id > ? ORDER BY id LIMIT 1",
        (_acknowledged(connection, Stream.WINDOWS),),
    ).fetchone()
    if row is None:
        return Batch(Stream.WINDOWS, 0, ())
    return Batch(Stream.WINDOWS, row[0], gzip.decompress(row[1]).split(b"\n"), full=True)


def _acknowledged(connection: sqlite3.Connection, stream: Stream) -> int:
    (found,) = connection.execute(
        "SELECT acknowledged FROM shipped WHERE stream = ?", (stream.value,)
    ).fetchone()
    return int(found)


def settle(
    connection: sqlite3.Connection, batch: Batch, poison: Sequence[Poison], expired: int, at: float
) -> None:
    """Acknowledge a batch: `poison` of it was refused at wall time `at`, `expired` were too old.

    Rows that were deleted since it was read have been counted as dropped, and stay that.
    """
    stream = batch.stream.value
    left = _left(connection, batch)
    refused = min(left, len(poison))
    lost = min(left - refused, expired)
    connection.execute(
        "UPDATE shipped SET acknowledged = ?, stored = stored + ?, dropped = dropped + ?,"
        " quarantined = quarantined + ? WHERE stream = ?",
        (batch.upto, left - refused - lost, lost, refused, stream),
    )
    if batch.stream is Stream.WINDOWS:
        connection.execute("DELETE FROM window_points WHERE id <= ?", (batch.upto,))
    if poison:
        _quarantine(connection, stream, poison, at)


def _left(connection: sqlite3.Connection, batch: Batch) -> int:
    """Count a batch's points that are still there."""
    what = {
        Stream.RESULTS: "count(*) FROM results WHERE heard_from = ''",
        Stream.WINDOWS: "coalesce(sum(points), 0) FROM window_points WHERE true",
    }[batch.stream]
    (left,) = connection.execute(
        f"SELECT {what} AND id > ? AND id <= ?",
        (_acknowledged(connection, batch.stream), batch.upto),
    ).fetchone()
    return int(left)


def _quarantine(
    connection: sqlite3.Connection, stream: str, poison: Sequence[Poison], at: float
) -> None:
    connection.executemany(
        "INSERT INTO quarantine (stream, at, line, reason) VALUES (?, ?, ?, ?)",
        [(stream, at, each.line.decode(), each.reason) for each in poison],
    )
    connection.execute(
        "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?",
        (QUARANTINE_KEPT,),
    )


def keep_windows(connection: sqlite3.Connection, lines: Sequence[str], at: float) -> None:
    """Let points of windows wait."""
    packed = gzip.compress("\n".join(lines).encode("utf-8", "replace"), GZIP_LEVEL)
    connection.execute(
        "INSERT INTO window_points (at, points, lines) VALUES (?, ?, ?)", (at, len(lines), packed)
    )


def bound_windows(connection: sqlite3.Connection, limit_bytes: int) -> None:
    """Drop the oldest points of windows until those that wait are within the limit."""
    (size,) = connection.execute(
        "SELECT coalesce(sum(length(lines)), 0) FROM window_points"
    ).fetchone()
    while size > limit_bytes:
        (gone,) = connection.execute(
            "DELETE FROM window_points WHERE id = (SELECT min(id) FROM window_points)"
            " RETURNING length(lines)"
        ).fetchone()
        size -= gone


def balances(connection: sqlite3.Connection) -> Mapping[Stream, Balance]:
    """Return every stream's balance; all zero before the first `begin`."""
    return {stream: _balance(connection, stream) for stream in Stream}


def _balance(connection: sqlite3.Connection, stream: Stream) -> Balance:
    row = connection.execute(
        "SELECT acknowledged, produced, stored, dropped, quarantined FROM shipped WHERE stream = ?",
        (stream.value,),
    ).fetchone()
    if row is None:
        return Balance()
    acknowledged, produced, stored, dropped, quarantined = row
    waits, points = {
        Stream.RESULTS: ("results WHERE heard_from = ''", "1"),
        Stream.WINDOWS: ("window_points WHERE true", "points"),
    }[stream]
    waiting = f"SELECT {points} AS points FROM {waits} AND id > ? LIMIT ?"  # noqa: S608 - our own
    rows, pending = connection.execute(
        f"SELECT count(*), coalesce(sum(points), 0) FROM ({waiting})",  # noqa: S608 - as above
        (acknowledged, COUNTED_ROWS),
    ).fetchone()
    oldest = connection.execute(
        f"SELECT at FROM {waits} AND id > ? ORDER BY id LIMIT 1",  # noqa: S608 - as above
        (acknowledged,),
    ).fetchone()
    oldest_at = None if oldest is None else oldest[0]
    if rows == COUNTED_ROWS:
        pending = produced - stored - dropped - quarantined
    return Balance(produced, stored, dropped, quarantined, pending, oldest_at)
