"""Evaluates the rules on a steady beat, over summaries of one moment."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import structlog

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.engine import Alert, Engine, Snapshot, View
from alerting.metric import AnyFact, Value
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.collectors import Evaluated, WindowReading
from monitor.config.values import Config
from monitor.elsewhere import Elsewhere, patience_s
from monitor.facts import Facts, Known
from monitor.keys import KeyReading
from monitor.metrics import Metrics
from monitor.mutes import Mutes
from probes.lag import LagMeter

SLICE_S: Final = 0.001
"""After this long in one go others have the loop, for as long: probes must not wait for us. For one
turn alone would not do: a slot makes a task in one, which starts in the next, behind a slice more.
What cannot be divided (one view and its rules) takes some 20 us for a target, and about 1 us for
each of the targets of a provider that are taken together (`python -m benchmarks evaluation`)."""

AWAY_S: Final = 2.0
"""A beat this late was missed because this process stood still (it was stopped, or its loop held):
nobody watched meanwhile, and that counts towards no hold. What is shorter is a busy moment."""
HEAR_S: Final = 5.0
"""How long a replica that stood still hears what the others found meanwhile before it judges: an
outage that came and went would else fire as if it were now."""

log = structlog.get_logger("sonde.evaluator")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked for what is in no window."""

    facts: Facts
    keys: Callable[[float], Iterable[KeyReading]] = lambda _now: ()
    """Says at a steady time what there is of each provider key, for metrics alone."""
    mutes: Mutes | None = None
    """Looks, before it is decided what people are told, what is to be quiet."""
    elsewhere: Elsewhere = field(default_factory=lambda: Elsewhere(0.0))
    """Knows the windows of other locations."""


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
        asked: Asked,
    ) -> None:
        self._config = config
        self._engine = engine
        self._windows = windows
        self._clock = clock
        self._metrics = metrics
        self._announcer = announcer
        self._lag = lag
        self._facts = asked.facts
        self._keys = asked.keys
        self._mutes = asked.mutes
        self._elsewhere = asked.elsewhere
        self._silent_s = patience_s(config.targets)
        self._seen = clock.monotonic()
        self._began = self._seen
        """When the newest evaluation began, on the monotonic clock."""
        self._broken: dict[str, str] = {}
        self._known: Known = {}
        self.turn = asyncio.Lock()
        """Held while an evaluation is under way, until it is saved."""

    async def run(self) -> None:
        """Evaluate for ever, on beats that do not drift."""
        every_s = self._config.evaluate_every_s
        beat = self._clock.monotonic()
        late_s = 0.0
        while True:
            await self.evaluate(late_s)
            beat = max(beat + every_s, self._clock.monotonic())
            await asyncio.sleep(beat - self._clock.monotonic())
            late_s = self._clock.monotonic() - beat
            if late_s > AWAY_S and self._config.cluster is not None:
                await asyncio.sleep(HEAR_S)
                late_s = self._clock.monotonic() - beat

    async def evaluate(self, late_s: float = 0.0) -> None:
        """Evaluate every rule once, so much later than meant; commit states and notifications.

        One evaluation at a time: the last one of a daemon that stops waits for the one under way.
        """
        async with self.turn:
            started = self._clock.monotonic()
            self._pass_over(max(late_s, self._lag.worst_since(self._began)))
            self._began = started
            now = self._clock.steady()
            await self._in_slices(self._judging(now))
            states = self._engine.states()
            if self._mutes is not None:
                await self._mutes.refresh(states)
            await self._in_slices(self._announcer.deciding(states, now))
            await self._in_slices(self._showing(now))
            self._tell_broken()
            self._metrics.evaluation.observe(self._clock.monotonic() - started)
            self._tell_lateness()
            await self._announcer.save(states, now)

    def _pass_over(self, away_s: float) -> None:
        """Let a time in which this process stood still count towards no hold."""
        if away_s > AWAY_S:
            log.warning("rules.unwatched", seconds=round(away_s, 3))
            self._engine.pass_over(away_s)

    async def _in_slices(self, work: Iterator[None]) -> None:
        """Do the work, and let others have the loop whenever a slice of time is over."""
        over_at = self._clock.monotonic() + SLICE_S
        for _ in work:
            if self._clock.monotonic() >= over_at:
                await asyncio.sleep(SLICE_S)
                over_at = self._clock.monotonic() + SLICE_S

    def _judging(self, now: float) -> Iterator[None]:
        """Evaluate the rules; a transition is announced in the step in which its state changed."""
        summaries: dict[View, Summary] = {}
        since = now - self._silent_s
        for view in self._engine.views:
            windows: Windows | None = self._windows
            if view.location:
                windows = self._elsewhere.reporting(view.location, since)
            if windows is not None:
                summaries[view] = windows.summary(view.targets, view.over_s, now)
            yield
        facts: dict[tuple[AnyFact, str], Value] = {}
        yield from self._facts.gathering(now, facts)
        self._known = facts
        for transitions in self._engine.evaluation(Snapshot(now, summaries, facts)):
            self._announcer.announce(transitions)
            yield

    def _showing(self, now: float) -> Iterator[None]:
        """Gather what metrics show, and hand it over when all of it is there."""
        readings: list[WindowReading] = []
        for target in self._config.targets:
            for over_s in self._config.windows_s:
                summary = self._windows.summary((target.name,), over_s, now)
                readings.append(WindowReading(target, summary))
            yield
        keys: list[KeyReading] = []
        for key in self._keys(now):
            keys.append(key)
            yield
        alerts: list[Alert] = []
        for alert in self._engine.listing():
            alerts.append(alert)
            yield
        before = list(self._metrics.newest.evaluated.readings)
        self._metrics.newest.evaluated = Evaluated(
            tuple(readings), tuple(alerts), tuple(keys), self._known, self._config.location
        )
        while before:  # letting go of thousands of objects holds the loop as making them does
            before.pop()
            yield

    def _tell_lateness(self) -> None:
        self._metrics.loop_lag.set(self._lag.worst_since(self._seen))
        self._seen = self._clock.monotonic()
        for pause_s in self._lag.collector.untold():
            self._metrics.gc_paused(pause_s)

    def _tell_broken(self) -> None:
        broken = {**self._engine.broken, **self._facts.broken}
        if broken != self._broken:
            log.error("rules.broken", rules=broken) if broken else log.info("rules.mended")
        self._broken = broken
        self._metrics.rule_errors.set(len(broken))
