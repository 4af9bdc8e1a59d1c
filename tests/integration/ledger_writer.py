"""A process that keeps a ledger, for tests that kill it or starve it.

`ledger_writer.py keep PATH FIRST` writes numbers from FIRST on, many at once, and prints each one
once it is acknowledged. `ledger_writer.py starve PATH` runs out of disk and recovers, and
`ledger_writer.py hang PATH` leaves a work that never ends behind; both print what they saw.
"""

import asyncio
import itertools
import resource
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from aggregator.ledger import Ledger, LedgerError, Schema

NUMBERS = Schema("numbers", ("CREATE TABLE numbers (n INTEGER PRIMARY KEY, filler BLOB) STRICT;",))
AT_ONCE = 16


def inserting(n: int, size_bytes: int = 100) -> Callable[[sqlite3.Connection], None]:
    """Return a work that writes one number and some ballast."""
    row = (n, b"x" * size_bytes)
    return lambda connection: connection.execute("INSERT INTO numbers VALUES (?, ?)", row) and None


def say(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)  # noqa: T201 - this is how it answers


async def keep(ledger: Ledger, numbers: Iterator[int]) -> None:
    """Write and acknowledge until killed."""

    async def one_after_another() -> None:
        for n in numbers:
            await ledger.write(inserting(n))
            say(n)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(one_after_another())


async def starve(ledger: Ledger) -> None:
    """Fill what the process may write, then be given more."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    kept = itertools.count()
    try:
        for n in kept:
            await ledger.write(inserting(n, size_bytes=100_000))
            say("written", n)
    except LedgerError as error:
        say("refused", error)
    for _ in range(2):
        try:
            await ledger.write(inserting(1000, size_bytes=1_000_000))
        except LedgerError:
            say("refused again")
    say("read", await ledger.read(count))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await ledger.write(inserting(2000))
    say("recovered", await ledger.read(count))
    await ledger.close()


def count(connection: sqlite3.Connection) -> int:
    """Return how many numbers there are."""
    (number,) = connection.execute("SELECT count(*) FROM numbers").fetchone()
    return int(number)


async def hang(ledger: Ledger) -> None:
    """Give the ledger a work that never ends, and end."""
    began = threading.Event()

    def never(_connection: sqlite3.Connection) -> None:
        began.set()
        threading.Event().wait()

    given = asyncio.ensure_future(ledger.write(never))
    await asyncio.to_thread(began.wait)
    try:
        await ledger.close(timeout_s=0.05)
    except LedgerError as error:
        say("closing", error)
    try:
        await given
    except LedgerError as error:
        say("the work", error)


def main(what: str, path: str, first: str = "0") -> None:
    """Open the ledger and do as told."""
    ledger = Ledger.open(Path(path), [NUMBERS])
    say("open")
    if what == "keep":
        asyncio.run(keep(ledger, itertools.count(int(first))))
    else:
        asyncio.run({"starve": starve, "hang": hang}[what](ledger))


if __name__ == "__main__":
    main(*sys.argv[1:])
