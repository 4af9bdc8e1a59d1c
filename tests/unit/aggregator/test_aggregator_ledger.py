"""Transactions and savepoints, run inline: one thread, no waiting."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from aggregator.ledger import Ledger, LedgerError, Schema

NOTES = Schema(
    "notes",
    (
        """
        CREATE TABLE notes (n INTEGER PRIMARY KEY) STRICT;
        CREATE TABLE remarks (n INTEGER REFERENCES notes DEFERRABLE INITIALLY DEFERRED) STRICT;
        """,
    ),
)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger that does everything at once."""
    made = Ledger.open(tmp_path / "ledger.db", [NOTES], inline=True)
    yield made
    await made.close()


def note(n: int) -> Callable[[sqlite3.Connection], int]:
    """Return a work that notes a number and returns it."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO notes VALUES (?)", (n,))
        return n

    return work


def notes(connection: sqlite3.Connection) -> list[int]:
    """Return what was noted."""
    return [n for (n,) in connection.execute("SELECT n FROM notes ORDER BY n")]


async def test_a_write_returns_what_its_work_returned(ledger: Ledger) -> None:
    """The value comes back, and by then a reader sees the rows."""
    assert await ledger.write(note(7)) == 7
    assert await ledger.read(notes) == [7]


def test_inline_works_never_wait(tmp_path: Path) -> None:
    """Inline, a write is over at its first step: no other task runs in between."""
    ledger = Ledger.open(tmp_path / "ledger.db", [NOTES], inline=True)
    for coroutine in (ledger.write(note(1)), ledger.read(notes), ledger.close()):
        with pytest.raises(StopIteration):
            coroutine.send(None)


async def test_an_error_of_a_work_is_its_callers(ledger: Ledger) -> None:
    """What a work raises is raised to its caller, and what it did is undone."""

    def work(connection: sqlite3.Connection) -> None:
        note(1)(connection)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await ledger.write(work)
    assert await ledger.read(notes) == []
    assert ledger.stats.works == 0


async def test_a_broken_constraint_is_the_works_own_error(ledger: Ledger) -> None:
    """A duplicate is the caller's business, not the file's: no LedgerError."""
    await ledger.write(note(1))
    with pytest.raises(sqlite3.IntegrityError):
        await ledger.write(note(1))
    assert ledger.stats.failed_commits == 0


@pytest.mark.parametrize(
    "ending",
    [
        lambda connection: connection.commit(),
        lambda connection: connection.rollback(),
        lambda connection: connection.execute("COMMIT"),
        lambda connection: connection.execute("ROLLBACK"),
        lambda connection: connection.executescript("DELETE FROM notes;"),
    ],
)
async def test_a_work_cannot_end_the_transaction(
    ledger: Ledger, ending: Callable[[sqlite3.Connection], None]
) -> None:
    """Other works share the transaction: ending it is denied, and the work undone."""

    def work(connection: sqlite3.Connection) -> None:
        note(2)(connection)
        ending(connection)

    await ledger.write(note(1))
    with pytest.raises(RuntimeError, match="may not begin or end a transaction"):
        await ledger.write(work)
    assert await ledger.read(notes) == [1]
    await ledger.write(note(3))
    assert await ledger.read(notes) == [1, 3]


async def test_a_work_may_nest_savepoints(ledger: Ledger) -> None:
    """A work can undo a part of what it does itself."""

    def work(connection: sqlite3.Connection) -> None:
        note(1)(connection)
        connection.execute("SAVEPOINT mine")
        note(2)(connection)
        connection.execute("ROLLBACK TO mine")

    await ledger.write(work)
    assert await ledger.read(notes) == [1]


async def test_stop_iteration_does_not_end_the_caller(ledger: Ledger) -> None:
    """A bare next() in a work is an error with a name, not the silent end of a coroutine."""
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        await ledger.write(lambda _connection: next(iter(())))


async def test_a_commit_that_fails_is_a_ledger_error(ledger: Ledger) -> None:
    """When the commit itself fails nothing of it stays, and the next write is tried anew."""
    with pytest.raises(LedgerError, match="not written: FOREIGN KEY constraint failed") as caught:
        await ledger.write(lambda connection: connection.execute("INSERT INTO remarks VALUES (9)"))
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)
    assert ledger.stats.failed_commits == 1
    await ledger.write(note(1))
    assert await ledger.read(notes) == [1]


async def test_an_error_of_the_file_fails_the_transaction(ledger: Ledger) -> None:
    """A full file is the ledger's trouble, whatever work met it first: LedgerError."""

    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA max_page_count = 1").fetchall()  # no less than there are
        connection.execute("CREATE TABLE more (x)")
        connection.execute("INSERT INTO more VALUES (randomblob(1000000))")

    with pytest.raises(LedgerError, match="database or disk is full"):
        await ledger.write(fill)
    assert ledger.stats.failed_commits == 1
    await ledger.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    assert await ledger.write(note(1)) == 1


async def test_memory_running_out_fails_the_transaction(ledger: Ledger) -> None:
    """Without memory nothing is known of the transaction: it is rolled back as a whole."""

    def work(_connection: sqlite3.Connection) -> None:
        raise MemoryError

    with pytest.raises(LedgerError):
        await ledger.write(work)
    assert await ledger.write(note(1)) == 1


async def test_reads_cannot_write(ledger: Ledger) -> None:
    """The reader's connection is read-only."""
    with pytest.raises(LedgerError, match="readonly"):
        await ledger.read(note(1))
    assert await ledger.read(notes) == []


async def test_a_long_read_apart_keeps_nobody_waiting(tmp_path: Path) -> None:
    """While it goes on others read, and it cannot write; closed, it is refused as any other."""
    ledger = Ledger.open(tmp_path / "ledger.db", [NOTES])
    await ledger.write(note(1))
    begun, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def long(connection: sqlite3.Connection) -> list[int]:
        loop.call_soon_threadsafe(begun.set)
        may_end.wait()
        return notes(connection)

    async with asyncio.TaskGroup() as group:
        apart = group.create_task(ledger.read_apart(long))
        await begun.wait()
        assert await ledger.read(notes) == [1]
        may_end.set()
    assert apart.result() == [1]
    with pytest.raises(LedgerError):
        await ledger.read_apart(note(2))
    await ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.read_apart(notes)


async def test_an_error_of_a_read_is_its_callers(ledger: Ledger) -> None:
    """What a read raises is raised to its caller, and later reads work."""
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await ledger.read(lambda connection: connection.execute("SELECT * FROM missing"))
    assert await ledger.read(notes) == []


async def test_stats_count_what_was_done(ledger: Ledger) -> None:
    """Commits, works and the newest commit's duration, for metrics."""
    before = ledger.stats
    assert (before.commits, before.works, before.last_commit_s) == (0, 0, None)
    await ledger.write(note(1))
    await ledger.write(note(2))
    after = ledger.stats
    assert (after.commits, after.works, after.failed_commits) == (2, 2, 0)
    assert after.last_commit_s is not None
    assert (after.queued, after.rejected) == (0, 0)


async def test_a_closed_ledger_refuses(tmp_path: Path) -> None:
    """After closing, which may be repeated, reads and writes are refused."""
    ledger = Ledger.open(tmp_path / "ledger.db", [NOTES], inline=True)
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError, match="is closed"):
        await ledger.write(note(1))
    with pytest.raises(LedgerError, match="is closed"):
        await ledger.read(notes)


def test_what_was_written_is_there_next_time(tmp_path: Path) -> None:
    """A ledger opened again has what was written, and makes its tables only once."""

    async def once(n: int) -> list[int]:
        ledger = Ledger.open(tmp_path / "ledger.db", [NOTES], inline=True)
        await ledger.write(note(n))
        found = await ledger.read(notes)
        await ledger.close()
        return found

    assert asyncio.run(once(1)) == [1]
    assert asyncio.run(once(2)) == [1, 2]
