"""A new ledger's way back to the past that another store remembers: how far it has come.

A cursor for each target goes from the moment the ledger began back in time. It moves in the
transaction that adds what lies behind it to the roll-ups, so a kill loses nothing and counts
nothing twice.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from aggregator.ledger_file import Schema
from aggregator.rollup.bucket import Bucket
from aggregator.rollup.table import Level, add, series_of

REBUILD: Final = Schema(
    "rebuild",
    (
        """
        CREATE TABLE rebuild (
            began_ns INTEGER NOT NULL -- when the ledger began, since the epoch; one row or none
        ) STRICT;
        CREATE TABLE rebuild_cursors (
            target TEXT PRIMARY KEY,
            left_ns INTEGER -- what was sent before this is not in the roll-ups; NULL: all of it is
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)


def begin(connection: sqlite3.Connection, now_ns: int) -> int | None:
    """Return when this ledger began: now, if nothing was ever in it.

    Nanoseconds since the epoch. None for one that has a past of its own: what it lacks of that, it
    was meant to lack. Where the clock was ahead then and has been set back, it is the moment of the
    oldest result of its own: what it measured since is in the other store too.
    """
    known = connection.execute(
        # Imported results have numbers below 0; what was heard may be older than the ledger.
        "SELECT min(began_ns, coalesce((SELECT CAST(min(at) * 1e6 AS INTEGER) * 1000"
        "                                 FROM results WHERE id > 0 AND heard_from = ''),"
        " began_ns)) FROM rebuild"
    ).fetchone()
    if known is not None:
        return int(known[0])
    used = connection.execute(
        "SELECT 1 FROM results UNION ALL SELECT 1 FROM rollups"
        " UNION ALL SELECT 1 FROM sqlite_sequence WHERE name = 'results' LIMIT 1"
    ).fetchone()
    if used is not None:
        return None
    connection.execute("INSERT INTO rebuild VALUES (?)", (now_ns,))
    return now_ns


def began_at(connection: sqlite3.Connection) -> float:
    """Return the wall time before which the other store tells the past; 0: all of it is here."""
    found = connection.execute("SELECT began_ns FROM rebuild").fetchone()
    return 0.0 if found is None else found[0] / 1e9


def rebuilt_until(connection: sqlite3.Connection, target: str) -> float:
    """Return the wall time before which what is known of a target was rebuilt; 0: none of it."""
    found = connection.execute(
        "SELECT began_ns FROM rebuild, rebuild_cursors WHERE target = ?", (target,)
    ).fetchone()
    return 0.0 if found is None else found[0] / 1e9


def left(connection: sqlite3.Connection, targets: Iterable[str], began_ns: int) -> dict[str, int]:
    """Return the targets that are not done yet, and the moment that each has come back to."""
    known: dict[str, int | None] = dict(
        connection.execute("SELECT target, left_ns FROM rebuild_cursors")
    )
    cursors = {target: known.get(target, began_ns) for target in targets}
    return {target: cursor for target, cursor in cursors.items() if cursor is not None}


def take(
    connection: sqlite3.Connection,
    *,
    target: str,
    location: str,
    minutes: Mapping[int, Bucket],
    until_ns: int,
    left_ns: int | None,
) -> bool:
    """Add the minutes of what was sent from `left_ns` (None: ever) until before `until_ns`.

    Returns False, and changes nothing, when the cursor does not stand on `until_ns`: a write that
    was given up for late has been done after all.
    """
    known = connection.execute(
        "SELECT left_ns FROM rebuild_cursors WHERE target = ?", (target,)
    ).fetchone()
    if known is not None and known[0] != until_ns:
        return False
    series = series_of(connection, target, location)
    for number, bucket in minutes.items():
        add(connection, Level.MINUTE, series, number, bucket)
    connection.execute("INSERT OR REPLACE INTO rebuild_cursors VALUES (?, ?)", (target, left_ns))
    return True
