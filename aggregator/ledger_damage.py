"""A damaged ledger set aside, a new one begun, and in it what can still be read of the old.

A daemon that does not start because its own memory is damaged is blind. A file that is not ours, or
a newer version's, is another matter: it is refused untouched, for somebody else may be using it,
and renaming a database in use pairs it with the wrong write-ahead log, which ruins it:
https://www.sqlite.org/howtocorrupt.html ("Unlinking or renaming a database file while in use").
So only a file that says it is ours is renamed, only under our own lock, and none is ever deleted or
overwritten.

A note beside the file outlives a kill. Whoever finds the file damaged, or gone, leaves it; the next
start then looks at every page. It also holds the name under which the file is set aside, so that
an interrupted renaming is finished before anything is opened. It goes once the new ledger has what
could be saved.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

from aggregator.ledger_file import (
    DamagedError,
    Schema,
    make_file,
    of_damage,
    open_reader,
    open_writer,
)

BESIDE: Final = ("-shm", "-wal")
"""What SQLite keeps beside a database, found by its name: https://www.sqlite.org/tempfiles.html"""


@dataclass(frozen=True, slots=True)
class Note:
    """What the next start must know of the file."""

    reason: str
    aside: str = ""
    """The name the file is given; "" while nobody has begun to rename it."""


@dataclass(frozen=True, slots=True)
class Mending:
    """How a daemon goes on without its file."""

    now: float
    """Wall time, for the name of what is set aside."""
    make_good: Callable[[sqlite3.Connection, Collection[str]], None]
    """Called with the tables that were not saved in full, in the transaction of what was."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of a ledger that was damaged or gone."""

    reason: str
    aside: Path | None
    """Where the damaged file is now; None: what is at the path is sound, but not what was."""
    saved: Mapping[str, int]
    """Rows taken over, by table."""
    lost: tuple[str, ...]
    """Tables that were not saved in full, of those that are small enough to be."""


class Damage:
    """Whether an open file has shown damage, noted beside it for the next start."""

    def __init__(self, path: Path) -> None:
        self.found: str | None = None
        """What was found first."""
        self._path = path

    def note(self, reason: str) -> None:
        """Note what is found first."""
        if self.found is not None:
            return
        self.found = reason
        # Where not even a note can be written, the next start has to find out for itself.
        with suppress(OSError):
            leave_note(self._path, Note(reason))

    def look_for(self, error: BaseException) -> None:
        """Note an error that tells of damage."""
        if of_damage(error):
            self.note(str(error))


def leave_note(path: Path, note: Note) -> None:
    """Make sure the next start knows; raises OSError."""
    place = _place(path)
    fresh = place.with_name(f"{place.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump({"reason": note.reason, "aside": note.aside}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(place)
    _sync(path.parent)


def read_note(path: Path) -> Note | None:
    """Return the note beside a ledger; None: there is none. Raises OSError."""
    try:
        said = json.loads(_place(path).read_text(encoding="utf-8"))
        return Note(str(said["reason"]), str(said["aside"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return Note("a note that cannot be read")


def open_mended(
    path: Path, schemas: Sequence[Schema], mending: Mending
) -> tuple[sqlite3.Connection, Mended | None]:
    """Open the file for writing as `open_writer` does; set it aside and begin anew if damaged.

    Call it under the ledger's lock. Raises LedgerError for what is not damage, and OSError.
    """
    note = read_note(path)
    if note is not None and note.aside:
        _rename(path, note.aside)
    try:
        connection = open_writer(path, schemas, thorough=note is not None)
    except DamagedError as error:
        name = _free_name(path, mending.now)
        # What was begun in place of a file not saved yet has nothing that is not in that one.
        if note is None or not note.aside:
            note = Note(str(error), name)
            leave_note(path, note)
        _rename(path, name)
        connection = open_writer(path, schemas)
    if note is None:
        return connection, None
    aside = path.with_name(note.aside) if note.aside else None
    try:
        mended = _mend(connection, aside, schemas, note.reason, mending)
        _place(path).unlink()
        _sync(path.parent)  # found again, it would have today's rows replaced by the old ones
    except BaseException:
        connection.close()
        raise
    return connection, mended


def damaged_files(path: Path) -> int:
    """Count the damaged ledgers that lie beside this one; raises OSError."""
    names = {each.name for each in path.parent.iterdir()}
    return sum(
        name.startswith(f"{path.name}.damaged-") and not name.endswith(BESIDE) for name in names
    )


def _place(path: Path) -> Path:
    return path.with_name(f"{path.name}.suspect")


def _free_name(path: Path, now: float) -> str:
    name = f"{path.name}.damaged-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    names = (name if number == 1 else f"{name}.{number}" for number in count(1))
    return next(
        each
        for each in names
        if not any(path.with_name(each + end).exists() for end in ("", *BESIDE))
    )


def _rename(path: Path, aside: str) -> None:
    """Rename the file and what is beside it, the file last: once that is done, so is all."""
    if not path.with_name(aside).exists():
        for end in (*BESIDE, ""):
            source, to = path.with_name(path.name + end), path.with_name(aside + end)
            if source.exists() and not to.exists():
                source.rename(to)
        _sync(path.parent)
    make_file(path)


def _mend(
    connection: sqlite3.Connection,
    aside: Path | None,
    schemas: Sequence[Schema],
    reason: str,
    mending: Mending,
) -> Mended:
    """Save what can be saved, in one transaction: after a kill it is done anew."""
    sources = [source for schema in schemas for source in schema.saved]
    saved: dict[str, int] = {}
    lost = [_table(source) for source in sources]
    connection.execute("BEGIN IMMEDIATE")
    try:
        # An empty one is not opened: SQLite would delete the log beside it.
        if aside is not None and aside.stat().st_size:
            with closing(open_reader(aside)) as old:
                took = {_table(source): _take_over(connection, old, source) for source in sources}
            saved = {table: rows for table, (rows, _) in took.items()}
            lost = [table for table, (_, whole) in took.items() if not whole]
        mending.make_good(connection, lost)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return Mended(reason, aside, saved, tuple(lost))


def _table(source: str) -> str:
    return source.partition(" ")[0]


def _take_over(
    connection: sqlite3.Connection, old: sqlite3.Connection, source: str
) -> tuple[int, bool]:
    """Copy rows until one cannot be read or kept; say how many, and whether that was all."""
    rows, table = 0, _table(source)
    try:
        checked = old.execute(f"PRAGMA quick_check({table})").fetchall()
        for row in _rows(old, source):
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - ours
                tuple(row.values()),
            )
            rows += 1
    except sqlite3.Error:
        return rows, False
    return rows, checked == [("ok",)]


def _rows(old: sqlite3.Connection, source: str) -> Iterator[dict[str, object]]:
    found = old.execute(f"SELECT * FROM {source}")  # noqa: S608 - our own words
    names = [name for name, *_ in found.description]
    return (dict(zip(names, row, strict=True)) for row in found)


def _sync(directory: Path) -> None:
    """Make names in a directory durable.

    https://man7.org/linux/man-pages/man2/fsync.2.html
    """
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
