"""Rows as CSV (RFC 4180, UTF-8, lines end in CR LF), and CSV as rows.

https://www.rfc-editor.org/rfc/rfc4180

An empty field is unknown. A spreadsheet takes a text that begins with one of `= + - @`, a tab or a
line break for a formula, whoever wrote it (https://owasp.org/www-community/attacks/CSV_Injection):
such a text has an apostrophe in front, and so has one that begins with an apostrophe, and a text
that is empty but known where unknown would mean something else. Reading takes one away.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TextIO

from aggregator.transfer.columns import (
    COLUMNS,
    NAMES,
    Column,
    Kind,
    Row,
    RowError,
    TransferError,
    Value,
    arranged,
    arrangement,
    checked,
)

_GUARDED: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
LINE_CHARS: Final = 1_048_576
"""A longer line is no row of ours: it is read in pieces, each of which is a bad row."""


def head() -> bytes:
    """Return the line that names the columns."""
    return _lines([NAMES])


def encoded(rows: Iterable[Sequence[Value]]) -> bytes:
    """Return rows of the ledger as lines."""
    return _lines([_field(*each) for each in zip(COLUMNS, row, strict=True)] for row in rows)


def _lines(rows: Iterable[Sequence[Value]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _field(column: Column, value: Value) -> Value:
    if value is None:
        return None
    if column.kind is Kind.FLAG:
        return "true" if value else "false"
    if isinstance(value, str) and (value.startswith(_GUARDED) or (not value and column.optional)):
        return "'" + value
    return value


def decoded(file: TextIO, now: float) -> Iterator[tuple[int, Row | RowError]]:
    """Go through a file's rows, each with the number of the line it begins on.

    The file must be open with `newline=""` and `errors="surrogateescape"`, so that bytes that are
    no text make one bad row. Raises TransferError when it does not begin with our columns' names.
    """
    reader = csv.reader(iter(lambda: file.readline(LINE_CHARS), ""), strict=True)
    try:
        places = arrangement(next(reader))
    except (StopIteration, csv.Error):
        raise TransferError("it does not begin with the names of columns") from None
    width = len([place for place in places if place is not None])
    while True:
        line = reader.line_num + 1
        try:
            found = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, RowError(f"not CSV: {error}")
            continue
        yield line, _row(found, width, places, now)


def _row(
    found: Sequence[str], width: int, places: Sequence[int | None], now: float
) -> Row | RowError:
    if len(found) != width:
        return RowError(f"{len(found)} fields, not {width}")
    try:
        texts = arranged(found, places)
        return checked(
            [
                text if place is None else _value(column, str(text))
                for column, text, place in zip(COLUMNS, texts, places, strict=True)
            ],
            now,
        )
    except RowError as error:
        return error


def _value(column: Column, text: str) -> Value:
    if not text:
        return "" if column.kind is Kind.TEXT and not column.optional else None
    try:
        return _PARSERS[column.kind](text)
    except ValueError:
        raise RowError(f"{column.name}: not a number") from None


def _unguarded(text: str) -> str:
    return text.removeprefix("'")


def _flag(text: str) -> Value:
    return {"true": True, "false": False}.get(text, text)


_PARSERS: Final[Mapping[Kind, Callable[[str], Value]]] = MappingProxyType(
    {
        Kind.TEXT: _unguarded,
        Kind.WHOLE: int,
        Kind.REAL: float,
        Kind.FLAG: _flag,
        Kind.LIMITS: _unguarded,
    }
)
