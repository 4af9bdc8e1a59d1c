"""Puts what people must hear into the outbox, in one transaction with the states it comes from.

An alert that fired is in the outbox or it has not fired. While the ledger takes no writes the
notifications wait here and are offered again at each evaluation.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting.engine import Identity, Transition
from alerting.notification import Notification
from alerting.outbox import enqueue
from alerting.render import notification_of
from alerting.state import State
from alerting.store import save_states
from monitor.metrics import Metrics

UNSAVED_LIMIT: Final = 1_000
"""Notifications kept while the ledger takes no writes; the oldest go first, logged."""

log = structlog.get_logger("sonde.announcer")


class Announcer:
    """Turns transitions into log lines, counts and outbox rows."""

    def __init__(
        self,
        ledger: Ledger,
        channels: tuple[str, ...],
        wall: Callable[[], float],
        metrics: Metrics,
        on_transition: Callable[[Transition], None],
        public_url: str | None = None,
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._wall = wall
        self._metrics = metrics
        self._on_transition = on_transition
        self._public_url = public_url
        self._unsaved: list[Notification] = []

    def announce(self, transitions: Sequence[Transition]) -> None:
        """Log and count transitions; keep what people must hear until it is saved."""
        for transition in transitions:
            log.info("alert.transition", **transition_fields(transition))
            self._metrics.transition(transition.alertname, transition.edge.value)
            notification = notification_of(transition, public_url=self._public_url)
            if notification is not None:
                self._unsaved.append(notification)
            self._on_transition(transition)
        while len(self._unsaved) > UNSAVED_LIMIT:
            log.error("notification.dropped", id=self._unsaved.pop(0).id)

    async def save(self, states: Mapping[Identity, State], now: float) -> bool:
        """Commit the states as of `now` and every notification; say whether there is any to send.

        A ledger that refuses is told in the log; the next call tries again with what has gathered.
        """
        notifications = tuple(self._unsaved)

        def work(connection: sqlite3.Connection) -> None:
            save_states(connection, states, now)
            enqueue(connection, notifications, self._channels, self._wall())

        try:
            await self._ledger.write(work)
        except LedgerError as error:
            log.error("ledger.write_failed", error=str(error), waiting=len(notifications))
            return False
        del self._unsaved[: len(notifications)]
        return bool(notifications)


def transition_fields(transition: Transition) -> dict[str, object]:
    """Return a transition as flat log fields."""
    return {
        "reason": transition.edge.value,
        "labels": dict(transition.labels),
        "value": transition.value,
        "since": round(transition.started_at, 3),
    }
