"""Puts what people must hear into the outbox, in one transaction with the states it comes from.

An alert that fired is in the outbox or it has not fired, unless other news explains it: what is
held back is stored with the states. While the ledger takes no writes the deliverer is handed each
notification in memory: a full disk does not silence the monitor.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting.deliver import Deliverer
from alerting.engine import Identity, Transition
from alerting.inhibition import Held
from alerting.notification import Notification
from alerting.outbox import enqueue, last_seq
from alerting.render import notification_of
from alerting.state import Edge, State
from alerting.store import save_evaluation, save_held, save_states
from monitor.clock import Clock
from monitor.inhibitor import Inhibitor
from monitor.metrics import Metrics

log = structlog.get_logger("sonde.announcer")


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes into a message beside the transition it tells of."""

    public_url: str | None = None
    notes_for: Callable[[Transition], Sequence[str]] = lambda _transition: ()
    """Says what else is known of an alert that fires, a line each."""


class Announcer:
    """Turns transitions into log lines, counts and outbox rows."""

    def __init__(
        self,
        ledger: Ledger,
        deliverer: Deliverer,
        channels: Sequence[str],
        clock: Clock,
        metrics: Metrics,
        on_transition: Callable[[Transition], None],
        inhibitor: Inhibitor,
        beside: Beside,
    ) -> None:
        self._ledger = ledger
        self._deliverer = deliverer
        self._channels = tuple(channels)
        self._clock = clock
        self._metrics = metrics
        self._on_transition = on_transition
        self._inhibitor = inhibitor
        self._beside = beside
        self._gathered: dict[Transition, Notification] = {}
        self._saved: tuple[Mapping[Identity, State], Mapping[Identity, Held]] | None = None
        """The states in the ledger and what is held back; None while we do not know them."""

    def announce(self, transitions: Sequence[Transition]) -> None:
        """Log and count transitions; gather what people must hear for the next `save`."""
        for transition in transitions:
            log.info("alert.transition", **transition_fields(transition))
            self._metrics.transition(transition.alertname, transition.edge.value)
            notification = self._notification(transition)
            if notification is not None:
                self._gathered.setdefault(transition, notification)
            self._on_transition(transition)

    def _notification(self, transition: Transition) -> Notification | None:
        beside = self._beside
        notes = beside.notes_for(transition) if transition.edge is Edge.FIRED else ()
        made = notification_of(transition, public_url=beside.public_url, notes=notes)
        return None if made is None else _on_the_wall(made, self._clock)

    def _let_through(
        self, states: Mapping[Identity, State], now: float
    ) -> tuple[Notification, ...]:
        """Return what people are told, of what was gathered and of what was held back before."""
        gathered, self._gathered = self._gathered, {}
        told = self._inhibitor.passing(gathered, states, now)
        notifications = (gathered.get(each) or self._notification(each) for each in told)
        return tuple(each for each in notifications if each is not None)

    async def save(self, states: Mapping[Identity, State], now: float) -> None:
        """Commit the states as of `now` with every notification due, and have those sent.

        When the ledger refuses, or does not answer in time, that is logged and the deliverer sends
        from memory. The states are not tried again: the next evaluation saves its own. Cancelled,
        it does the same, for whether the disk still takes them is unknown.
        """
        gathered = self._let_through(states, now)
        saving = (states, self._inhibitor.held)
        unchanged, self._saved = saving == self._saved, None

        def work(connection: sqlite3.Connection) -> int:
            if unchanged:
                save_evaluation(connection, now)
            else:
                save_states(connection, states, now)
                save_held(connection, saving[1])
            enqueue(connection, gathered, self._channels, now)
            return last_seq(connection)

        try:
            newest = await self._ledger.write(work)
        except LedgerError as error:
            log.error("ledger.write_failed", error=str(error), notifications=len(gathered))
            self._offer(gathered)
        except asyncio.CancelledError:
            self._offer(gathered)
            raise
        else:
            self._saved = saving
            if gathered:
                self._deliverer.wake(newest)

    def _offer(self, gathered: Sequence[Notification]) -> None:
        for notification in gathered:
            self._deliverer.offer(notification)


def _on_the_wall(notification: Notification, clock: Clock) -> Notification:
    """Return a notification with the times people's clocks show; its id stays as it is.

    Transitions are timed on the steady clock. Whole seconds only, so that both messages of an
    alert name the same beginning unless the clock was stepped between them.
    """
    step_s = round(clock.wall() - clock.steady())
    ends_at = notification.ends_at
    return replace(
        notification,
        starts_at=notification.starts_at + step_s,
        fired_at=notification.fired_at + step_s,
        ends_at=None if ends_at is None else ends_at + step_s,
    )


def transition_fields(transition: Transition) -> dict[str, object]:
    """Return a transition as flat log fields."""
    return {
        "reason": transition.edge.value,
        "labels": dict(transition.labels),
        "value": transition.value,
        "since": round(transition.started_at, 3),
    }
