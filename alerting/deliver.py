"""Delivery: takes rows out of the outbox and hands them to notifiers, one loop per channel.

Every attempt has ten seconds, every answer a consequence: sent, tried again later, or dead. What is
not marked stays queued, so a crash between sending and marking sends again under the same id:
at least once, never silently less.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting import outbox
from alerting.notification import DeliveryError, Notification, Notifier
from alerting.retry import Dead, decide

SEND_BUDGET_S: Final = 10.0
"""One attempt, whatever the receiver does. It is part of the detection time that is promised."""
LONGEST_REST_S: Final = 60.0
"""A loop looks at its rows at least this often, should the wall clock step while it rests."""
SHORTEST_REST_S: Final = 0.01
"""A loop whose next row is due this instant by one clock and not by another must not spin."""
LEDGER_PAUSE_S: Final = 5.0
"""Rest after the ledger refused to be read or written (a full disk)."""

log = structlog.get_logger("sonde.deliver")

Mark = Callable[[sqlite3.Connection], None]


class Outcome(StrEnum):
    """What one attempt came to: a metric label."""

    SENT = "sent"
    RETRIED = "retried"
    DEAD = "dead"


OnOutcome = Callable[[str, Outcome], None]


class Deliverer:
    """Delivers what is in the outbox, each channel at its own pace."""

    def __init__(
        self,
        ledger: Ledger,
        notifiers: Mapping[str, Notifier],
        wall: Callable[[], float],
        on_outcome: OnOutcome,
    ) -> None:
        self._ledger = ledger
        self._on_outcome = on_outcome
        self._lanes = tuple(
            _Lane(channel, notifier, ledger, wall, on_outcome)
            for channel, notifier in notifiers.items()
        )
        self._running = False

    def wake(self) -> None:
        """Look at the outbox now: something was put into it."""
        for lane in self._lanes:
            lane.wake()

    async def run(self) -> None:
        """Deliver until cancelled. Cancelled in the middle of sending, the row stays queued."""
        self._running = True
        try:
            await self._abandon()
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(lane.run(), name=f"deliver to {lane.channel}")
                if not self._lanes:  # an eternal task that returns would look like a fault
                    await asyncio.Event().wait()
        finally:
            self._running = False

    async def drain(self, timeout_s: float) -> int:
        """Try once what is due, for at most `timeout_s`; return how many rows stay queued.

        For shutdown, after `run` was cancelled. Raises RuntimeError while it runs: two loops on one
        channel would send everything twice.
        """
        if self._running:
            raise RuntimeError("drain while the delivery loops run")
        try:
            async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(lane.drain(), name=f"drain {lane.channel}")
        except TimeoutError:
            log.warning("notification.drain_cut_short", timeout_s=timeout_s)
        try:
            waiting = await self._ledger.read(outbox.pending_counts)
        except LedgerError as error:
            _ledger_failed("all", error)
            return 0
        if waiting:
            log.warning("notification.left_queued", channels=dict(waiting))
        return sum(waiting.values())

    async def send_directly(
        self, notification: Notification, channels: AbstractSet[str]
    ) -> frozenset[str]:
        """Make one attempt on each of these channels past the outbox; return those that took it.

        For the time in which the outbox takes no rows: people must hear of an outage even while
        our own disk is full. Whoever calls it sees to it that no channel is asked twice.
        """
        took: set[str] = set()

        async def attempt(lane: _Lane) -> None:
            if await lane.send_directly(notification):
                took.add(lane.channel)

        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                if lane.channel in channels:
                    group.create_task(attempt(lane), name=f"send directly to {lane.channel}")
        return frozenset(took)

    async def _abandon(self) -> None:
        known = tuple(lane.channel for lane in self._lanes)
        try:
            rows = await self._ledger.write(
                lambda connection: outbox.abandon_unknown_channels(connection, known)
            )
        except LedgerError as error:  # they wait until the next start
            _ledger_failed("all", error)
            return
        for row in rows:
            self._on_outcome(row.channel, Outcome.DEAD)
            error_text = "the channel is not configured any more"
            log.error("notification.dead", channel=row.channel, id=row.id, error=error_text)


class _Lane:
    """One channel: its notifier, its pace, and the marks the ledger has not taken yet."""

    def __init__(
        self,
        channel: str,
        notifier: Notifier,
        ledger: Ledger,
        wall: Callable[[], float],
        on_outcome: OnOutcome,
    ) -> None:
        self.channel = channel
        self._notifier = notifier
        self._ledger = ledger
        self._wall = wall
        self._on_outcome = on_outcome
        self._awake = asyncio.Event()
        self._held_until = 0.0
        """Loop time before which nothing goes out: the receiver limits the whole channel."""
        self._owed: dict[int, Mark] = {}
        """Marks by row that could not be written: such a row is not attempted again meanwhile, or a
        full disk would repeat one message for ever."""

    def wake(self) -> None:
        """End a rest."""
        self._awake.set()

    async def run(self) -> None:
        """Attempt row after row, for ever."""
        while True:
            self._awake.clear()  # before looking: a row that comes after the look wakes us
            try:
                rest_s = await self._turn()
            except LedgerError as error:
                _ledger_failed(self.channel, error)
                rest_s = LEDGER_PAUSE_S
            if rest_s > 0:
                await self._rest(min(rest_s, LONGEST_REST_S))

    async def drain(self) -> None:
        """Attempt every row that is due, once."""
        tried: set[int] = set()
        try:
            await self._settle()
            while not self._held_s():
                row = await self._next(self._wall(), tried | self._owed.keys())
                if row is None:
                    return
                tried.add(row.seq)
                await self._attempt(row)
        except LedgerError as error:
            _ledger_failed(self.channel, error)

    async def send_directly(self, notification: Notification) -> bool:
        """Attempt one notification once; say whether it was taken."""
        if self._held_s():
            return False
        failure = await self._send(notification)
        self._on_outcome(self.channel, Outcome.SENT if failure is None else Outcome.RETRIED)
        told = {"channel": self.channel, "id": notification.id, "direct": True}
        if failure is None:
            log.info("notification.sent", **told, alertname=notification.alertname)
            return True
        log.warning("notification.retry", **told, error=str(failure))
        return False

    async def _turn(self) -> float:
        """Attempt one row, if any is due; return how long to rest."""
        await self._settle()
        if (held_s := self._held_s()) > 0:
            return held_s
        now = self._wall()
        row = await self._next(now, self._owed.keys())
        if row is not None:
            await self._attempt(row)
            return 0.0
        if self._owed:
            return LEDGER_PAUSE_S
        next_at = await self._ledger.read(
            lambda connection: outbox.next_due_at(connection, self.channel)
        )
        return LONGEST_REST_S if next_at is None else max(SHORTEST_REST_S, next_at - now)

    async def _rest(self, rest_s: float) -> None:
        try:
            async with asyncio.timeout(rest_s):
                await self._awake.wait()
        except TimeoutError:
            return

    def _held_s(self) -> float:
        return max(0.0, self._held_until - asyncio.get_running_loop().time())

    async def _next(self, now: float, besides: AbstractSet[int]) -> outbox.Row | None:
        rows = await self._ledger.read(
            lambda connection: outbox.due(connection, self.channel, now, len(besides) + 1)
        )
        return next((row for row in rows if row.seq not in besides), None)

    async def _attempt(self, row: outbox.Row) -> None:
        """Send one row once, and mark what came of it."""
        try:
            notification = outbox.decode(row.payload)
        except ValueError as error:
            await self._bury(row, f"unreadable row: {error}", alertname="?")
            return
        failure = await self._send(notification)
        now = self._wall()
        attempt = row.attempts + 1
        if failure is None:
            await self._mark(row.seq, lambda conn: outbox.mark_sent(conn, row.seq, now))
            self._on_outcome(self.channel, Outcome.SENT)
            log.info("notification.sent", **self._fields(row, notification.alertname))
            return
        age_s = now - row.created_at
        decision = decide(failure, notification_id=row.id, attempt=attempt, age_s=age_s)
        if isinstance(decision, Dead):
            await self._bury(row, decision.reason, alertname=notification.alertname)
            return
        if decision.hold_channel:
            self._held_until = asyncio.get_running_loop().time() + decision.wait_s
        next_at, error_text = now + decision.wait_s, str(failure)
        await self._mark(
            row.seq, lambda conn: outbox.mark_retry(conn, row.seq, next_at, error_text)
        )
        self._on_outcome(self.channel, Outcome.RETRIED)
        log.warning(
            "notification.retry",
            **self._fields(row, notification.alertname),
            error=error_text,
            wait_s=round(decision.wait_s, 3),
        )

    async def _send(self, notification: Notification) -> DeliveryError | None:
        """Make one attempt; return why it failed, or None."""
        try:
            async with asyncio.timeout(SEND_BUDGET_S):
                await self._notifier.send(notification)
        except DeliveryError as error:
            return error
        except TimeoutError:
            return DeliveryError(f"no answer within {SEND_BUDGET_S:.0f} s", retryable=True)
        except Exception as error:  # noqa: BLE001 - the channel's edge: a bug there stops no other
            return DeliveryError(f"bug in the notifier: {_place(error)}", retryable=False)
        return None

    async def _bury(self, row: outbox.Row, reason: str, *, alertname: str) -> None:
        await self._mark(row.seq, lambda conn: outbox.mark_dead(conn, row.seq, reason))
        self._on_outcome(self.channel, Outcome.DEAD)
        log.error("notification.dead", **self._fields(row, alertname), error=reason)

    async def _mark(self, seq: int, mark: Mark) -> None:
        """Write a mark; when the ledger will not have it, owe it."""
        self._owed[seq] = mark  # owed already while we wait: a cancelled wait forgets nothing
        try:
            await self._ledger.write(mark)
        except LedgerError as error:
            _ledger_failed(self.channel, error)
            return
        del self._owed[seq]

    async def _settle(self) -> None:
        for seq, mark in tuple(self._owed.items()):
            await self._mark(seq, mark)

    def _fields(self, row: outbox.Row, alertname: str) -> dict[str, object]:
        return {
            "channel": self.channel,
            "id": row.id,
            "alertname": alertname,
            "attempt": row.attempts + 1,
        }


def _ledger_failed(channel: str, error: LedgerError) -> None:
    log.error("notification.ledger_failed", channel=channel, error=str(error))


def _place(error: Exception) -> str:
    """Name an unexpected error by type and place; its text might hold a channel's address."""
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + where
