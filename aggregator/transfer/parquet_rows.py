"""Rows as Parquet, and Parquet as rows.

A Parquet file has its index at the end, so one that is cut short is no file, and none can be gone
on with. What is unfinished is therefore a stream of Arrow batches, which ends wherever one of them
does; when it is complete it becomes Parquet, batch after batch.

https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import read_ipc_stream, read_parquet, write_ipc_stream, write_parquet

from aggregator.transfer.columns import (
    COLUMNS,
    Kind,
    Row,
    RowError,
    TransferError,
    Value,
    arranged,
    arrangement,
    checked,
)

END: Final = b"\xff\xff\xff\xff\0\0\0\0"
"""What ends a stream: a continuation marker, and a message of no length."""
MAGIC: Final = b"PAR1"
"""What a file begins and ends with. https://parquet.apache.org/docs/file-format/"""
PANICS: Final = "pyo3_runtime"
"""Module of PanicException, which cannot be imported and is no Exception.
https://docs.rs/pyo3/latest/pyo3/panic/struct.PanicException.html"""
GROUP_ROWS: Final = 65_536
"""Rows in a group: what a reader must hold at once, some tens of megabytes in memory."""
READ_ROWS: Final = 4_096
COMPRESSION: Final = "zstd(3)"

_TYPES: Final = {
    Kind.TEXT: DataType.utf8(),
    Kind.WHOLE: DataType.int64(),
    Kind.REAL: DataType.float64(),
    Kind.FLAG: DataType.bool(),
    Kind.LIMITS: DataType.utf8(),
}
_SCHEMA: Final = Schema(
    [Field(each.name, _TYPES[each.kind], nullable=each.optional) for each in COLUMNS]
)


def head() -> bytes:
    """Return what a stream begins with: the columns."""
    return _stream(RecordBatchReader.from_batches(_SCHEMA, ()))


def encoded(rows: Sequence[Sequence[Value]]) -> bytes:
    """Return rows of the ledger as one batch of a stream."""
    if not rows:
        return b""
    columns = [
        Array(
            [None if each is None else bool(each) for each in values]
            if column.kind is Kind.FLAG
            else values,
            _TYPES[column.kind],
        )
        for column, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)
    ]
    return _stream(RecordBatch.from_arrays(columns, schema=_SCHEMA)).removeprefix(head())


def _stream(data: RecordBatch | RecordBatchReader) -> bytes:
    stream = io.BytesIO()
    write_ipc_stream(data, stream, compression="zstd")
    return stream.getvalue().removesuffix(END)


def finish(part: Path, output: Path) -> None:
    """Make a Parquet file of a complete stream; raises TransferError when it cannot."""
    try:
        write_parquet(
            read_ipc_stream(part), output, compression=COMPRESSION, max_row_group_size=GROUP_ROWS
        )
    except Exception as error:  # the library raises bare Exceptions
        raise TransferError(f"{output}: not written: {error}") from error


def decoded(path: Path, now: float) -> Iterator[tuple[int, Row | RowError]]:
    """Go through a file's rows, each with its number from 1; raises TransferError."""
    row = 0
    _recognise(path)
    try:
        reader = read_parquet(path, batch_size=READ_ROWS)
        places = arrangement(reader.schema.names)
        for batch in reader:
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                row += 1
                yield row, _row(values, places, now)
    except TransferError:
        raise
    except BaseException as error:
        # The library raises bare Exceptions, and where it panics what is not even one of those.
        if isinstance(error, Exception) or type(error).__module__ == PANICS:
            raise TransferError(f"{path}: not readable as Parquet: {error}") from error
        raise


def _recognise(path: Path) -> None:
    """Refuse what is cut short or something else, over which the library panics on stderr."""
    with path.open("rb") as file:
        begins = file.read(len(MAGIC))
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(MAGIC)))
        if begins != MAGIC or file.read() != MAGIC:
            raise TransferError(f"{path}: not readable as Parquet: cut short, or something else")


def _row(values: Sequence[Value], places: Sequence[int | None], now: float) -> Row | RowError:
    try:
        return checked(arranged(values, places), now)
    except RowError as error:
        return error
