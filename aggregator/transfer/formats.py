"""The formats of files of results, by name: what writes them.

The lazy registry: what takes Parquet apart is imported, and need only be installed, where somebody
wants Parquet.
"""

import sqlite3
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from aggregator.stores.lines import probe_line
from aggregator.stores.rows import probe_rows
from aggregator.transfer import csv_rows
from aggregator.transfer.columns import LibraryError, Row, RowError, TransferError, Value
from aggregator.transfer.table import Selection, page

MISSING: Final = "Parquet needs a library that is not installed: pip install 'sonde[parquet]'"


COUNTED_BYTES: Final = 1_048_576
"""Read at a time to count lines: a gigabyte takes less than a second."""


class Format(StrEnum):
    """What a file of results may be."""

    PARQUET = "parquet"
    CSV = "csv"
    LINES = "lines"
    """InfluxDB's line protocol: the figures of results, not all of their fields."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Some rows of the table in a format."""

    data: bytes
    rows: int
    """How many are in it."""
    looked_at: int
    """How many there were, those that were not asked for included; 0 at the table's end."""
    after: int
    """Number of the last one looked at."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """How a format is written."""

    head: bytes
    """What a file begins with."""
    page: Callable[[sqlite3.Connection, int, int, Selection], Encoded]
    """Of the rows behind a number, up to a limit."""
    end: bytes = b""
    """What a complete file ends with."""
    finish: Callable[[Path, Path], None] | None = None
    """Makes of a complete file the one that was asked for; None: it is that."""


def encoder(kind: Format) -> Encoder:
    """Return how a format is written; raises LibraryError when its library is missing."""
    match kind:
        case Format.CSV:
            return Encoder(csv_rows.head(), _of_table(csv_rows.encoded))
        case Format.LINES:
            return Encoder(b"", _lines)
        case Format.PARQUET:
            return _parquet()


def _parquet() -> Encoder:
    try:
        from aggregator.transfer import parquet_rows  # noqa: PLC0415 - lazy registry
    except ImportError as error:
        raise LibraryError(MISSING) from error
    page_of = _of_table(parquet_rows.encoded)
    return Encoder(parquet_rows.head(), page_of, parquet_rows.END, parquet_rows.finish)


def _of_table(
    encoded: Callable[[Sequence[Sequence[Value]]], bytes],
) -> Callable[[sqlite3.Connection, int, int, Selection], Encoded]:
    def next_page(
        connection: sqlite3.Connection, after: int, limit: int, selection: Selection
    ) -> Encoded:
        rows, numbers = page(connection, after, limit, selection)
        return Encoded(encoded(rows), len(rows), len(numbers), numbers[-1] if numbers else after)

    return next_page


def _lines(connection: sqlite3.Connection, after: int, limit: int, selection: Selection) -> Encoded:
    found = probe_rows(connection, after, limit)
    lines = [probe_line(row) + "\n" for row in found if selection.takes(row.target, row.at)]
    data = "".join(lines).encode("utf-8", "replace")
    return Encoded(data, len(lines), len(found), found[-1].id if found else after)


def lines_in(path: Path, kind: Format) -> int | None:
    """Return about how many rows a file has, for showing how far one is; None: nobody knows.

    Lines of CSV: texts of several lines make it too many. What is no file can be read only once.
    """
    if kind is not Format.CSV or not path.is_file():
        return None
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(partial(file.read, COUNTED_BYTES), b"")) - 1


def decoded(
    path: Path, kind: Format, now: float
) -> Generator[tuple[int, Row | RowError], None, None]:
    """Go through a file's rows, each with its line (Parquet: its row), checked.

    `now` is wall time. Raises TransferError when the file is not of that format, or cannot be read
    back into results; LibraryError when the format's library is missing; OSError when the file
    cannot be read.
    """
    if kind is Format.LINES:
        raise TransferError("line protocol holds figures of results, not results: import CSV")
    if kind is Format.CSV:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            yield from csv_rows.decoded(file, now)
        return
    try:
        from aggregator.transfer import parquet_rows  # noqa: PLC0415 - lazy registry
    except ImportError as error:
        raise LibraryError(MISSING) from error
    yield from parquet_rows.decoded(path, now)
