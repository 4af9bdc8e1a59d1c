"""One life of the daemon: everything that follows from one configuration.

What outlives it (ledger, listening socket, counters, windows, what is in flight) is handed in or
shared with the life before. A new life is built beside the one that runs, and takes over in one
step of the loop.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger
from aggregator.stores.delivery import Writer
from alerting.engine import Phase, Transition
from alerting.notification import Notifier
from alerting.slack_threads import Threads
from monitor.budget.book import Book
from monitor.channels import build_notifiers
from monitor.clock import Clock
from monitor.cluster.protocol import Cluster
from monitor.config.values import Config, Heartbeat
from monitor.heartbeat import Heart
from monitor.on_demand import JUDGED_S, OnDemand
from monitor.outside import Outside
from monitor.references import KeptReferences
from monitor.road import Observers, Road
from monitor.status_pages.keeping import keep_statements
from monitor.upkeep import Upkeep
from monitor.web.probe import Probes
from probes.lag import LagMeter
from probes.prober import Prober
from probes.result import ProbeResult
from probes.target import Provider, Slot, Target
from probes.trace import Trace

CLOSE_S: Final = 2.0
"""How long connections may take to close that nobody uses any more."""

log = structlog.get_logger("sonde.life")

Running = Mapping[str, Callable[[], Awaitable[None]]]
"""What must run for as long as we do, by name."""


@dataclass(slots=True)
class Shared:
    """What all lives of one daemon have in common."""

    ledger: Ledger
    clock: Clock
    lag: LagMeter
    observers: Observers
    references: KeptReferences
    threads: Threads
    store: Writer | None
    cluster: Cluster
    life: "Life | None" = None
    """The one that runs; None: there is none yet. A life that is over knows no other way to it:
    else each would keep the next one in memory."""


class Life:
    """The parts of one configuration, wired."""

    def __init__(self, config: Config, shared: Shared, before: "Life | None" = None) -> None:
        """Build everything; connects nowhere, and changes nothing of the life `before`.

        Of that life those parts are used again that the configuration leaves as they are. May be
        called in a thread: it takes some hundred milliseconds with hundreds of targets.
        """
        self.config = config
        self._shared = shared
        self._left: tuple[Prober, ...] | None = None
        """Probers the life after this one does not use; None: this one runs."""
        self.notifiers = _notifiers(config, shared, before)
        self._probers = {
            each.name: _prober(each, config.location, shared, before) for each in config.providers
        }
        self.road: Road = Road(
            config,
            shared.ledger,
            self.notifiers,
            self._probe,
            shared.clock,
            shared.lag,
            replace(shared.observers, on_transition=self._heard),
            shared.store,
            None if before is None else before.road,
            shared.cluster,
        )
        self.outside: Outside = Outside(
            config, self.road, shared.clock, None if before is None else before.outside
        )
        self._upkeep = Upkeep(self.notifiers, shared.ledger, self._firing)
        self._heart = None if config.heartbeat is None else self._made(config.heartbeat)
        metrics = self.road.metrics
        on_demand = OnDemand(self.road.admission, self._look, metrics, shared.clock)
        targets = {target.name: target for target in config.targets}
        self.probes = Probes(targets, on_demand, metrics.labels)

    @property
    def hindered(self) -> bool:
        """Whether our own way out is known to fail."""
        egress = self.outside.egress
        return egress is not None and egress.way.failing

    async def _judged(self, result: ProbeResult) -> ProbeResult:
        running = self._shared.life or self
        return await running.outside.judged(result)

    async def _probe(self, target: Target, slot: Slot, attempt: int) -> ProbeResult:
        result = await self._probers[target.provider].probe(target, slot, attempt)
        return await self._judged(result)

    async def _look(self, target: Target, slot: Slot, trace: Trace) -> ProbeResult | None:
        return await self.road.paid(target, partial(self._seen, target, slot, trace))

    async def _seen(self, target: Target, slot: Slot, trace: Trace) -> ProbeResult:
        result = await self._probers[target.provider].probe(target, slot, 1, trace)
        with suppress(TimeoutError):  # then as it looks without knowing about our own way out
            async with asyncio.timeout(JUDGED_S):
                return await self._judged(result)
        return result

    def _heard(self, transition: Transition) -> None:
        self.outside.heard(transition)
        self._shared.observers.on_transition(transition)

    def _firing(self) -> frozenset[str]:
        alerts = self.road.engine.alerts()
        return frozenset(each.fingerprint for each in alerts if each.state is Phase.FIRING)

    def _made(self, heartbeat: Heartbeat) -> Heart:
        counter = self.road.metrics.heartbeats
        return Heart(
            heartbeat,
            self._shared.clock,
            lambda: self.road.readiness().ready,
            lambda ping: counter.labels(ping.value).inc(),
        )

    def running(self) -> Running:
        """Return what runs for as long as this life does."""
        keeping = partial(
            keep_statements,
            self._shared.ledger,
            self.outside.sayings,
            self.config.store.retention_hours_s,
        )
        return {
            **self.road.running_here(),
            **self.outside.eternal(),
            "repeating of alerts": self._upkeep.run,
            **({} if self._heart is None else {"heartbeat": self._heart.run}),
            "keeping of status pages": keeping,
        }

    async def prepare(self, before: "Life") -> None:
        """Do what takes a while, before `take_over`. Raises LedgerError."""
        await self.road.prepare(before.road)

    def take_over(self, before: "Life") -> Sequence[Book]:
        """Go on where the life `before` is, in one step; it is `before.road.turn` meanwhile.

        Returns the budgets that are gone.
        """
        gone = self.road.take_over(before.road)
        self._shared.life = self
        used = set(self._probers.values())
        before._left = tuple(each for each in before._probers.values() if each not in used)
        return gone

    async def retire(self, gone: Sequence[Book], older: Collection[asyncio.Task[None]]) -> None:
        """Once another life goes on: wait for attempts under way, then close what nobody uses.

        `older`: what waits for the lives before, which may use the same connections.
        """
        await self.road.budget.give_back(gone)
        await self.road.idle()
        if older:
            await asyncio.wait(older)
        await self._close(*(self._left or ()))

    async def close(self) -> None:
        """Close every connection that is left, at the end of the daemon."""
        if self._left is None:
            await self._close(*self._probers.values(), *self.notifiers.values())
        else:
            await self._close(*self._left)

    async def _close(self, *parts: Prober | Notifier) -> None:
        try:
            async with asyncio.timeout(CLOSE_S), asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(part.close())
                if self._heart is not None:
                    group.create_task(self._heart.close())
                group.create_task(self.outside.close())
        except TimeoutError:
            log.warning("daemon.close_timed_out")


def _notifiers(config: Config, shared: Shared, before: Life | None) -> Mapping[str, Notifier]:
    """Return the notifiers of all channels: the very same of those that did not change."""
    known = () if before is None else before.config.channels
    kept = (
        {}
        if before is None
        else {each.name: before.notifiers[each.name] for each in config.channels if each in known}
    )
    new = (each for each in config.channels if each.name not in kept)
    made = {**kept, **build_notifiers(new, shared.clock.wall, shared.threads)}
    return {each.name: made[each.name] for each in config.channels}


def _prober(provider: Provider, location: str, shared: Shared, before: Life | None) -> Prober:
    """Return a provider's prober: the very same, connections and all, if it did not change."""
    if before is not None and provider in before.config.providers:
        return before._probers[provider.name]
    return Prober(
        provider,
        location=location,
        wall=shared.clock.wall,
        lag=shared.lag,
        references=shared.references,
    )
