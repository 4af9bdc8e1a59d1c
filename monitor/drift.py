"""Drift as people hear of it: told once, counted, kept in the ledger, and a fact for rules."""

import asyncio
from collections import deque
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from aggregator.drift import events_since, known_values, save_sightings
from aggregator.ledger import Ledger, LedgerError
from alerting.metric import Fact
from monitor.clock import Clock
from monitor.facts import Reading
from monitor.metrics import Metrics
from probes.drift import Drift, Sighting
from probes.result import ProbeResult

RECENT_S: Final = 3600.0
"""Events count for rules for as long as this."""
QUEUE_LIMIT: Final = 1_000
"""Sightings waiting for the ledger; what is beyond is told and counted, and not kept."""

log = structlog.get_logger("sonde.drift")


@dataclass(frozen=True, slots=True)
class _Recent:
    target: str
    at: float
    """Steady time."""


class DriftWatch:
    """Listens to all results; used in the daemon's loop alone."""

    def __init__(self, ledger: Ledger, metrics: Metrics, clock: Clock) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._drift = Drift()
        self._recent: deque[_Recent] = deque(maxlen=100_000)
        self._heard: set[str] = set()
        """Targets that can be spoken of: the others' drift is unknown."""
        self._unsaved: asyncio.Queue[Sighting] = asyncio.Queue(QUEUE_LIMIT)

    def observe(self, result: ProbeResult) -> None:
        """Take in one result."""
        if result.answered:
            self._heard.add(result.target)
        for sighting in self._drift.learn(result):
            if sighting.before is not None:
                self._tell(sighting)
            try:
                self._unsaved.put_nowait(sighting)
            except asyncio.QueueFull:
                self._metrics.drift_unrecorded.inc()

    def keep_only(self, targets: AbstractSet[str]) -> None:
        """Say nothing of other targets any more."""
        self._heard &= targets
        kept = [event for event in self._recent if event.target in targets]
        self._recent.clear()
        self._recent.extend(kept)

    def _tell(self, event: Sighting) -> None:
        self._recent.append(_Recent(event.target, self._clock.steady()))
        self._metrics.drifted(event.target, event.kind.value)
        log.warning(
            "drift.detected",
            target=event.target,
            kind=event.kind.value,
            before=event.before,
            after=event.after,
        )

    def facts(self, now: float) -> Iterator[Reading]:
        """Say how many events each target had within the last hour, at the steady time `now`."""
        while self._recent and now - self._recent[0].at > RECENT_S:
            self._recent.popleft()
        counts = dict.fromkeys(self._heard, 0)
        for event in self._recent:
            counts[event.target] = counts.get(event.target, 0) + 1
        for target, events in counts.items():
            yield Fact.DRIFT_EVENTS, target, float(events)

    async def restore(self) -> None:
        """Take up what was known before the restart. Raises LedgerError."""
        now, steady = self._clock.wall(), self._clock.steady()
        self._drift.restore(await self._ledger.read(known_values), now)
        for event in await self._ledger.read(lambda c: events_since(c, now - RECENT_S)):
            self._recent.append(_Recent(event.target, min(steady, event.at)))

    async def run(self) -> None:
        """Write sightings to the ledger, for ever."""
        while True:
            await self.keep()

    async def keep(self) -> None:
        """Wait for a sighting, and write all that there are to the ledger."""
        sightings = [await self._unsaved.get()]
        while not self._unsaved.empty():
            sightings.append(self._unsaved.get_nowait())
        try:
            await self._ledger.write(partial(save_sightings, sightings=sightings))
        except LedgerError as error:
            self._metrics.drift_unrecorded.inc(len(sightings))
            log.error("drift.not_saved", error=str(error))
