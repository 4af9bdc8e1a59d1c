"""The ledger's side of files of results: rows by pages out of it, batches of rows into it.

What is taken in gets numbers below zero, downwards. A number above zero is the place in the order
of commits, and what follows that order goes on from a number above zero: shipping to InfluxDB, and
filling the windows at a start. So what is imported is history to be read, reported and exported; it
is not shipped (who wants it in InfluxDB writes the line protocol there), and no window takes an old
result for a new one, nor its stamp for a clock that was set back.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from aggregator.transfer.columns import NAMES, Row

_COLUMNS: Final = ", ".join(NAMES)
_PAGE: Final = f"SELECT {_COLUMNS}, id FROM results WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - our own field names
_INSERT: Final = (
    f"INSERT INTO results ({_COLUMNS}, id) VALUES ({'?, ' * len(NAMES)}?)"  # noqa: S608 - as above
    " ON CONFLICT (target, location, slot, attempt, at) DO NOTHING"
)
_TARGET: Final = NAMES.index("target")
_AT: Final = NAMES.index("at")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which results."""

    since: float
    """Wall time, seconds since the epoch; it is within."""
    until: float
    """Wall time; it is not within."""
    target: str = "*"
    """A pattern of the shell's for names of targets: `*`, `?`, `[ab]`, `[!ab]`."""

    def takes(self, target: str, at: float) -> bool:
        """Say whether a result of this target and time is among them."""
        return self.since <= at < self.until and fnmatchcase(target, self.target)


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the results of a time lie in the table."""

    after: int
    """The number before the first."""
    last: int
    rows: int
    """How many there are of all targets."""


def extent(connection: sqlite3.Connection, selection: Selection, after: int = -(2**63)) -> Extent:
    """Return where results of the selected time lie behind a number, by the index over time."""
    rows, first, last = connection.execute(
        "SELECT count(*), coalesce(min(id), 1), coalesce(max(id), 0) FROM results"
        " WHERE at >= ? AND at < ? AND id > ?",
        (selection.since, selection.until, after),
    ).fetchone()
    return Extent(first - 1, last, rows)


def page(
    connection: sqlite3.Connection, after: int, limit: int, selection: Selection
) -> tuple[list[Row], list[int]]:
    """Return the selected of the next `limit` rows behind number `after`, and all their numbers.

    One short statement: no snapshot outlives it that would keep the write-ahead log from being
    recycled.
    """
    found = connection.execute(_PAGE, (after, limit)).fetchall()
    rows = [row[:-1] for row in found if selection.takes(row[_TARGET], row[_AT])]
    return rows, [row[-1] for row in found]


def take_in(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """Record a batch in a transaction of its own; return how many were new.

    A result that is there already, by target, location, slot, attempt and time, stays as it is.
    Raises sqlite3.Error, and then none of the batch is recorded.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Below what is rolled up too, though it may have been deleted since: what has a number
        # between the cursor's ends is in a bucket.
        (lowest,) = connection.execute(
            "SELECT min(coalesce((SELECT min(id) FROM results), 0), imported) FROM rollup_cursor"
        ).fetchone()
        new = sum(
            connection.execute(_INSERT, (*row, number)).rowcount
            for number, row in enumerate(rows, lowest - len(rows))
        )
        # A trigger counts every new row among what must be shipped; these need not be.
        connection.execute(
            "UPDATE shipped SET produced = produced - ? WHERE stream = 'results'", (new,)
        )
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return new
