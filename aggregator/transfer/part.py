"""An export's unfinished file, and the note beside it that says how to go on with it.

`FILE.part` grows; every so often it is brought to the disk, and then `FILE.part.json` is replaced
by one that says how long it was and which row came last. After a kill the file is cut back to
that length and goes on from that row, so nothing is missing and nothing is there twice. When all of
it is there it takes the name `FILE` in one step: a file of that name is always complete.
"""

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from aggregator.transfer.columns import TransferError
from aggregator.transfer.formats import Format
from aggregator.transfer.table import Selection

VERSION: Final = 1
"""Of the note: one of another version is not gone on with."""


@dataclass(frozen=True, slots=True)
class Note:
    """What an export was asked for, and how far it came."""

    ledger: str
    format: Format
    selection: Selection
    after: int
    """Number of the last row looked at."""
    last: int
    """Number of the last row there is to look at."""
    size_bytes: int = 0
    """Of the unfinished file."""
    rows: int = 0
    """Results in it."""


class Part:
    """An unfinished file that nobody else writes to; use it as a context."""

    def __init__(self, output: Path) -> None:
        """Open it, and make it if need be.

        Raises OSError, and TransferError when it is taken or can never have that name.
        """
        if output.is_dir():  # else all would be written before the last step failed
            raise TransferError(f"{output} is a folder: say which file in it")
        self.output = output
        self.path = output.with_name(f"{output.name}.part")
        self._note = output.with_name(f"{output.name}.part.json")
        self._file: BinaryIO = os.fdopen(
            os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b"
        )
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._is_still_there()
        except (BlockingIOError, FileNotFoundError) as error:
            self._file.close()
            raise TransferError(f"{self.path}: another export is writing it") from error

    def _is_still_there(self) -> None:
        """Refuse what another export completed between our opening and our locking it.

        It has another name since, or none: what we wrote there would spoil a complete file.
        """
        if not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat()):
            raise FileNotFoundError(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def note(self) -> Note | None:
        """Return how far an interrupted export came; None: there is nothing to go on with.

        Raises TransferError when the note cannot be understood.
        """
        try:
            return _read(self._note.read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise TransferError(
                f"{self._note}: not understood; without --resume the export begins anew"
            ) from error

    def begin(self, note: Note, head: bytes) -> Note:
        """Go on where a note says, or begin with `head`; return the note as it stands.

        Raises OSError, and TransferError when the file is shorter than the note says.
        """
        if note.size_bytes:
            self._cut_back(note.size_bytes)
            return note
        self._note.unlink(missing_ok=True)  # or a kill would leave it beside another's beginning
        self._file.truncate(0)
        self.write(head)
        return self.keep(note)

    def _cut_back(self, size_bytes: int) -> None:
        if self._file.seek(0, os.SEEK_END) < size_bytes:
            raise TransferError(f"{self.path} is shorter than its note says: begin anew")
        self._file.truncate(size_bytes)
        self._file.seek(size_bytes)

    def write(self, data: bytes, /) -> None:
        """Append; raises OSError."""
        self._file.write(data)

    def keep(self, note: Note, /) -> Note:
        """Bring what is there to the disk and note how far it goes; raises OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        noted = replace(note, size_bytes=self._file.tell())
        fresh = self._note.with_name(f"{self._note.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"version": VERSION, **asdict(noted)}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._note)
        return noted

    def finish(self, end: bytes, convert: Callable[[Path, Path], None] | None) -> None:
        """Give the complete file its name; raises OSError and what `convert` raises."""
        self.write(end)
        self._file.flush()
        done = self.path
        if convert is not None:
            done = self.path.with_name(f"{self.path.name}.done")
            self._convert(convert, done)
        _to_disk(done)
        done.replace(self.output)
        _to_disk(self.output.absolute().parent)
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _convert(self, convert: Callable[[Path, Path], None], done: Path) -> None:
        try:
            os.close(os.open(done, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            convert(self.path, done)
        except BaseException:
            done.unlink(missing_ok=True)  # on a full disk it takes what going on needs
            raise


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(text: bytes) -> Note:
    stated: dict[str, Any] = json.loads(text)  # Any: values differ by key
    if stated.pop("version") != VERSION:
        raise ValueError("of another version")
    return Note(
        **{
            **stated,
            "format": Format(stated["format"]),
            "selection": Selection(**stated["selection"]),
        }
    )
