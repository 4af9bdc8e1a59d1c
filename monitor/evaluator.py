"""Evaluates the rules on a steady beat, over summaries of one moment."""

import asyncio

from aggregator.window import Windows
from alerting.engine import Engine, Snapshot
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.metrics import Metrics, WindowReading


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
    ) -> None:
        self._config = config
        self._engine = engine
        self._windows = windows
        self._clock = clock
        self._metrics = metrics
        self._announcer = announcer

    async def run(self) -> None:
        """Evaluate for ever, on beats that do not drift."""
        every_s = self._config.evaluate_every_s
        beat = self._clock.monotonic()
        while True:
            await self.evaluate()
            beat = max(beat + every_s, self._clock.monotonic())
            await asyncio.sleep(beat - self._clock.monotonic())

    async def evaluate(self) -> None:
        """Evaluate every rule once; commit states and notifications."""
        started = self._clock.monotonic()
        now = self._clock.steady()
        summaries = {
            view: self._windows.summary(view.targets, view.over_s, now)
            for view in self._engine.views
        }
        self._announcer.announce(self._engine.evaluate(Snapshot(now, summaries)))
        self._show(now)
        self._metrics.evaluation.observe(self._clock.monotonic() - started)
        await self._announcer.save(self._engine.states(), now)

    def _show(self, now: float) -> None:
        readings = tuple(
            WindowReading(target, self._windows.summary((target.name,), over_s, now))
            for target in self._config.targets
            for over_s in self._config.windows_s
        )
        rates = {
            provider.name: self._requests_per_min(provider.name, now)
            for provider in self._config.providers
        }
        self._metrics.show(readings, self._engine.alerts(), rates)
        self._metrics.rule_errors.set(len(self._engine.broken))

    def _requests_per_min(self, provider: str, now: float) -> float:
        names = tuple(t.name for t in self._config.targets if t.provider == provider)
        summary = self._windows.summary(names, min(self._config.windows_s), now)
        return summary.rate_per_min or 0.0
