"""A real ledger on a disk that fails on demand, for tests in virtual time."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from aggregator.ledger import WAIT_S, Ledger, LedgerError

T = TypeVar("T")


class FailingLedger(Ledger):
    """A ledger whose disk can be full or hang, and take no writes, or be unreadable."""

    full = False
    """Writes fail at once."""
    stuck = False
    """Writes take for ever: the caller's patience ends, the work is done once the disk is free."""
    unreadable = False
    """Reads fail at once."""
    hung = False
    """Reads take for ever."""
    slow_s = 0.0
    """How long each read takes."""
    reads = 0
    """How often it was asked."""

    async def write(
        self, work: Callable[[sqlite3.Connection], T], *, timeout_s: float | None = WAIT_S
    ) -> T:
        """Write, or fail as the disk does."""
        if self.full:
            raise LedgerError("disk full")
        if self.stuck:
            self.limbo.append(work)
            await _patience(timeout_s)
        return await super().write(work, timeout_s=timeout_s)

    async def read(
        self, work: Callable[[sqlite3.Connection], T], *, timeout_s: float | None = WAIT_S
    ) -> T:
        """Read, or fail as the disk does."""
        self.reads += 1
        if self.unreadable:
            raise LedgerError("I/O error")
        if self.hung:
            await _patience(timeout_s)
        await asyncio.sleep(self.slow_s)
        return await super().read(work, timeout_s=timeout_s)

    @cached_property
    def limbo(self) -> list[Callable[[sqlite3.Connection], object]]:
        """What a stuck disk has been given and not done."""
        return []

    async def free(self) -> None:
        """Have the disk work again; what it was given meanwhile is written first, in order."""
        self.full = self.stuck = self.unreadable = self.hung = False
        for work in self.limbo:
            await super().write(work)
        self.limbo.clear()


async def _patience(timeout_s: float | None) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.Event().wait()
    except TimeoutError as error:
        raise LedgerError("the disk does not answer") from error
