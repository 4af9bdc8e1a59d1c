"""Delivery: hands notifications to the channels, one lane each, from the outbox and from memory.

Every attempt has ten seconds, every answer a consequence: sent, tried again later, or dead. What is
not marked stays queued, so a crash between sending and marking sends again under the same id:
at least once, never silently less. A stop cuts no attempt short, so it repeats none.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting import outbox
from alerting.consent import FREE, Consent
from alerting.lane import Lane, OnOutcome, Outcome
from alerting.notification import Notification, Notifier
from alerting.patience import PatientLedger

__all__ = ["Deliverer", "OnOutcome", "Outcome"]

CLOSE_S: Final = 2.0
"""How long the connections of a channel that is gone may take to close."""

log = structlog.get_logger("sonde.deliver")


class Deliverer:
    """Delivers what is in the outbox or was offered, each channel at its own pace."""

    def __init__(
        self,
        ledger: Ledger,
        notifiers: Mapping[str, Notifier],
        now: Callable[[], float],
        on_outcome: OnOutcome,
        most_per_hour: Mapping[str, int] = MappingProxyType({}),
        consent: Consent = FREE,
    ) -> None:
        """`most_per_hour`: by channel, as a lane has it. `consent`: asked before each attempt.

        `now`: seconds since the epoch, on a clock that does not step; retries are timed by it.

        What the outbox is filled with is to be stamped with the same clock.
        """
        self._ledger = PatientLedger("all", ledger)
        self._on_outcome = on_outcome
        self._made = partial(Lane, ledger=ledger, now=now, on_outcome=on_outcome, consent=consent)
        self._lanes = tuple(
            self._made(channel, notifier, most_per_hour=most_per_hour.get(channel))
            for channel, notifier in notifiers.items()
        )
        self._group: asyncio.TaskGroup | None = None
        """Of lanes, while it runs."""
        self._running: dict[Lane, asyncio.Task[None]] = {}
        self._last_seq = 0
        self._stopped = asyncio.Event()

    def change(self, notifiers: Mapping[str, Notifier], most_per_hour: Mapping[str, int]) -> None:
        """Deliver to these channels from now on.

        One whose notifier is the very same goes on. Another one finishes the attempt in hand and
        leaves all else, rows and what is in memory, to its successor, which begins then: nothing is
        sent twice, and nothing waits for an address nobody wants any more. A channel that is gone
        tries once what is due; then its rows are given up.
        """
        if self._stopped.is_set():  # those there are have their last turn
            return
        before = {lane.channel: lane for lane in (*self._running, *self._lanes)}
        kept = {lane.channel: lane for lane in self._lanes}
        lanes: list[Lane] = []
        for channel, notifier in notifiers.items():
            most, lane = most_per_hour.get(channel), kept.get(channel)
            if lane is None or lane.notifier is not notifier:
                lane = self._made(channel, notifier, most_per_hour=most)
                if channel in before:
                    lane.follow(before[channel])
            lane.allow(most)
            lanes.append(lane)
        gone = [lane for lane in self._lanes if lane not in lanes]
        self._lanes = tuple(lanes)
        for lane in gone:
            if lane.channel not in notifiers:
                lane.stop()
        if self._group is None:
            return
        for lane in lanes:
            if lane not in self._running:
                self._start(self._group, lane)
        if gone:
            self._group.create_task(self._part_with(gone), name="end of delivery to old channels")

    def _start(self, group: asyncio.TaskGroup, lane: Lane) -> None:
        before = [task for each, task in self._running.items() if each.channel == lane.channel]
        name = f"deliver to {lane.channel}"
        self._running[lane] = group.create_task(lane.run(before), name=name)

    async def _part_with(self, gone: Sequence[Lane]) -> None:
        await asyncio.wait([self._running[lane] for lane in gone])
        for lane in gone:
            del self._running[lane]
            try:
                async with asyncio.timeout(CLOSE_S):
                    await lane.notifier.close()
            except TimeoutError:
                log.warning("channel.close_timed_out", channel=lane.channel)
        await self._give_up_unknown()

    def wake(self, last_seq: int = 0) -> None:
        """Look at the outbox now: rows were put into it, the newest with number `last_seq`."""
        self._last_seq = max(self._last_seq, last_seq)
        for lane in self._lanes:
            lane.wake()

    def offer(self, channel: str, notification: Notification) -> None:
        """Send what the ledger did not take, from memory: it comes after all rows known so far.

        Returns at once. A lane keeps a bounded number; beyond it the oldest are dropped, counted
        and logged.
        """
        for lane in self._lanes:
            if lane.channel == channel:
                lane.offer(notification, self._last_seq)

    def stop(self) -> None:
        """Have every lane finish the attempt in hand, try once what else is due, and end."""
        self._stopped.set()
        for lane in self._lanes:
            lane.stop()

    async def run(self) -> None:
        """Deliver until stopped, then return; a receiver that hangs takes its whole budget.

        Cancelling cuts attempts short: their rows stay queued, and what is in memory is lost,
        which is logged.
        """
        await self._begin()
        async with asyncio.TaskGroup() as group:
            self._group = group
            for lane in self._lanes:
                self._start(group, lane)
            await self._stopped.wait()  # without channels there is nothing else that lasts
        await self._tell_left()

    async def _begin(self) -> None:
        """Learn which rows there are, and give up those of channels that are gone."""
        try:
            self._last_seq = max(self._last_seq, await self._ledger.read(outbox.last_seq))
        except LedgerError:  # told; such rows wait until the next start
            return
        await self._give_up_unknown()

    async def _give_up_unknown(self) -> None:
        known = tuple(lane.channel for lane in self._lanes)
        try:
            rows = await self._ledger.write(lambda c: outbox.abandon_unknown_channels(c, known))
        except LedgerError:  # told; such rows wait until the next start
            return
        for row in rows:
            self._on_outcome(row.channel, Outcome.DEAD)
            error_text = "the channel is not configured any more"
            log.error("notification.dead", channel=row.channel, id=row.id, error=error_text)

    async def _tell_left(self) -> None:
        self._ledger.reopen()
        try:
            waiting = await self._ledger.read(outbox.pending_counts)
        except LedgerError:  # told
            return
        if waiting:
            log.warning("notification.left_queued", channels=dict(waiting))
