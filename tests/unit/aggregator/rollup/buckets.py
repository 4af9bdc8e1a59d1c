"""Ledgers with roll-ups in memory, to test with."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from aggregator.results import RESULTS, insert_result, insert_skip
from aggregator.rollup.bucket import Bucket, Point
from aggregator.rollup.folding import fold
from aggregator.rollup.table import ROLLUPS, Level, compact
from probes.result import Failing, ProbeResult, SkipReason
from probes.target import Slot


@contextmanager
def tables() -> Iterator[sqlite3.Connection]:
    """Open an empty ledger in memory."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(";".join((*RESULTS.migrations, *ROLLUPS.migrations)))
        yield connection


def commit(connection: sqlite3.Connection, *results: ProbeResult) -> None:
    """Record results."""
    for each in results:
        assert insert_result(connection, each)


def take(connection: sqlite3.Connection, *results: ProbeResult) -> None:
    """Record results as an import does: under numbers below 0, downwards."""
    for each in results:
        commit(connection, each)
        connection.execute(
            "UPDATE results SET id = min(0, (SELECT min(id) FROM results),"
            " (SELECT imported FROM rollup_cursor)) - 1 WHERE id = last_insert_rowid()"
        )


def skip(
    connection: sqlite3.Connection,
    at: float,
    reason: SkipReason = SkipReason.LATE,
    failing: Failing | None = None,
) -> None:
    """Record a skipped slot of the usual target."""
    assert insert_skip(
        connection,
        target="chat",
        location="here",
        slot=Slot(int(at), at),
        reason=reason,
        at=at,
        failing=failing,
    )


def fold_all(connection: sqlite3.Connection, limit: int = 100) -> int:
    """Fold until nothing is left; return how many rows were left out."""
    left_out = 0
    while (folded := fold(connection, limit)).rows:
        left_out += folded.left_out
    return left_out


def compact_all(connection: sqlite3.Connection, before: float, groups: int = 3) -> None:
    """Fold minutes to hours and hours to days."""
    for level in (Level.MINUTE, Level.HOUR):
        after: int | None = 0
        while after is not None:
            after = compact(connection, level, before, after, groups)


def whole(found: list[Point]) -> Bucket:
    """Merge all points of a chart."""
    made = Bucket()
    for point in found:
        made.merge(point.bucket)
    return made


def stored(connection: sqlite3.Connection) -> list[tuple[int, int, int]]:
    """Return every bucket's level, number and whether it is folded."""
    return connection.execute("SELECT level, number, folded FROM rollups ORDER BY 1, 2").fetchall()
