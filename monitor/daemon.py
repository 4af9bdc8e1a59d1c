"""The composition root: builds every part, starts them in order, stops them in order.

What happens to one slot reads from here in four files: the scheduler starts it, the provider's
prober makes a result of it, the pipeline commits and counts the result, the evaluator looks at the
windows and fills the outbox. road.py wires them.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

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
from alerting.routing.silence_store import SILENCES
from alerting.slack_threads import SLACK_THREADS, Threads
from alerting.store import ALERTING
from monitor import watchdog
from monitor.api.access import Access, Door
from monitor.api.app import api_routes
from monitor.api.audit import WRITES
from monitor.api.feed import Feed
from monitor.api.models.instance import Reload
from monitor.api.sources import Sources, sources_of
from monitor.budget.book import Book
from monitor.budget.keeper import GIVE_BACK_S
from monitor.budget.purse import BUDGET
from monitor.clock import Clock
from monitor.cluster import join
from monitor.cluster.position import HEARD
from monitor.cluster.purse_fields import PURSE
from monitor.config.values import Config
from monitor.health import Readiness
from monitor.life import Life, Running, Shared
from monitor.otlp.telling import Telling
from monitor.public.gather import public_view
from monitor.rebuild import Rebuild
from monitor.references import KeptReferences
from monitor.reload.file import ConfigFile
from monitor.reload.fixed import keeping_fixed
from monitor.reload.reloads import NotTakenError, Reloads
from monitor.road import Observers, Road
from monitor.status_pages.statements import STATEMENTS
from monitor.view import StatusView
from monitor.web.app import Pages, build_app
from monitor.web.assets import Assets, load_assets
from monitor.web.public import PublicPages
from monitor.web.server import GRACE_S, WebServer, listen
from probes.lag import LagMeter

PROBES_STOP_S: Final = 4.0
"""How long probes in flight may go on after a stop."""
CANCEL_STOP_S: Final = 0.5
"""How long what was cancelled may take to notice; twice: probes and delivery."""
EVALUATE_STOP_S: Final = 2.0
"""How long the last look at what came in may take."""
DELIVERY_STOP_S: Final = 5.0
"""How long outbox and spool may try to empty themselves; what is left goes after the next start."""
CLOSE_STOP_S: Final = 2.0
"""How long connections to providers and channels may take to close, and to leave other replicas."""
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
    WRITES,
    HEARD,
    PURSE,
)
"""Every package's tables: the one file of an instance holds them all, used or not."""

log = structlog.get_logger("sonde.daemon")


Start = Callable[[str, Awaitable[None]], asyncio.Task[None]]


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
        file: ConfigFile | None = None,
        assets: Assets | None = None,
    ) -> None:
        """`lag` watches the loop it will run in; `file`: where the configuration came from.

        `assets` None: those of the package. Raises AssetsMissingError when it has none.
        """
        self._assets = assets or load_assets()
        self._ledger = ledger
        self._clock = clock = Clock()
        self._telling = Telling(clock)
        observers = observers or Observers()
        influxdb = config.store.influxdb
        self._store = (
            None
            if influxdb is None
            else open_influxdb(influxdb.destination, influxdb.token, influxdb.papers)
        )
        cluster = join(config, ledger, clock)
        self._shared = Shared(
            ledger=ledger,
            clock=clock,
            lag=lag,
            observers=replace(observers, on_result=self._telling.also(observers.on_result)),
            references=KeptReferences(ledger, clock.wall),
            threads=Threads(ledger, cluster.places),
            store=self._store,
            cluster=cluster,
        )
        self._started_at = clock.wall()
        self._shared.life = self._life = Life(config, self._shared)
        self._telling.open(config, self.road.metrics.registry)
        self._retiring: dict[Life, asyncio.Task[None]] = {}
        """Lives that are over and still have probes in flight, and what waits for them."""
        self._living: list[asyncio.Task[None]] = []
        """The tasks of the life that runs."""
        self._rebuild = (
            None if influxdb is None else Rebuild(config, influxdb, ledger, clock, self._past_grown)
        )
        self._reloads = Reloads(
            file, self._take_up, clock.wall, self.road.metrics, cluster.reloaded
        )
        cluster.heed(self._reloads.hint)
        cluster.yield_while(lambda: self._life.hindered)
        self._sources = self._sources_of(self._life)
        self._feed = Feed(lambda: self._sources)
        self._start: Start | None = None
        """Starts a task; None while nothing new may begin."""
        self._group: asyncio.TaskGroup | None = None

    @property
    def road(self) -> Road:
        """The road of the configuration that runs."""
        return self._life.road

    @property
    def config(self) -> Config:
        """The configuration that runs."""
        return self._life.config

    def _past_grown(self, target: str) -> None:
        self.road.past_grown(target)

    def _readiness(self) -> Readiness:
        return self.road.readiness()

    def reload(self) -> None:
        """Read the configuration again, and take up what changed."""
        self._reloads.ask()

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
            with listener, self._shared.lag.collector.watching():
                await self._shared.references.restore()
                if self._rebuild is not None:  # what is older comes first
                    await self._rebuild.windows(self.road.windows, stop)
                rows = await self.road.restore(stop.is_set)
                log.info("ledger.replayed", rows=rows)
                await until_stopped(stop, self._shared.cluster.start(self.road))
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
        running: Running = {
            "stuck loop watchdog": watchdog.guard,
            "keeping of reference vectors": self._shared.references.run,
            **road.running_on(),
            "telling of changes": self._feed.run,
        }
        async with asyncio.TaskGroup() as group:

            def start(name: str, coroutine: Awaitable[None]) -> asyncio.Task[None]:
                return group.create_task(_until(stop, name, coroutine), name=name)

            schedule = start("schedule of slots", road.scheduler.run(PROBES_STOP_S))
            delivery = [
                start("delivery of notifications", road.deliverer.run()),
                start("telling OpenTelemetry", self._telling.run()),
            ]
            if road.shipping is not None:
                delivery.append(start("shipping to InfluxDB", road.shipping.shipper.run()))
            eternal = [start(name, run()) for name, run in running.items()]
            if self._rebuild is not None:  # ends when there is no more to rebuild
                rebuilding = group.create_task(self._rebuild.run(), name="rebuilding of history")
                eternal.append(rebuilding)
            self._group, self._start = group, start
            self._live(self._life)
            reloading = start("reloading of the configuration", self._reloads.run())
            start("http server", server.run())
            self._announce(address)
            await stop.wait()
            reloading.cancel()
            self._start = None
            self._feed.stop()
            await self._stop_road(schedule, delivery)
            server.stop()
            for task in (*eternal, *self._living, *self._retiring.values()):
                task.cancel()

    def _live(self, life: Life) -> None:
        """Start what runs for as long as this life does."""
        if self._start is not None:
            running = {**life.running(), "reading of the past": self._sources.strips.run}
            self._living = [self._start(name, run()) for name, run in running.items()]

    async def _take_up(self, wanted: Config) -> tuple[str, ...]:
        """Go on with another configuration; return the keys that need a restart.

        Until the one step in which the new life takes over, nothing of the old one has changed:
        what fails, or is cancelled, before that leaves it running. A failure in that step ends the
        daemon. Raises NotTakenError.
        """
        before = self._life
        config, needs_restart = keeping_fixed(before.config, wanted)
        if config == before.config:
            log.info("config.unchanged", configuration=config.source)
            return needs_restart
        try:
            life = await asyncio.to_thread(Life, config, self._shared, before)
            await life.prepare(before)
        except Exception as error:
            log.exception("config.not_taken_up")
            raise NotTakenError(f"it could not be taken up: {type(error).__name__}") from error
        async with before.road.turn():
            self._succeed(life, before)
        log.info(
            "config.reloaded",
            configuration=config.source,
            targets=len(config.targets),
            rules=len(config.rules),
            channels=len(config.channels),
        )
        return needs_restart

    def _succeed(self, life: Life, before: Life) -> None:
        """Let another life take over: one step of the loop, all of it or the end of the daemon."""
        for task in self._living:
            task.cancel()
        gone = life.take_over(before)
        self._life = life
        self._telling.take_up(life.config)
        strips = self._sources.strips
        self._sources = self._sources_of(life)
        self._sources.strips.take_over(strips)
        self._live(life)
        if self._group is not None:
            retiring = self._retire(before, gone, tuple(self._retiring.values()))
            self._retiring[before] = self._group.create_task(retiring, name="end of a life")

    async def _retire(
        self, life: Life, gone: Sequence[Book], older: Sequence[asyncio.Task[None]]
    ) -> None:
        await life.retire(gone, older)
        del self._retiring[life], life
        # Its parts know each other, and by itself the collector comes round once a day or so. What
        # was there at the start is out of its sight: with 200 targets this takes some 5 ms.
        gc.collect()

    def _sources_of(self, life: Life) -> Sources:
        return sources_of(
            life.road,
            life.outside,
            self._ledger,
            self._clock,
            self._started_at,
            self._reloaded,
        )

    def _reloaded(self) -> Reload | None:
        newest = self._reloads.newest
        if newest is None:
            return None
        needs_restart = list(newest.needs_restart)
        return Reload(
            at=newest.at, ok=not newest.error, error=newest.error, needs_restart=needs_restart
        )

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
        self._shared.observers.on_serving(host, port)

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
        self._telling.stop()
        if self.road.shipping is not None:
            self.road.shipping.shipper.stop()
        await _ended(delivery, DELIVERY_STOP_S)
        await self.road.budget.close()

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_STOP_S), asyncio.TaskGroup() as group:
                for life in (self._life, *self._retiring):
                    group.create_task(life.close())
                if self._store is not None:
                    group.create_task(self._store.close())
                if self._rebuild is not None:
                    group.create_task(self._rebuild.close())
                group.create_task(self._shared.cluster.close())
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
        http, metrics = self.config.http, self.road.metrics
        access = Access(http.host, http.token, self.config.public_url)
        door = Door(access, self._clock.monotonic, metrics.wrong_tokens.inc)
        public = PublicPages(
            lambda: public_view(self.config, self._ledger, self._clock.wall()), self._clock.steady
        )
        pages = Pages(
            readiness=self._readiness,
            metrics=metrics,
            probes=lambda: self._life.probes,
            assets=self._assets,
            api=api_routes(lambda: self._sources, door, self._feed),
            public=public.routes(),
        )
        return build_app(pages, door)


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


async def until_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do what ends by itself, and leave it undone when we are to stop before that."""
    async with asyncio.TaskGroup() as group:
        working = group.create_task(work, name="what ends before we begin")
        stopping = group.create_task(stop.wait(), name="stop before we begin")
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        stopping.cancel()


async def _ended(tasks: Sequence[asyncio.Task[None]], within_s: float) -> None:
    """Wait for tasks that were asked to end; cancel those that do not."""
    await asyncio.wait(tasks, timeout=within_s)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=CANCEL_STOP_S)
