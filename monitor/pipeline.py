"""The road of one result: committed to the ledger, then counted, then seen.

A result is measured only when it is committed: windows, metrics and log lines come after. When the
ledger cannot take it (a full disk), it is still counted, marked volatile, and loudly so: a monitor
that goes blind because its disk is full helps nobody.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.results import SkippedSlot, insert_result, insert_skip
from aggregator.window import HELD_BACK, Windows
from monitor.clock import Clock
from monitor.metrics import Metrics
from probes.result import Failing, Fault, ProbeResult, SkipReason
from probes.target import Slot, Target

SKIP_QUEUE_LIMIT: Final = 10_000
"""Skipped slots waiting for the ledger; beyond that they are counted but leave no row."""

log = structlog.get_logger("sonde.pipeline")


class Pipeline:
    """Takes results and skipped slots from the schedule to the ledger, the windows and metrics."""

    def __init__(
        self,
        ledger: Ledger,
        windows: Windows,
        metrics: Metrics,
        clock: Clock,
        location: str,
        on_result: Callable[[ProbeResult], None] = lambda _result: None,
        failing: Callable[[Target, SkipReason], Failing | None] = lambda _target, _reason: None,
    ) -> None:
        """`failing` says what a slot of a target counts as that is skipped for a reason."""
        self._ledger = ledger
        self._windows = windows
        self._metrics = metrics
        self._clock = clock
        self._location = location
        self._on_result = on_result
        self._failing = failing
        self._skips: asyncio.Queue[SkippedSlot] = asyncio.Queue(SKIP_QUEUE_LIMIT)
        self._current: Mapping[str, Target] | None = None
        """The targets there are, by name; None: those of the start."""
        self.ledger_error: str | None = None
        """Why the newest write failed; None while the ledger takes writes."""
        self.last_slot_at: dict[str, float] = {}
        """Steady time of each target's newest slot that was run, or refused for a good reason."""
        self.last_result: dict[str, ProbeResult] = {}
        self.last_skip: dict[str, SkipReason] = {}
        """Why a target's newest slot got no probe; absent: it was run."""
        self.last_failures: dict[tuple[str, Fault], tuple[float, ProbeResult]] = {}
        """The newest of each target and fault, and the steady time at which it was taken."""

    async def take(self, target: Target, result: ProbeResult) -> None:
        """Commit one result and count it, for the target as it is by then."""
        volatile = not await self._commit(result)
        current = target if self._current is None else self._current.get(target.name)
        if current is None:
            _tell(result, volatile=volatile)
            return
        target = current
        if result.attempt == 1:
            now = self._clock.steady()
            self._windows.ingest(result, now)
            self._metrics.observe(target, result)
            self.last_result[target.name] = result
            if not result.ok:
                self.last_failures[target.name, result.fault] = now, result
        else:
            self._metrics.observe_further(target, result)
        _tell(result, volatile=volatile)
        self._on_result(result)

    async def _commit(self, result: ProbeResult) -> bool:
        try:
            await self._ledger.write(lambda connection: insert_result(connection, result))
        except LedgerError as error:
            self._metrics.volatile.inc()
            self.ledger_error = str(error)
            log.error("ledger.write_failed", error=str(error), target=result.target)
            return False
        self.ledger_error = None
        return True

    def slot_started(self, target: Target, slot: Slot, lateness_s: float) -> None:
        """Note that a slot is being run."""
        self.last_slot_at[target.name] = self._clock.steady()
        self.last_skip.pop(target.name, None)
        self._metrics.slot_started(target, slot, lateness_s)

    def slot_skipped(self, target: Target, slot: Slot, reason: SkipReason) -> SkippedSlot:
        """Count a slot that gets no probe, as what its reason makes of it (`Windows.skipped`).

        Of a target that is gone by now, it is written down alone.
        """
        failing = self._failing(target, reason)
        if self._current is None or target.name in self._current:
            self._count_skip(target, reason, failing)
        skip = SkippedSlot(target.name, self._location, slot, reason, self._clock.wall(), failing)
        try:
            self._skips.put_nowait(skip)
        except asyncio.QueueFull:
            self._metrics.dropped_skips.inc()
        return skip

    def _count_skip(self, target: Target, reason: SkipReason, failing: Failing | None) -> None:
        self.last_skip[target.name] = reason
        now = self._clock.steady()
        self._windows.skipped(target.name, reason, now, failing)
        if failing is not None or reason in HELD_BACK:
            self.last_slot_at[target.name] = now  # decided, not forgotten
        self._metrics.slot_skipped(target, reason)

    async def keep(self, result: ProbeResult) -> None:
        """Commit a result of a target that is not watched any more, and log it; it counts as none.

        The probe was under way when the target went out of the configuration.
        """
        _tell(result, volatile=not await self._commit(result))

    def keep_only(self, targets: Mapping[str, Target]) -> None:
        """Forget all targets but these, by name, and count for no other from now on."""
        self._current, names = targets, targets.keys()
        for name in self.last_slot_at.keys() - names:
            del self.last_slot_at[name]
        for name in self.last_result.keys() - names:
            del self.last_result[name]
        for name in self.last_skip.keys() - names:
            del self.last_skip[name]
        for key in [key for key in self.last_failures if key[0] not in names]:
            del self.last_failures[key]

    def hastened(self, targets: Iterable[Target], now: float) -> None:
        """Expect the next slot of these by their shorter intervals, counted from now.

        By those the newest one they had would be too old.
        """
        for target in targets:
            if target.name in self.last_slot_at:
                self.last_slot_at[target.name] = now

    def target_crashed(self, target: Target) -> None:
        """Count a bug of ours at one target's edge."""
        self._metrics.target_crashed(target)

    async def record_skips(self) -> None:
        """Write skipped slots to the ledger, for ever."""
        while True:
            skip = await self._skips.get()
            try:
                await self._ledger.write(partial(self._insert, skip))
            except LedgerError as error:
                self._metrics.dropped_skips.inc()
                self.ledger_error = str(error)

    def _insert(self, skip: SkippedSlot, connection: sqlite3.Connection) -> None:
        insert_skip(
            connection,
            target=skip.target,
            location=skip.location,
            slot=skip.slot,
            reason=skip.reason,
            at=skip.at,
            failing=skip.failing,
        )


def _tell(result: ProbeResult, *, volatile: bool) -> None:
    """Log one result; a good one only for those who debug.

    Thousands of targets make hundreds a second, and writing one down costs as much as the probe.
    """
    if not result.ok or volatile:
        log.info("probe.result", **event_fields(result), volatile=volatile)
    elif log.is_enabled_for(logging.DEBUG):
        log.debug("probe.result", **event_fields(result), volatile=volatile)


def event_fields(result: ProbeResult) -> dict[str, object]:
    """Return a result as flat log fields, unknown ones left out."""
    fields = asdict(result)
    limits = fields.pop("rate_limits")
    fields["latency_s"] = result.latency_s
    if limits:
        fields["rate_limits"] = {limit["bucket"]: limit["remaining"] for limit in limits}
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in fields.items()
        if value is not None and value != ""
    }
