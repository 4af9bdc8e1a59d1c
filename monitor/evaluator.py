"""Evaluates the rules on a steady beat and puts what people must hear into the outbox.

States and notifications are written in one transaction: an alert that fired is in the outbox or it
has not fired. While the ledger takes no writes the notifications wait here and are offered again at
each beat.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.window import Windows
from alerting.engine import Engine, Snapshot, Transition
from alerting.notification import Notification
from alerting.outbox import enqueue
from alerting.render import notification_of
from alerting.store import save_states
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.metrics import Metrics, WindowReading

UNSAVED_LIMIT: Final = 1_000
"""Notifications kept while the ledger takes no writes; the oldest go first, logged."""

log = structlog.get_logger("sonde.evaluator")


class Evaluator:
    """Turns windows into transitions and transitions into outbox rows."""

    def __init__(
        self,
        config: Config,
        channels: tuple[str, ...],
        engine: Engine,
        windows: Windows,
        ledger: Ledger,
        clock: Clock,
        metrics: Metrics,
        on_transition: Callable[[Transition], None],
        wake: Callable[[], None],
    ) -> None:
        self._config = config
        self._engine = engine
        self._windows = windows
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._on_transition = on_transition
        self._wake = wake
        self._channels = channels
        self._unsaved: list[Notification] = []
        self.evaluated_at: float | None = None
        """Steady time of the newest evaluation."""

    async def run(self) -> None:
        """Evaluate for ever, on beats that do not drift."""
        every_s = self._config.evaluate_every_s
        beat = self._clock.monotonic()
        while True:
            await self.evaluate()
            beat = max(beat + every_s, self._clock.monotonic())
            await asyncio.sleep(beat - self._clock.monotonic())

    async def evaluate(self) -> tuple[Transition, ...]:
        """Evaluate every rule once; commit states and notifications; return the transitions."""
        started = self._clock.monotonic()
        now = self._clock.steady()
        summaries = {
            view: self._windows.summary(view.targets, view.over_s, now)
            for view in self._engine.views
        }
        transitions = self._engine.evaluate(Snapshot(now, summaries))
        self.evaluated_at = now
        self.announce(transitions)
        self._show(now)
        self._metrics.evaluation.observe(self._clock.monotonic() - started)
        await self._save(now)
        return transitions

    def announce(self, transitions: Sequence[Transition]) -> None:
        """Log and count transitions and queue what people must hear of them."""
        for transition in transitions:
            log.info("alert.transition", edge=transition.edge.value, **transition_fields(transition))
            self._metrics.transition(transition.alertname, transition.edge.value)
            notification = notification_of(transition, public_url=self._config.public_url)
            if notification is not None:
                self._unsaved.append(notification)
            self._on_transition(transition)
        while len(self._unsaved) > UNSAVED_LIMIT:
            log.error("notification.dropped", id=self._unsaved.pop(0).id)

    async def _save(self, now: float) -> None:
        notifications = tuple(self._unsaved)
        states = self._engine.states()

        def work(connection: sqlite3.Connection) -> None:
            save_states(connection, states, now)
            enqueue(connection, notifications, self._channels, self._clock.wall())

        try:
            await self._ledger.write(work)
        except LedgerError as error:
            log.error("ledger.write_failed", error=str(error), waiting=len(notifications))
            return
        del self._unsaved[: len(notifications)]
        if notifications:
            self._wake()

    def _show(self, now: float) -> None:
        windows_s = self._config.windows_s
        readings = tuple(
            WindowReading(target, self._windows.summary((target.name,), over_s, now))
            for target in self._config.targets
            for over_s in windows_s
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


def transition_fields(transition: Transition) -> dict[str, object]:
    """Return a transition as flat log fields."""
    return {
        "labels": dict(transition.labels),
        "value": transition.value,
        "since": round(transition.started_at, 3),
    }
