"""The ledger's tables of buckets: minutes, hours and days of every target.

A bucket is *folded* once all it holds is in the coarser one above it as well. What is added to a
folded bucket goes on to the one above at once, so a result that comes late, or stamped by a clock
that was set back, is nowhere missing and nowhere twice; nor is it when the finer bucket was deleted
long ago, for only folded ones are. What a stretch of time held is therefore the buckets of a level
and, of the finer levels, those that are not folded yet.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Final

from aggregator.ledger_file import Schema
from aggregator.results import free_pages
from aggregator.rollup.bucket import Bucket, Point

ROLLUPS: Final = Schema(
    "rollups",
    (
        """
        CREATE TABLE rollup_series (
            id INTEGER PRIMARY KEY,
            target TEXT NOT NULL,
            location TEXT NOT NULL,
            UNIQUE (target, location)
        ) STRICT;
        CREATE TABLE rollups (
            level INTEGER NOT NULL, -- 0 minutes, 1 hours, 2 days
            series INTEGER NOT NULL,
            number INTEGER NOT NULL, -- of the minute, hour or day, since the epoch
            folded INTEGER NOT NULL DEFAULT 0, -- whether all of it is in the level above
            bucket BLOB NOT NULL,
            PRIMARY KEY (level, series, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX rollups_unfolded ON rollups (level, series, number) WHERE folded = 0;
        CREATE TABLE rollup_cursor (
            results INTEGER NOT NULL, -- id of the newest row that is in a bucket
            skips INTEGER NOT NULL
        ) STRICT;
        INSERT INTO rollup_cursor VALUES (0, 0);
        """,
        """
        -- Imported results have numbers below 0, downwards: that of the last one in a bucket.
        ALTER TABLE rollup_cursor ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
        -- How many rows the cursor went over that are in no bucket.
        ALTER TABLE rollup_cursor ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
        """,
    ),
    # Days, and what is in none yet: of all the rest they are the sum.
    saved=("rollup_series", "rollups WHERE level = 2 OR folded = 0"),
)


class Level(IntEnum):
    """How long a bucket is, in seconds. Days are those of UTC."""

    MINUTE = 60
    HOUR = 3_600
    DAY = 86_400


_LEVELS: Final = tuple(Level)
"""In the order of their numbers in the table."""

_UNFOLDED: Final = "rollups INDEXED BY rollups_unfolded WHERE folded = 0"


def series_of(connection: sqlite3.Connection, target: str, location: str) -> int:
    """Return the number of a target's series, a new one for a new target."""
    asked = "SELECT id FROM rollup_series WHERE target = ? AND location = ?"
    row = connection.execute(asked, (target, location)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO rollup_series (target, location) VALUES (?, ?) RETURNING id",
            (target, location),
        ).fetchone()
    return int(row[0])


def add(
    connection: sqlite3.Connection, level: Level, series: int, number: int, bucket: Bucket
) -> None:
    """Add to a bucket, opening it if need be, and to those above that it is already part of."""
    key = (_LEVELS.index(level), series, number)
    made = connection.execute(
        "INSERT INTO rollups (level, series, number, bucket) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (*key, bucket.pack()),
    )
    if made.rowcount == 1:
        return
    where = "WHERE level = ? AND series = ? AND number = ?"
    folded, packed = connection.execute(
        f"SELECT folded, bucket FROM rollups {where}",  # noqa: S608 - our own words
        key,
    ).fetchone()
    known = Bucket.unpack(packed)
    known.merge(bucket)
    connection.execute(
        f"UPDATE rollups SET bucket = ? {where}",  # noqa: S608 - our own words
        (known.pack(), *key),
    )
    if folded:
        above = _LEVELS[key[0] + 1]
        add(connection, above, series, number * level // above, bucket)


def compact(
    connection: sqlite3.Connection, level: Level, before: float, after: int, groups: int
) -> int | None:
    """Fold buckets of `level` into the level above, where that is over before wall time `before`.

    Takes up to `groups` coarser buckets, of series from number `after` on. Returns the number to go
    on with, in a write of its own; None when there is no more to fold.
    """
    place = _LEVELS.index(level)
    above = _LEVELS[place + 1]
    share = above // level
    series = after
    for _ in range(groups):
        row = connection.execute(
            "SELECT series, number FROM rollups INDEXED BY rollups_unfolded"
            " WHERE level = ? AND folded = 0 AND series >= ? AND number < ?"
            " ORDER BY series, number LIMIT 1",  # in the index's order: nothing is sorted
            (place, series, before // above * share),
        ).fetchone()
        if row is None:
            return None
        series, number = row
        start = number // share * share
        _fold(connection, level, series, range(start, start + share))
    return series


def _fold(connection: sqlite3.Connection, level: Level, series: int, numbers: range) -> None:
    place = _LEVELS.index(level)
    where = "WHERE level = ? AND series = ? AND number >= ? AND number < ? AND folded = 0"
    key = (place, series, numbers.start, numbers.stop)
    whole = Bucket()
    for (packed,) in connection.execute(
        f"SELECT bucket FROM rollups {where}",  # noqa: S608 - our own words
        key,
    ):
        whole.merge(Bucket.unpack(packed))
    add(connection, _LEVELS[place + 1], series, numbers.start // len(numbers), whole)
    connection.execute(f"UPDATE rollups SET folded = 1 {where}", key)  # noqa: S608 - as above


def prune_rollups(connection: sqlite3.Connection, level: Level, before: float, limit: int) -> int:
    """Delete up to `limit` folded buckets that were over before wall time `before`.

    Returns how many. Days are never folded, so none of them is ever deleted.
    """
    gone = connection.execute(
        # CROSS: target by target, or every bucket of the level would be looked at.
        "SELECT level, series, number FROM rollup_series AS s CROSS JOIN rollups AS r"
        " ON r.level = ? AND r.series = s.id AND r.number < ? WHERE r.folded LIMIT ?",
        (_LEVELS.index(level), before // level, limit),
    ).fetchall()
    connection.executemany(
        "DELETE FROM rollups WHERE level = ? AND series = ? AND number = ?", gone
    )
    free_pages(connection)
    return len(gone)


def drop_oldest_minutes(connection: sqlite3.Connection, limit: int) -> int:
    """Delete up to `limit` of the oldest minutes that are folded, for want of room.

    Those of the oldest day, whichever targets they are of. Returns how many.
    """
    (oldest,) = connection.execute(
        "SELECT min((SELECT number FROM rollups WHERE level = 0 AND series = id AND folded"
        " ORDER BY number LIMIT 1)) FROM rollup_series"
    ).fetchone()
    if oldest is None:
        return 0
    before = (oldest * Level.MINUTE // Level.DAY + 1) * Level.DAY
    return prune_rollups(connection, Level.MINUTE, before, limit)


def points(
    connection: sqlite3.Connection,
    target: str,
    since: float,
    until: float,
    step_s: int,
    location: str | None = None,
    *,
    figures: bool = True,
) -> list[Point]:
    """Return what happened to a target from `since` until before `until`, step by step.

    Times are wall times; steps are whole multiples of `step_s` since the epoch, and both ends are
    widened to such. A step without anything has no point. The step decides how far back the answer
    reaches: whole hours are there longer than minutes, whole days for ever. What was committed last
    is in it once it is rolled up, a minute later. All locations are taken together, or one alone.
    Without `figures` there are counts alone, at a tenth of the cost.
    Raises ValueError for a step that is not made of whole minutes.
    """
    if step_s <= 0 or step_s % Level.MINUTE:
        raise ValueError(f"a step of {step_s} s: steps are whole minutes")
    first, behind = since // step_s * step_s, -(-until // step_s) * step_s
    steps: dict[int, Bucket] = {}
    for at, packed in _stored(connection, target, first, behind, step_s, location):
        bucket = Bucket.unpack(packed, figures=figures)
        known = steps.setdefault(at // step_s * step_s, bucket)
        if known is not bucket:
            known.merge(bucket)
    return [Point(at, step_s, steps[at]) for at in sorted(steps)]


def _stored(
    connection: sqlite3.Connection,
    target: str,
    since: float,
    until: float,
    step_s: int,
    location: str | None,
) -> Iterator[tuple[int, bytes]]:
    """Go through the buckets of the coarsest level that fits, and what is not in them yet."""
    coarsest = max(level for level in Level if step_s % level == 0)
    for series in _series(connection, target, location):
        for place, level in enumerate(_LEVELS[: _LEVELS.index(coarsest) + 1]):
            which = "rollups WHERE true" if level is coarsest else _UNFOLDED
            for number, packed in connection.execute(
                f"SELECT number, bucket FROM {which}"  # noqa: S608 - our own words
                " AND level = ? AND series = ? AND number >= ? AND number < ?",
                (place, series, since // level, until // level),
            ):
                yield number * level, packed


def _series(connection: sqlite3.Connection, target: str, location: str | None) -> Sequence[int]:
    found = connection.execute(
        "SELECT id FROM rollup_series WHERE target = ?1 AND (?2 IS NULL OR location = ?2)",
        (target, location),
    )
    return [series for (series,) in found.fetchall()]
