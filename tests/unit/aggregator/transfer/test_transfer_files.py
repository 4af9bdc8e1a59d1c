"""Files of results: Parquet's bad rows, its library missing, a part that is not what it should."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from arro3.core import Array, DataType, Field, RecordBatch, Schema
from arro3.io import write_parquet

import aggregator.transfer
from aggregator.results import RESULTS, insert_results
from aggregator.transfer.columns import RowError, TransferError
from aggregator.transfer.exporting import export
from aggregator.transfer.formats import Format, decoded, encoder, lines_in
from aggregator.transfer.part import Note, Part
from aggregator.transfer.table import Selection
from tests.unit.aggregator.samples import result
from tests.unit.aggregator.transfer.said import GOOD, NOW

TYPES = {str: DataType.utf8(), int: DataType.int64(), float: DataType.float64()}
NOTE = Note("a.db", Format.CSV, Selection(0.0, 1e9), after=0, last=3)


def parquet(path: Path, *rows: dict[str, object]) -> Path:
    """Write rows as somebody else's program might."""
    names = [name for name, value in rows[0].items() if type(value) in TYPES]
    fields = [Field(name, TYPES[type(rows[0][name])], nullable=True) for name in names]
    columns = [Array([row[name] for row in rows], TYPES[type(rows[0][name])]) for name in names]
    write_parquet(RecordBatch.from_arrays(columns, schema=Schema(fields)), path)
    return path


def test_a_bad_row_of_parquet_has_its_number(tmp_path: Path) -> None:
    """The others are rows, and columns that are not there have what an unsaid field has."""
    path = parquet(tmp_path / "f", {**GOOD}, {**GOOD, "verdict": "so-so"}, {**GOOD, "slot": None})
    (first, good), (second, bad), (third, missing) = decoded(path, Format.PARQUET, NOW)
    assert (first, second, third) == (1, 2, 3)
    assert not isinstance(good, RowError)
    assert str(bad) == "verdict: a word this version does not know"
    assert str(missing) == "slot: not a whole number of 64 bits"


def test_parquet_of_something_else(tmp_path: Path) -> None:
    """It is refused before its first row."""
    path = parquet(tmp_path / "f", {"colour": "red"})
    with pytest.raises(TransferError, match="colour"):
        next(decoded(path, Format.PARQUET, NOW))


@pytest.mark.parametrize(
    "used",
    [
        lambda: encoder(Format.PARQUET),
        lambda: next(decoded(Path("f"), Format.PARQUET, NOW)),
    ],
)
def test_without_its_library(used: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, "arro3.core", None)
    monkeypatch.delitem(sys.modules, "aggregator.transfer.parquet_rows", raising=False)
    monkeypatch.delattr(aggregator.transfer, "parquet_rows", raising=False)
    with pytest.raises(TransferError, match=r"pip install 'sonde\[parquet\]'"):
        used()


def test_a_stream_that_is_none(tmp_path: Path) -> None:
    """Parquet that cannot be made is told, and nothing is in its place."""
    finish = encoder(Format.PARQUET).finish
    assert finish is not None
    (tmp_path / "part").write_bytes(b"\xff\xff\xff\xff\x08\x00\x00\x00")  # it says more
    with pytest.raises(TransferError, match="not written"):
        finish(tmp_path / "part", tmp_path / "file")


def test_a_part_goes_on_where_its_note_says(tmp_path: Path) -> None:
    """What was written behind the note, and perhaps in half, is cut off."""
    with Part(tmp_path / "f") as part:
        note = part.begin(NOTE, b"head ")
        part.write(b"kept ")
        part.keep(note)
        part.write(b"half a li")
    with Part(tmp_path / "f") as part:
        found = part.note()
        assert found is not None
        part.begin(found, b"head ")
        part.write(b"rest")
        part.finish(b" end", None)
    assert (tmp_path / "f").read_bytes() == b"head kept rest end"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_part_shorter_than_its_note(tmp_path: Path) -> None:
    """It is not filled up with zeros: somebody cut it, and hears of it."""
    with Part(tmp_path / "f") as part:
        part.begin(NOTE, b"head")
        (tmp_path / "f.part").write_bytes(b"he")
        found = part.note()
        assert found is not None
        with pytest.raises(TransferError, match="shorter than its note"):
            part.begin(found, b"head")


def test_a_part_that_was_completed_while_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another export gave the file its name before we locked it: it is not written to."""

    def completed(*_: object) -> None:
        (tmp_path / "f.part").replace(tmp_path / "f")

    # The moment between opening and locking cannot be had otherwise.
    monkeypatch.setattr("aggregator.transfer.part.fcntl.flock", completed)
    with pytest.raises(TransferError, match="another export"):
        Part(tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_what_could_not_be_converted_leaves_its_part(tmp_path: Path) -> None:
    """On a full disk the half of a Parquet file goes, and the export can be gone on with."""

    def full(_: Path, done: Path) -> None:
        done.write_bytes(b"PAR1 half")
        raise OSError("no space left")

    with Part(tmp_path / "f") as part:
        part.begin(NOTE, b"head")
        with pytest.raises(OSError, match="no space"):
            part.finish(b" end", full)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.part", "f.part.json"]


def test_rows_of_a_file_are_about_its_lines(tmp_path: Path) -> None:
    """For CSV, and of a file: a pipe could be read only once."""
    (tmp_path / "f").write_bytes(b"head\r\n1\r\n2\r\n")
    assert lines_in(tmp_path / "f", Format.CSV) == 2
    assert lines_in(tmp_path / "f", Format.PARQUET) is None
    assert lines_in(Path("/dev/null"), Format.CSV) is None


def test_rows_deleted_meanwhile_end_the_export(tmp_path: Path) -> None:
    """The last row it was to look at is gone: the table's end ends it, and notes are kept."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as ledger:
        ledger.executescript("".join(RESULTS.migrations))
        insert_results(ledger, [result(slot=n, at=float(n)) for n in range(30)])
        how = encoder(Format.CSV)
        with Part(tmp_path / "f") as part:
            note = part.begin(Note("", Format.CSV, NOTE.selection, 0, 99), how.head)
            done = export(ledger, note, how, part, lambda _: None, page_rows=2)
            assert part.note() == done
    assert (done.after, done.rows) == (30, 30)
