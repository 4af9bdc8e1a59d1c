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

from aggregator.results import size_bytes
from aggregator.transfer.columns import NAMES, Row, RowError, TransferError
from aggregator.transfer.table import take_in

BATCH_ROWS: Final = 500
"""Rows in a transaction: some 20 ms, for which a daemon's own waits."""
NAMED: Final = 10
"""Bad rows that are named: what is wrong with one is wrong with many."""
_AT: Final = NAMES.index("at")


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of a file's rows so far: rows = new + known + bad + old."""

    rows: int = 0
    new: int = 0
    known: int = 0
    """Those the ledger had already."""
    bad: int = 0
    old: int = 0
    """Good ones, left out because they are older than the ledger keeps results."""
    named: tuple[tuple[int, str], ...] = ()
    """The first bad ones: line, and what is wrong."""


def import_rows(
    connection: sqlite3.Connection,
    rows: Iterable[tuple[int, Row | RowError]],
    on_batch: Callable[[Tally], None],
    *,
    kept_since: Callable[[], float],
    max_size_bytes: int,
) -> Tally:
    """Record a file's rows; return what became of them.

    `on_batch` is told after every commit, and may wait. Results from before wall time `kept_since`,
    asked for each batch, are left out: a daemon may have counted them in its roll-ups and deleted
    them, and would count them again. Raises sqlite3.Error, what reading the file raises, and
    TransferError when the ledger is larger than `max_size_bytes`, beyond which a daemon deletes the
    oldest: what `on_batch` was told of is recorded then, and nothing else.
    """
    tally = Tally()
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        if size_bytes(connection) > max_size_bytes:
            raise TransferError(
                f"the ledger is full: store.max_size ({max_size_bytes:,} bytes) is reached"
            )
        since = kept_since()
        sound = [row for _, row in batch if not isinstance(row, RowError)]
        good = [row for row in sound if not _is_old(row, since)]
        bad = [(line, str(row)) for line, row in batch if isinstance(row, RowError)]
        new = take_in(connection, good) if good else 0
        tally = replace(
            tally,
            rows=tally.rows + len(batch),
            new=tally.new + new,
            known=tally.known + len(good) - new,
            bad=tally.bad + len(bad),
            old=tally.old + len(sound) - len(good),
            named=(tally.named + tuple(bad))[:NAMED],
        )
        on_batch(tally)
    return tally


def _is_old(row: Row, kept_since: float) -> bool:
    at = row[_AT]
    return isinstance(at, float) and at < kept_since
