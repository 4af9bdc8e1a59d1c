"""The road of one result: committed to the ledger, then counted, then seen.

A result is measured only when it is committed: windows, metrics and log lines come after. When the
ledger cannot take it (a full disk), it is still counted, marked volatile, and loudly so: a monitor
that goes blind because its disk is full helps nobody.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Final

import structlog

from aggregator.heard import Standing, insert_heard, insert_ours
from aggregator.ledger import Ledger, LedgerError
from aggregator.results import SkippedSlot, insert_result, insert_skipped
from aggregator.stores.rebuild import began_at
from aggregator.window import HELD_BACK, Windows
from monitor.clock import Clock
from monitor.cluster.protocol import Heard, Keep, News
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
        *,
        alone: bool = True,
    ) -> None:
        """`failing` says what a slot of a target counts as that is skipped for a reason.

        Not `alone`, others may have dealt with a slot that we probed as well.
        """
        self._ledger = ledger
        self._windows = windows
        self._metrics = metrics
        self._clock = clock
        self._location = location
        self._on_result = on_result
        self._failing = failing
        self._alone = alone
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
        found = await self._commit(result)
        current = self._now(target)
        if current is None:
            _tell(result, volatile=found is None)
            return
        if found in (None, Standing.NEW):
            self._count(current, result, self._clock.steady())
        _tell(result, volatile=found is None)
        self._on_result(result)

    def _now(self, target: Target) -> Target | None:
        """Return the target as it is by now; None: it is gone."""
        return target if self._current is None else self._current.get(target.name)

    def _count(self, target: Target, result: ProbeResult, at: float) -> None:
        """Count a result that was had at steady time `at`."""
        if result.attempt != 1:
            self._metrics.observe_further(target, result)
            return
        self._windows.ingest(result, at)
        self._metrics.observe(target, result)
        self.last_result[target.name] = result
        if not result.ok:
            self.last_failures[target.name, result.fault] = at, result

    async def _commit(self, result: ProbeResult) -> Standing | None:
        """Commit a result of ours; return what was known of its slot, None if it is volatile."""
        try:
            found = await self._ledger.write(partial(self._insert_ours, result))
        except LedgerError as error:
            self._metrics.volatile.inc()
            self.ledger_error = str(error)
            log.error("ledger.write_failed", error=str(error), target=result.target)
            return None
        self.ledger_error = None
        return found

    def _insert_ours(self, result: ProbeResult, connection: sqlite3.Connection) -> Standing:
        if not self._alone:
            return insert_ours(connection, result)
        insert_result(connection, result)
        return Standing.NEW

    # What other replicas had.

    async def commit_heard(self, heard: Sequence[Heard], keep: Keep) -> Sequence[Standing]:
        """Commit what others told, and `keep`; return what was known of each slot.

        What the ledger does not take counts all the same, as if nothing had been known. What is
        older than a ledger that is rebuilt from InfluxDB comes from there.
        """

        def insert(connection: sqlite3.Connection) -> Sequence[Standing]:
            keep(connection)
            began = began_at(connection)
            return [
                insert_heard(connection, each.news, each.replica)
                if each.news.at >= began
                else Standing.KNOWN
                for each in heard
            ]

        try:
            found = await self._ledger.write(insert)
        except LedgerError as error:
            self._metrics.volatile.inc(len(heard))
            self.ledger_error = str(error)
            log.error("ledger.write_failed", error=str(error), heard=len(heard))
            return [Standing.NEW] * len(heard)
        self.ledger_error = None
        return found

    def count_heard(self, target: Target, news: News, at: float) -> bool:
        """Count what another replica had at steady time `at`, as if it had been had here.

        False: it is too old to be brought into its place, or its target is gone by now.
        """
        if self._now(target) is None or self._windows.outdated(target.name, at):
            return False
        self._count_news(target, news, at)
        return True

    def _count_news(self, target: Target, news: News, at: float) -> None:
        if isinstance(news, SkippedSlot):
            self._count_skip(target, news.reason, news.failing, at)
            return
        self._count(target, news, at)
        self.last_slot_at[target.name] = max(at, self.last_slot_at.get(target.name, at))
        self.last_skip.pop(target.name, None)

    async def lost(self, target: Target, slot: Slot) -> bool:
        """Count a slot as missed of which another replica told nothing; False: there was news."""
        at = self._clock.wall()
        skip = SkippedSlot(target.name, self._location, slot, SkipReason.NOT_CLAIMED, at)
        try:
            found = await self._ledger.write(lambda c: insert_heard(c, skip, ""))
        except LedgerError as error:
            self._metrics.dropped_skips.inc()
            self.ledger_error = str(error)
            found = Standing.NEW
        current = self._now(target)
        if found is not Standing.NEW or current is None:
            return False
        log.info("slot.lost", target=target.name, slot=slot.number)
        self._count_skip(current, skip.reason, None, self._clock.steady())
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
        if self._now(target) is not None:
            self._count_skip(target, reason, failing, self._clock.steady())
        skip = SkippedSlot(target.name, self._location, slot, reason, self._clock.wall(), failing)
        try:
            self._skips.put_nowait(skip)
        except asyncio.QueueFull:
            self._metrics.dropped_skips.inc()
        return skip

    def _count_skip(
        self, target: Target, reason: SkipReason, failing: Failing | None, at: float
    ) -> None:
        self.last_skip[target.name] = reason
        self._windows.skipped(target.name, reason, at, failing)
        if failing is not None or reason in HELD_BACK:
            self.last_slot_at[target.name] = at  # decided, not forgotten
        self._metrics.slot_skipped(target, reason)

    async def keep(self, result: ProbeResult) -> None:
        """Commit a result of a target that is not watched any more, and log it; it counts as none.

        The probe was under way when the target went out of the configuration.
        """
        _tell(result, volatile=await self._commit(result) is None)

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
                await self._ledger.write(partial(_insert_skip, skip))
            except LedgerError as error:
                self._metrics.dropped_skips.inc()
                self.ledger_error = str(error)


def _insert_skip(skip: SkippedSlot, connection: sqlite3.Connection) -> None:
    insert_skipped(connection, skip)


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
