"""What tests of delivery share: a channel that follows a script, and an outbox to fill."""

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aggregator.ledger import LedgerError
from alerting import outbox
from alerting.consent import FREE, Consent
from alerting.deliver import Deliverer, Outcome
from alerting.notification import DeliveryError, Notification
from alerting.store import ALERTING
from tests.unit.alerting.failing_ledger import FailingLedger
from tests.unit.alerting.messages import NOW

BUSY = DeliveryError("busy", retryable=True)
REFUSED = DeliveryError("no_service", retryable=False)
HANG = TimeoutError()
"""Scripted: the receiver never answers."""


@dataclass
class Sink:
    """A notifier that follows a script, then takes everything."""

    name: str = "team"
    script: deque[Exception | float | None] = field(default_factory=deque)
    """What each attempt meets: an error, or nothing, after so many seconds or at once."""
    always: Exception | None = None
    """What every attempt meets once the script is used up."""
    attempts: list[tuple[float, str]] = field(default_factory=list)
    """When, and which notification."""
    taken: list[str] = field(default_factory=list)
    in_hand: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, notification: Notification, /) -> None:
        """Make one attempt."""
        self.attempts.append((asyncio.get_running_loop().time(), notification.id))
        self.in_hand.set()
        error = self.script.popleft() if self.script else self.always
        if error is HANG:
            await asyncio.Event().wait()
        if isinstance(error, Exception):
            raise error
        await asyncio.sleep(error or 0)
        self.taken.append(notification.id)

    async def close(self) -> None:
        """Nothing to release."""


@dataclass
class Road:
    """An outbox, its deliverer, and what came of it."""

    ledger: FailingLedger
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    clock_offset_s: float = NOW

    def now(self) -> float:
        """Return the time, which moves with the loop's."""
        return self.clock_offset_s + asyncio.get_running_loop().time()

    def deliverer(
        self, *sinks: Sink, most_per_hour: int | None = None, consent: Consent = FREE
    ) -> Deliverer:
        """Return a deliverer to these sinks."""

        def note(channel: str, outcome: Outcome) -> None:
            self.outcomes[channel, outcome.value] += 1

        notifiers = {sink.name: sink for sink in sinks}
        limits = {} if most_per_hour is None else dict.fromkeys(notifiers, most_per_hour)
        return Deliverer(self.ledger, notifiers, self.now, note, limits, consent)

    async def save(
        self,
        deliverer: Deliverer,
        *notifications: Notification,
        channels: Sequence[str] = ("team",),
    ) -> None:
        """Do what the announcer does: write and wake, or else offer."""
        now = self.now()

        def work(connection: sqlite3.Connection) -> int:
            outbox.enqueue(connection, notifications, channels, now)
            return outbox.last_seq(connection)

        try:
            deliverer.wake(await self.ledger.write(work))
        except LedgerError:
            for notification in notifications:
                for channel in channels:
                    deliverer.offer(channel, notification)

    async def put(self, *notifications: Notification, channels: Sequence[str] = ("team",)) -> None:
        """Queue notifications."""
        now = self.now()
        await self.ledger.write(
            lambda connection: outbox.enqueue(connection, notifications, channels, now)
        )

    async def statuses(self) -> dict[str, str]:
        """Return what became of each notification."""
        rows = await self.ledger.read(
            lambda connection: connection.execute("SELECT id, status FROM outbox").fetchall()
        )
        return dict(rows)

    async def run(self, deliverer: Deliverer, seconds: float) -> None:
        """Let it work for some virtual seconds."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await deliverer.run()


@asynccontextmanager
async def empty_road(folder: Path) -> AsyncIterator[Road]:
    """Make an empty outbox, and close it."""
    ledger = FailingLedger.open(folder / "sonde.db", [ALERTING], inline=True)
    assert isinstance(ledger, FailingLedger)
    yield Road(ledger)
    await ledger.close()


@asynccontextmanager
async def at_work(deliverer: Deliverer) -> AsyncIterator[asyncio.Task[None]]:
    """Have it run meanwhile; cancel it at the end if it still does."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deliverer.run(), name="deliver")
        yield running
        running.cancel()
