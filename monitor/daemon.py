"""The composition root: builds every part, starts them in order, stops them in order.

What happens to one slot reads from here in four files: the scheduler starts it, the provider's
prober makes a result of it, the pipeline commits and counts the result, the evaluator looks at the
windows and fills the outbox. road.py wires them.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import structlog
from fastapi import FastAPI

from aggregator.drift import DRIFT
from aggregator.ledger import Ledger, LedgerError
from aggregator.references import REFERENCES
from aggregator.results import RESULTS
from aggregator.rollup.table import ROLLUPS
from aggregator.stores import open_influxdb
from aggregator.stores.rebuild import REBUILD
from aggregator.stores.spool import SPOOL
from alerting.engine import Phase, Transition
from alerting.routing.silence_store import SILENCES
from alerting.slack_threads import SLACK_THREADS, Threads
from alerting.store import ALERTING
from monitor import watchdog
from monitor.budget.keeper import GIVE_BACK_S
from monitor.budget.purse import BUDGET
from monitor.channels import build_notifiers
from monitor.clock import Clock
from monitor.config.values import Config, Heartbeat
from monitor.heartbeat import Heart
from monitor.on_demand import JUDGED_S, OnDemand
from monitor.outside import Outside
from monitor.rebuild import Rebuild
from monitor.references import KeptReferences
from monitor.road import Observers, Road
from monitor.status_pages.keeping import keep_statements
from monitor.status_pages.statements import STATEMENTS
from monitor.upkeep import Upkeep
from monitor.view import StatusView
from monitor.web.app import Access, Sources, build_app
from monitor.web.page import stylesheet
from monitor.web.probe import Probes
from monitor.web.server import GRACE_S, WebServer, listen
from probes.lag import LagMeter
from probes.prober import Prober
from probes.result import ProbeResult
from probes.target import Slot, Target
from probes.trace import Trace

PROBES_STOP_S: Final = 4.0
"""How long probes in flight may go on after a stop."""
CANCEL_STOP_S: Final = 0.5
"""How long what was cancelled may take to notice; twice: probes and delivery."""
EVALUATE_STOP_S: Final = 2.0
"""How long the last look at what came in may take."""
DELIVERY_STOP_S: Final = 5.0
"""How long outbox and spool may try to empty themselves; what is left goes after the next start."""
CLOSE_STOP_S: Final = 2.0
"""How long connections to providers and channels may take to close."""
LEDGER_STOP_S: Final = 3.0
"""How long the last commit may take."""
STOP_BUDGET_S: Final = (
    PROBES_STOP_S
    + EVALUATE_STOP_S
    + DELIVERY_STOP_S
    + 2 * CANCEL_STOP_S
    + GRACE_S
    + GIVE_BACK_S
    + CLOSE_STOP_S
    + LEDGER_STOP_S
)
"""All of it: below the 20 s we promise, which is below Kubernetes' default grace of 30 s."""

COLLECTED_AT: Final = (5_000, 5, 1_000)
"""How many more objects made than freed start a collection of the young ones, how many of those one
of the middle-aged, how many of these one of all. Fewer and later than Python's own: with thousands
of targets a collection of all finds nothing but the summaries still in use, and stops every probe
for 20 ms. https://docs.python.org/3/library/gc.html#gc.set_threshold"""

SCHEMAS: Final = (
    RESULTS,
    ROLLUPS,
    SPOOL,
    ALERTING,
    SILENCES,
    SLACK_THREADS,
    BUDGET,
    REFERENCES,
    DRIFT,
    STATEMENTS,
    REBUILD,
)
"""Every package's tables: the one file of an instance holds them all, used or not."""

log = structlog.get_logger("sonde.daemon")


class TaskEndedError(Exception):
    """A task that must run for as long as the daemon does has returned: a bug."""


class Daemon:
    """One running Sonde."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        lag: LagMeter,
        observers: Observers | None = None,
    ) -> None:
        """`lag` watches the loop it will run in."""
        self.config = config
        self._ledger = ledger
        self._observers = observers or Observers()
        clock = Clock()
        self._notifiers = build_notifiers(config.channels, clock.wall, Threads(ledger))
        self._lag = lag
        self._references = KeptReferences(ledger, clock.wall)
        self._probers = {
            provider.name: Prober(
                provider,
                location=config.location,
                wall=clock.wall,
                lag=self._lag,
                references=self._references,
            )
            for provider in config.providers
        }
        influxdb = config.store.influxdb
        self._store = (
            None
            if influxdb is None
            else open_influxdb(influxdb.destination, influxdb.token, influxdb.papers)
        )
        self.road = Road(
            config,
            ledger,
            self._notifiers,
            self._probe,
            clock,
            self._lag,
            replace(self._observers, on_transition=self._heard),
            self._store,
        )
        self._rebuild = (
            None
            if influxdb is None
            else Rebuild(config, influxdb, ledger, clock, self.road.past_grown)
        )
        self._outside = Outside(config, self.road, clock)
        self._upkeep = Upkeep(self._notifiers, ledger, self._firing)
        self._heart = None if config.heartbeat is None else self._made(config.heartbeat, clock)
        self._on_demand = OnDemand(self.road.admission, self._look, self.road.metrics, clock)

    async def _probe(self, target: Target, slot: Slot, attempt: int) -> ProbeResult:
        result = await self._probers[target.provider].probe(target, slot, attempt)
        return await self._outside.judged(result)

    def _heard(self, transition: Transition) -> None:
        self._outside.heard(transition)
        self._observers.on_transition(transition)

    def _firing(self) -> frozenset[str]:
        alerts = self.road.engine.alerts()
        return frozenset(each.fingerprint for each in alerts if each.state is Phase.FIRING)

    def _made(self, heartbeat: Heartbeat, clock: Clock) -> Heart:
        counter = self.road.metrics.heartbeats
        return Heart(
            heartbeat,
            clock,
            lambda: self.road.readiness().ready,
            lambda ping: counter.labels(ping.value).inc(),
        )

    async def _look(self, target: Target, slot: Slot, trace: Trace) -> ProbeResult | None:
        return await self.road.paid(target, partial(self._seen, target, slot, trace))

    async def _seen(self, target: Target, slot: Slot, trace: Trace) -> ProbeResult:
        result = await self._probers[target.provider].probe(target, slot, 1, trace)
        with suppress(TimeoutError):  # then as it looks without knowing about our own way out
            async with asyncio.timeout(JUDGED_S):
                return await self._outside.judged(result)
        return result

    def view(self) -> StatusView:
        """Return what a person should see now."""
        return self.road.view()

    async def run(self, stop: asyncio.Event) -> None:
        """Monitor until `stop` is set, then stop in order within STOP_BUDGET_S.

        Raises ListenError when the address is taken, and an ExceptionGroup when a part that must
        not fail has failed: everything committed is safe then too, and a supervisor should start
        us again.
        """
        try:
            listener = listen(self.config.http.host, self.config.http.port)
            address: tuple[str, int] = listener.getsockname()[:2]
            with listener, self._lag.collector.watching():
                await self._references.restore()
                if self._rebuild is not None:  # what is older comes first
                    await self._rebuild.windows(self.road.windows, stop)
                rows = await self.road.restore(stop.is_set)
                log.info("ledger.replayed", rows=rows)
                if not stop.is_set():  # else by windows half filled nothing is to be judged
                    _settle_memory()
                    await self._serve(WebServer(self._app(), listener), address, stop)
        finally:
            await self._close()
        log.info("daemon.stopped")

    async def _serve(
        self, server: WebServer, address: tuple[str, int], stop: asyncio.Event
    ) -> None:
        road = self.road
        running: dict[str, Callable[[], Awaitable[None]]] = {
            "stuck loop watchdog": watchdog.guard,
            "keeping of reference vectors": self._references.run,
            **road.eternal(),
            **self._outside.eternal(),
            "repeating of alerts": self._upkeep.run,
            **({} if self._heart is None else {"heartbeat": self._heart.run}),
            "keeping of status pages": partial(
                keep_statements,
                self._ledger,
                self._outside.sayings,
                self.config.store.retention_hours_s,
            ),
        }
        async with asyncio.TaskGroup() as group:

            def start(name: str, coroutine: Awaitable[None]) -> asyncio.Task[None]:
                return group.create_task(_until(stop, name, coroutine), name=name)

            schedule = start("schedule of slots", road.scheduler.run(PROBES_STOP_S))
            delivery = [start("delivery of notifications", road.deliverer.run())]
            if road.shipping is not None:
                delivery.append(start("shipping to InfluxDB", road.shipping.shipper.run()))
            eternal = [start(name, run()) for name, run in running.items()]
            if self._rebuild is not None:  # ends when there is no more to rebuild
                rebuilding = group.create_task(self._rebuild.run(), name="rebuilding of history")
                eternal.append(rebuilding)
            start("http server", server.run())
            self._announce(address)
            await stop.wait()
            await self._stop_road(schedule, delivery)
            server.stop()
            for task in eternal:
                task.cancel()

    def _announce(self, address: tuple[str, int]) -> None:
        host, port = address
        log.info(
            "daemon.started",
            version=self.road.version,
            configuration=self.config.source,
            location=self.config.location,
            targets=len(self.config.targets),
            rules=len(self.config.rules),
            channels=len(self.config.channels),
            url=f"http://{f'[{host}]' if ':' in host else host}:{port}/",
        )
        self._observers.on_serving(host, port)

    async def _stop_road(
        self, schedule: asyncio.Task[None], delivery: Sequence[asyncio.Task[None]]
    ) -> None:
        """Stop producing, look once more at what came in, then send what is due."""
        log.info("daemon.stopping", probes_in_flight=self.road.scheduler.in_flight)
        self.road.scheduler.stop()
        self.road.confirmations.stop()
        await _ended([schedule], PROBES_STOP_S)
        try:
            async with asyncio.timeout(EVALUATE_STOP_S):
                await self.road.evaluator.evaluate()
        except TimeoutError:
            log.warning("daemon.last_evaluation_timed_out")
        self.road.deliverer.stop()
        if self.road.shipping is not None:
            self.road.shipping.shipper.stop()
        await _ended(delivery, DELIVERY_STOP_S)
        await self.road.budget.close()

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_STOP_S), asyncio.TaskGroup() as group:
                for prober in self._probers.values():
                    group.create_task(prober.close())
                for notifier in self._notifiers.values():
                    group.create_task(notifier.close())
                if self._store is not None:
                    group.create_task(self._store.close())
                if self._heart is not None:
                    group.create_task(self._heart.close())
                group.create_task(self._outside.close())
                if self._rebuild is not None:
                    group.create_task(self._rebuild.close())
        except TimeoutError:
            log.warning("daemon.close_timed_out")
        finally:
            await self._close_ledger()

    async def _close_ledger(self) -> None:
        try:
            await self._ledger.close(LEDGER_STOP_S)
        except LedgerError as error:
            # What was committed is safe; a disk that hangs must not keep us from ending.
            log.error("ledger.close_failed", error=str(error))

    def _app(self) -> FastAPI:
        http = self.config.http
        targets = {target.name: target for target in self.config.targets}
        probes = Probes(targets, self._on_demand, self.road.metrics.labels)
        sources = Sources(self.road.readiness, self.road.view, self.road.metrics, probes)
        access = Access(http.host, http.token, self.config.public_url)
        return build_app(sources, access, stylesheet())


def _settle_memory() -> None:
    """Take what is there now out of the collector's sight: it lives for as long as we do.

    A full collection looks at every object; the modules and the configuration alone are some
    hundred thousand, in which it would stop every probe for 50 ms and more.
    https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AT)


async def _until(stop: asyncio.Event, name: str, running: Awaitable[None]) -> None:
    """Run what must not end before we stop; an end before that is a fault."""
    await running
    if not stop.is_set():
        raise TaskEndedError(f"{name} ended, which it must not")


async def _ended(tasks: Sequence[asyncio.Task[None]], within_s: float) -> None:
    """Wait for tasks that were asked to end; cancel those that do not."""
    await asyncio.wait(tasks, timeout=within_s)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=CANCEL_STOP_S)
