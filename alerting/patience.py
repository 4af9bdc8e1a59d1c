"""The ledger, asked with patience that ends: a disk that hangs must not keep people uninformed."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final, TypeVar

import structlog

from aggregator.ledger import Ledger, LedgerError

T = TypeVar("T")

LEDGER_WAIT_S: Final = 2.0
"""One read or write. A healthy disk takes milliseconds; what is not written by then is owed."""
LEDGER_PAUSE_S: Final = 5.0
"""How long a ledger that failed is left alone, so that it costs one wait and not one an attempt."""

log = structlog.get_logger("sonde.deliver")


class _Side(Enum):
    """Reading and writing fail apart: a full disk can be read."""

    READ = "read"
    WRITE = "write"


class PatientLedger:
    """Reads and writes that end within LEDGER_WAIT_S, in a value or a LedgerError.

    After a failure the same side fails at once for LEDGER_PAUSE_S. Failures are told in the log.
    """

    def __init__(self, channel: str, ledger: Ledger) -> None:
        self._channel = channel
        self._ledger = ledger
        self._shut_until = dict.fromkeys(_Side, 0.0)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on what is committed. Raises LedgerError."""
        with self._asked(_Side.READ):
            return await self._ledger.read(work, timeout_s=LEDGER_WAIT_S)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction; raises LedgerError, and may have been done all the same."""
        with self._asked(_Side.WRITE):
            return await self._ledger.write(work, timeout_s=LEDGER_WAIT_S)

    def shut_s(self) -> float:
        """Return for how long reading or writing, whichever comes first, is not tried; 0: open."""
        now = asyncio.get_running_loop().time()
        return min((until - now for until in self._shut_until.values() if until > now), default=0.0)

    def reopen(self) -> None:
        """Ask again at once."""
        self._shut_until = dict.fromkeys(_Side, 0.0)

    @contextmanager
    def _asked(self, side: _Side) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        if loop.time() < self._shut_until[side]:
            raise LedgerError(f"no {side.value} was tried: one has just failed")
        try:
            yield
        except LedgerError as error:
            self._shut_until[side] = loop.time() + LEDGER_PAUSE_S
            log.error("notification.ledger_failed", channel=self._channel, error=str(error))
            raise
