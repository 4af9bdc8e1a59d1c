"""The instance's whole memory: one SQLite file, written by one thread in groups.

The ledger hosts connections, transactions and migrations, and knows no table: each package brings
its own as a `Schema`. What `write` returned from is on the disk (write-ahead log, fsync at every
commit): neither a kill nor a power failure loses it. https://www.sqlite.org/wal.html

An fsync costs milliseconds, so writes are committed in groups: while one transaction commits,
further works gather and go together in the next. Every work has a savepoint of its own, so one
that raises is undone alone.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, cast

from aggregator.lane import Lane, LedgerError, Outcome, Serve, Work
from aggregator.ledger_damage import (
    BESIDE,
    Damage,
    Mended,
    Mending,
    damaged_files,
    open_mended,
)
from aggregator.ledger_file import Schema, open_reader, open_writer, reading, take

__all__ = ["Ledger", "LedgerError", "LedgerLostError", "LedgerStats", "Schema"]

T = TypeVar("T")

WRITES_WAITING: Final = 100_000
"""Works that may gather while the disk is busy; beyond that they are refused. Minutes of results
at any sane rate, and tens of megabytes at worst."""

WRITES_TOGETHER: Final = 1_000
"""Works in one transaction: the fsync is long shared out, and its callers wait milliseconds."""

LINGER_S: Final = 0.05
"""How long works gather once commits follow each other within this time. At 200 results a second
that is ten in the next instead of one, for a quarter of the processor time; a lone one, and one
that follows a lone one, are committed at once. It is also how much more a kill may cost: what was
had in it has been counted nowhere and told to nobody."""

READS_WAITING: Final = 1_000
"""Reads that may wait; they come from pages and commands, not from probes."""

WAIT_S: Final = 5.0
"""How long a caller waits for its work. A disk that hangs must not hold up those who measure."""

CLOSE_S: Final = 5.0
"""How long closing may take before the disk is taken for dead."""

_STORAGE_FAULTS: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Errors of the file, not of the work in which they come to light: after them the transaction is
to be rolled back as a whole. https://www.sqlite.org/lang_transaction.html"""


class LedgerLostError(LedgerError):
    """The open file is damaged, or no longer the one at its path: only a new start helps."""


@dataclass(frozen=True, slots=True)
class LedgerStats:
    """What the writer has done so far."""

    commits: int
    works: int
    """Works that were committed."""
    last_commit_s: float | None
    """How long the newest commit took; None before the first."""
    failed_commits: int
    """Transactions that were rolled back as a whole."""
    queued: int
    """Works waiting for the next transaction."""
    rejected: int
    """Works refused because too many were waiting."""


class Ledger:
    """One file, one writer, one reader; open it with `Ledger.open`."""

    def __init__(self, path: Path, writer: "_Writer", reader: "_Reader", lock: int) -> None:
        self.mended: Mended | None = None
        """What became of the file before this one; None: it is the same."""
        self.damaged_files = damaged_files(path)
        """Damaged ledgers that lay beside this one when it was opened."""
        self._path = path
        self._opened = {end: _identity(path, end) for end in ("", *BESIDE)}
        self._writer = writer
        self._reader = reader
        self._lock: int | None = lock
        self._write_lane: Lane | None = None
        self._read_lane: Lane | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        schemas: Sequence[Schema],
        *,
        inline: bool = False,
        mending: Mending | None = None,
    ) -> "Ledger":
        """Open or create the file and bring its tables up; this blocks.

        Files and directories made here are for this user only. `inline` runs every work at once
        in the caller's thread, each in a transaction of its own: for tests in virtual time.
        `mending` sets a damaged file aside and begins a new one; without it, it is refused. Raises
        LedgerError when another process has the file, when it is not a ledger, is damaged, or was
        written by a newer version, and when the place cannot be written.
        """
        with ExitStack() as undo:
            lock = take(path)
            undo.callback(os.close, lock)
            connection, mended = _opened(path, schemas, mending)
            undo.callback(connection.close)
            damage = Damage(path)
            writer = _Writer(path, connection, damage)
            ledger = cls(path, writer, _Reader(path, open_reader(path), damage), lock)
            undo.pop_all()
        ledger.mended = mended
        if not inline:
            ledger._start()
        return ledger

    def _start(self) -> None:
        self._write_lane = Lane(
            f"ledger {self._path}",
            self._writer.serve,
            self._writer.finish,
            limit=WRITES_WAITING,
            batch=WRITES_TOGETHER,
            linger_s=LINGER_S,
        )
        self._read_lane = Lane(
            f"ledger {self._path} (reading)",
            self._reader.serve,
            self._reader.finish,
            limit=READS_WAITING,
            batch=1,
        )

    @property
    def stats(self) -> LedgerStats:
        """What has been done so far, for metrics."""
        lane = self._write_lane
        return LedgerStats(
            commits=self._writer.commits,
            works=self._writer.works,
            last_commit_s=self._writer.last_commit_s,
            failed_commits=self._writer.failed_commits,
            queued=lane.queued if lane else 0,
            rejected=self.rejected,
        )

    @property
    def rejected(self) -> int:
        """Works refused because too many were waiting."""
        return self._write_lane.rejected if self._write_lane else 0

    async def write(
        self, work: Callable[[sqlite3.Connection], T], *, timeout_s: float | None = WAIT_S
    ) -> T:
        """Run `work` in the next transaction; return its value once that is committed.

        Works run in the order in which they were given, in the writer's thread: they must be
        quick, must not touch the loop and must not keep the connection or a cursor. They cannot
        end the transaction. What a work raises is raised here, and it alone is undone. Raises
        LedgerError when the transaction failed (disk full, I/O error; the next write tries anew),
        when too many works wait, when it takes longer than `timeout_s` (None: wait for ever), and
        when the ledger is closed. Giving up the wait, or cancelling it, takes nothing back: the
        work is done all the same when the disk lets it.
        """
        return await self._submit(self._write_lane, self._writer.serve, work, timeout_s)

    async def read(
        self, work: Callable[[sqlite3.Connection], T], *, timeout_s: float | None = WAIT_S
    ) -> T:
        """Run `work` in the reader's thread, on a snapshot of what is committed.

        It must not return a cursor or an iterator over one. A long one delays other reads and the
        recycling of the write-ahead log, but no write. Raises what the work raises; LedgerError
        when the file cannot be read, when too many reads wait, when it takes longer than
        `timeout_s` (None: wait for ever), and when the ledger is closed.
        """
        return await self._submit(self._read_lane, self._reader.serve, work, timeout_s)

    async def read_apart(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with a connection and in a thread of its own, for as long as it takes.

        For what takes minutes: nobody else waits for it. Cancelling it does not end the work.
        Raises as `read` does.
        """
        if self._read_lane is None or self._lock is None:
            return await self.read(work)
        return await asyncio.to_thread(_apart, self._path, work)

    async def check(self) -> None:
        """Look whether the file is still there and has shown no damage so far.

        Raises LedgerLostError when not, having left a note for the next start: what was drawn of
        today's budgets, for one, is in a file that nobody will read again.
        """
        lost = await self.read(lambda _: self._lost())
        if lost is not None:
            raise LedgerLostError(f"{self._path}: {lost}")

    def _lost(self) -> str | None:
        if _identity(self._path, "") != self._opened[""]:
            self._writer.damage.note("the file at its path is not the one that is open")
        return self._writer.damage.found

    async def _submit(
        self,
        lane: Lane | None,
        serve: Serve,
        work: Callable[[sqlite3.Connection], T],
        timeout_s: float | None,
    ) -> T:
        if lane is not None:
            return cast("T", await lane.submit(work, timeout_s))
        if self._lock is None:
            raise LedgerError(f"ledger {self._path} is closed")
        (outcome,) = serve([work])
        if outcome.error is not None:
            raise outcome.error
        return cast("T", outcome.value)

    async def close(self, timeout_s: float = CLOSE_S) -> None:
        """Finish what is queued, fold the write-ahead log into the file, let go of it.

        Raises LedgerError when the disk takes longer than `timeout_s` (the file then stays taken
        until this process ends) or does not take the last of it. Closing again does nothing.
        """
        if self._lock is None:
            return
        errors: list[LedgerError] = []
        # The reader first, for its snapshot would hold up the checkpoint; but not for long.
        for finish, lane, share in (
            (self._reader.finish, self._read_lane, 0.2),
            (self._writer.finish, self._write_lane, 0.8),
        ):
            try:
                await _close(lane, finish, share * timeout_s)
            except LedgerError as error:
                errors.append(error)
        if self._writer.closed and self._lock is not None:
            self._leave_no_log()
            os.close(self._lock)
            self._lock = None
        if errors:
            raise errors[0]

    def _leave_no_log(self) -> None:
        """Delete our log from beside a file that is not ours: it would be taken for that one's.

        What was in it was folded into our own file, wherever that is now. SQLite leaves it, for it
        finds its file moved; paired with another it ruins that:
        https://www.sqlite.org/howtocorrupt.html
        """
        if _identity(self._path, "") == self._opened[""]:
            return
        for end in BESIDE:
            if _identity(self._path, end) == self._opened[end]:
                Path(f"{self._path}{end}").unlink(missing_ok=True)


def _opened(
    path: Path, schemas: Sequence[Schema], mending: Mending | None
) -> tuple[sqlite3.Connection, Mended | None]:
    if mending is None:
        return open_writer(path, schemas), None
    try:
        return open_mended(path, schemas, mending)
    except OSError as error:
        raise LedgerError(f"{path}: damaged, and not set aside: {error}") from error


def _apart(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    with reading(path) as connection:
        return work(connection)


def _identity(path: Path, end: str) -> tuple[int, int] | None:
    """Return which file is there under a name, whatever is in it; None: there is none."""
    try:
        found = Path(f"{path}{end}").stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


async def _close(lane: Lane | None, finish: Callable[[], None], timeout_s: float) -> None:
    if lane is None:
        finish()
    else:
        await lane.close(timeout_s)


class _Writer:
    """The writer's side of the file: groups of works to transactions."""

    def __init__(self, path: Path, connection: sqlite3.Connection, damage: Damage) -> None:
        self.damage = damage
        self.commits = 0
        self.works = 0
        self.failed_commits = 0
        self.last_commit_s: float | None = None
        self.closed = False
        self._path = path
        self._connection = connection
        self._within_work = False
        connection.set_authorizer(self._authorise)

    def _authorise(self, action: int, *_details: object) -> int:
        """Deny works what would end the transaction that other works share.

        https://www.sqlite.org/c3ref/set_authorizer.html
        """
        denied = self._within_work and action == sqlite3.SQLITE_TRANSACTION
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    def serve(self, works: Sequence[Work]) -> Sequence[Outcome]:
        """Run works in one transaction; if that fails, each gets a LedgerError of its own."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(work) for work in works]
            self._commit()
        except BaseException as error:
            self.failed_commits += 1
            self._roll_back()
            self.damage.look_for(error)
            if not isinstance(error, sqlite3.Error | MemoryError):
                raise
            return [Outcome(error=_refusal(self._path, "written", error)) for _ in works]
        self.works += sum(outcome.error is None for outcome in outcomes)
        return outcomes

    def _attempt(self, work: Work) -> Outcome:
        """Run one work in its savepoint. Raises sqlite3.Error if the transaction is lost."""
        connection = self._connection
        connection.execute("SAVEPOINT work")
        self._within_work = True
        try:
            outcome = Outcome(work(connection))
        except BaseException as error:  # the caller's, whatever it is
            if _of_storage(error):
                raise
            outcome = Outcome(error=_tellable(error))
        finally:
            self._within_work = False
        if outcome.error is not None:
            connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")
        return outcome

    def _commit(self) -> None:
        began = time.perf_counter()
        self._connection.commit()
        self.last_commit_s = time.perf_counter() - began
        self.commits += 1

    def _roll_back(self) -> None:
        # Should even this fail, the next transaction cannot begin and comes here again.
        with suppress(sqlite3.Error):
            self._connection.rollback()

    def finish(self) -> None:
        """Fold the write-ahead log into the file and close it; raises LedgerError."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise LedgerError(f"{self._path}: not folded at the end: {error}") from error
        finally:
            self._connection.close()
            self.closed = True


class _Reader:
    """The reader's side of the file: every work on a snapshot of its own."""

    def __init__(self, path: Path, connection: sqlite3.Connection, damage: Damage) -> None:
        self._path = path
        self._connection = connection
        self._damage = damage

    def serve(self, works: Sequence[Work]) -> Sequence[Outcome]:
        """Run each work between the beginning and the end of a read transaction."""
        return [self._attempt(work) for work in works]

    def _attempt(self, work: Work) -> Outcome:
        try:
            self._connection.execute("BEGIN")
            return Outcome(work(self._connection))
        except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
            self._damage.look_for(error)
            if _of_storage(error):
                return Outcome(error=_refusal(self._path, "read", error))
            return Outcome(error=_tellable(error))
        finally:
            if self._connection.in_transaction:
                self._connection.rollback()

    def finish(self) -> None:
        """Close the connection."""
        self._connection.close()


def _of_storage(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, MemoryError) or (code is not None and code & 0xFF in _STORAGE_FAULTS)


def _refusal(path: Path, done: str, error: BaseException) -> LedgerError:
    refusal = LedgerError(f"{path}: not {done}: {error}")
    refusal.__cause__ = error
    return refusal


def _tellable(error: BaseException) -> BaseException:
    """Return an error for the work's caller, in words that say what was wrong with the work."""
    if isinstance(error, StopIteration):  # no future carries it, and it would end a coroutine
        told = RuntimeError("a work of the ledger raised StopIteration")
    elif getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_AUTH:
        told = RuntimeError("a work of the ledger may not begin or end a transaction")
    else:
        return error
    told.__cause__ = error
    return told
