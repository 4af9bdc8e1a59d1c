"""Evaluates the rules on a steady beat, over summaries of one moment."""

import asyncio
from typing import Final

import structlog

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.engine import Engine, Snapshot
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.collectors import Evaluated, WindowReading
from monitor.config.values import Config
from monitor.metrics import Metrics
from probes.lag import LagMeter

SLICE: Final = 20
"""Summaries made in one go: about a millisecond at 60 us each (`make bench` tells the figure)."""


log = structlog.get_logger("sonde.evaluator")


class Evaluator:
    """Turns windows into transitions, and both into what metrics show."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        windows: Windows,
        clock: Clock,
        metrics: Metrics,
        announcer: Announcer,
        lag: LagMeter,
    ) -> None:
        self._config = config
        self._engine = engine
        self._windows = windows
        self._clock = clock
        self._metrics = metrics
        self._announcer = announcer
        self._lag = lag
        self._seen = clock.monotonic()
        self._summarised = 0
        self._broken: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Evaluate for ever, on beats that do not drift."""
        every_s = self._config.evaluate_every_s
        beat = self._clock.monotonic()
        while True:
            await self.evaluate()
            beat = max(beat + every_s, self._clock.monotonic())
            await asyncio.sleep(beat - self._clock.monotonic())

    async def evaluate(self) -> None:
        """Evaluate every rule once; commit states and notifications.

        One evaluation at a time: the last one of a daemon that stops waits for the one under way.
        """
        async with self._turn:
            started = self._clock.monotonic()
            now = self._clock.steady()
            summaries = {
                view: await self._summary(view.targets, view.over_s, now)
                for view in self._engine.views
            }
            self._announcer.announce(self._engine.evaluate(Snapshot(now, summaries)))
            await self._show(now)
            self._metrics.evaluation.observe(self._clock.monotonic() - started)
            self._metrics.loop_lag.set(self._lag.worst_since(self._seen))
            self._seen = self._clock.monotonic()
            await self._announcer.save(self._engine.states(), now)

    async def _summary(self, targets: tuple[str, ...], over_s: float, now: float) -> Summary:
        """Summarise, and let others have the loop after every few: probes must not wait for us."""
        self._summarised += 1
        if self._summarised % SLICE == 0:
            await asyncio.sleep(0)
        return self._windows.summary(targets, over_s, now)

    async def _show(self, now: float) -> None:
        readings = [
            WindowReading(target, await self._summary((target.name,), over_s, now))
            for target in self._config.targets
            for over_s in self._config.windows_s
        ]
        shortest_s = min(self._config.windows_s)
        rates: list[tuple[str, float]] = []
        for provider in self._config.providers:
            names = tuple(t.name for t in self._config.targets if t.provider == provider.name)
            summary = await self._summary(names, shortest_s, now)
            rates.append((provider.name, summary.rate_per_min or 0.0))
        self._metrics.newest.evaluated = Evaluated(
            tuple(readings), self._engine.alerts(), tuple(rates)
        )
        self._tell_broken()

    def _tell_broken(self) -> None:
        broken = dict(self._engine.broken)
        if broken != self._broken:
            log.error("rules.broken", rules=broken) if broken else log.info("rules.mended")
        self._broken = broken
        self._metrics.rule_errors.set(len(broken))
