"""Puts what people must hear into the outbox, in one transaction with the states it comes from.

An alert that fired is in the outbox or it has not fired. While the ledger takes no writes each
notification is offered to its channels once, directly, and waits here for the outbox: a full disk
delays retries, it does not silence the monitor.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting.deliver import Deliverer
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


@dataclass(slots=True)
class _Unsaved:
    """A notification that is in no outbox yet."""

    notification: Notification
    channels: frozenset[str]
    """Channels that have not taken it."""
    offered: bool = False
    """Whether they were asked directly: once is enough, the outbox knows how to try again."""


class Announcer:
    """Turns transitions into log lines, counts and outbox rows."""

    def __init__(
        self,
        ledger: Ledger,
        deliverer: Deliverer,
        channels: Sequence[str],
        wall: Callable[[], float],
        metrics: Metrics,
        on_transition: Callable[[Transition], None],
        public_url: str | None = None,
    ) -> None:
        self._ledger = ledger
        self._deliverer = deliverer
        self._channels = frozenset(channels)
        self._wall = wall
        self._metrics = metrics
        self._on_transition = on_transition
        self._public_url = public_url
        self._unsaved: list[_Unsaved] = []

    def announce(self, transitions: Sequence[Transition]) -> None:
        """Log and count transitions; keep what people must hear until it is saved."""
        for transition in transitions:
            log.info("alert.transition", **transition_fields(transition))
            self._metrics.transition(transition.alertname, transition.edge.value)
            notification = notification_of(transition, public_url=self._public_url)
            if notification is not None and self._channels:
                self._unsaved.append(_Unsaved(notification, self._channels))
            self._on_transition(transition)
        while len(self._unsaved) > UNSAVED_LIMIT:
            log.error("notification.dropped", id=self._unsaved.pop(0).notification.id)

    async def save(self, states: Mapping[Identity, State], now: float) -> None:
        """Commit the states as of `now` with every notification, and have those sent.

        A ledger that refuses is told in the log; the next call tries again with what has gathered.
        """
        waiting = tuple(self._unsaved)

        def work(connection: sqlite3.Connection) -> None:
            save_states(connection, states, now)
            for each in waiting:
                enqueue(connection, [each.notification], each.channels, self._wall())

        try:
            await self._ledger.write(work)
        except LedgerError as error:
            log.error("ledger.write_failed", error=str(error), waiting=len(waiting))
            await self._offer(waiting)
            return
        del self._unsaved[: len(waiting)]
        if waiting:
            self._deliverer.wake()

    async def _offer(self, waiting: Sequence[_Unsaved]) -> None:
        for each in waiting:
            if not each.offered:
                each.offered = True
                took = await self._deliverer.send_directly(each.notification, each.channels)
                each.channels -= took
        self._unsaved = [each for each in self._unsaved if each.channels]


def transition_fields(transition: Transition) -> dict[str, object]:
    """Return a transition as flat log fields."""
    return {
        "reason": transition.edge.value,
        "labels": dict(transition.labels),
        "value": transition.value,
        "since": round(transition.started_at, 3),
    }
