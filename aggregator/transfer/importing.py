"""Results out of a file into the ledger, batch by batch.

A daemon may have the ledger: a batch is a short transaction, and between two of them the file is
left alone for as long as the last one took, so that whoever measures gets to write. An import that
was cut short is gone on with by running it again: what is there already is known by its key.
"""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from aggregator.transfer.columns import NAMES, Row, RowError
from aggregator.transfer.table import take_in

BATCH_ROWS: Final = 500
"""Rows in a transaction: some 20 ms, for which a daemon's own waits."""
NAMED: Final = 10
"""Bad rows that are named: what is wrong with one is wrong with many."""
_AT: Final = NAMES.index("at")


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a file's rows so far: rows = new + known + bad."""

    rows: int = 0
    new: int = 0
    known: int = 0
    """Those the ledger had already."""
    bad: int = 0
    old: int = 0
    """Good ones older than the ledger keeps results: a daemon will delete them."""
    named: tuple[tuple[int, str], ...] = ()
    """The first bad ones: line, and what is wrong."""


def import_rows(
    connection: sqlite3.Connection,
    rows: Iterable[tuple[int, Row | RowError]],
    on_batch: Callable[[Tally], None],
    *,
    kept_since: float,
) -> Tally:
    """Record a file's rows; return what became of them.

    `on_batch` is told after every commit, and may wait. Results from before wall time `kept_since`
    are counted as old. Raises sqlite3.Error, and what reading the file raises: what `on_batch` was
    told of is recorded then, and nothing else.
    """
    tally = Tally()
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        good = [row for _, row in batch if not isinstance(row, RowError)]
        bad = [(line, str(row)) for line, row in batch if isinstance(row, RowError)]
        new = take_in(connection, good) if good else 0
        tally = replace(
            tally,
            rows=tally.rows + len(batch),
            new=tally.new + new,
            known=tally.known + len(good) - new,
            bad=tally.bad + len(bad),
            old=tally.old + sum(_is_old(row, kept_since) for row in good),
            named=(tally.named + tuple(bad))[:NAMED],
        )
        on_batch(tally)
    return tally


def _is_old(row: Row, kept_since: float) -> bool:
    at = row[_AT]
    return isinstance(at, float) and at < kept_since
