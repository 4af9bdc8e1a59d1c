"""Puts what people must hear into the outbox, in one transaction with the states it comes from.

An alert that fired is in a group or held back, and the group's message is in the outbox with the
note that it was told: all of it is stored with the states. While the ledger takes no writes the
deliverer is handed each message in memory: a full disk does not silence the monitor.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting.deliver import Deliverer, Outcome
from alerting.engine import Identity, Transition
from alerting.inhibition import Held
from alerting.outbox import enqueue, last_seq, supersede
from alerting.routing.router import Decision
from alerting.routing.store import log_decisions, save_groups
from alerting.state import State
from alerting.store import save_evaluation, save_held, save_states
from monitor.metrics import Metrics
from monitor.routing import Notifications, Routing

MOST_UNLOGGED: Final = 10_000
"""Decisions kept for a ledger that takes none: two megabytes; the oldest go, and are in the log."""

log = structlog.get_logger("sonde.announcer")


class Announcer:
    """Turns transitions into log lines, counts and outbox rows."""

    def __init__(
        self,
        ledger: Ledger,
        deliverer: Deliverer,
        metrics: Metrics,
        on_transition: Callable[[Transition], None],
        routing: Routing,
    ) -> None:
        self._ledger = ledger
        self._deliverer = deliverer
        self._metrics = metrics
        self._on_transition = on_transition
        self._routing = routing
        self._gathered: list[Transition] = []
        self._saved: tuple[Mapping[Identity, State], Mapping[Identity, Held]] | None = None
        """The states in the ledger and what is held back; None while we do not know them."""
        self._groups_saved = False
        self._unlogged: deque[tuple[float, Decision]] = deque(maxlen=MOST_UNLOGGED)
        """What was decided when, that the ledger has not taken yet. Taken and unanswered, it may be
        there twice: better than a story with a gap."""

    def take_over(self, before: "Announcer") -> None:
        """Go on where another one stopped, between two evaluations."""
        self._gathered.extend(before._gathered)
        self._unlogged.extend(before._unlogged)

    def announce(self, transitions: Sequence[Transition]) -> None:
        """Log and count transitions; gather them for what `deciding` makes of them."""
        for transition in transitions:
            log.info("alert.transition", **transition_fields(transition))
            self._metrics.transition(transition.alertname, transition.edge.value)
            self._gathered.append(transition)
            self._on_transition(transition)

    def deciding(self, states: Mapping[Identity, State], now: float) -> Iterator[None]:
        """Decide step by step what people are told of what was gathered, for the next `save`."""
        gathered, self._gathered = self._gathered, []
        yield from self._routing.deciding(gathered, states, now)

    async def save(self, states: Mapping[Identity, State], now: float) -> None:
        """Commit the states as of `now` with every message due, and have those sent.

        When the ledger refuses, or does not answer in time, that is logged and the deliverer sends
        from memory. The states are not tried again: the next evaluation saves its own. Cancelled,
        it does the same, for whether the disk still takes them is unknown.
        """
        notifications, decided = self._routing.taken()
        self._unlogged.extend((now, each) for each in decided)
        decisions = tuple(self._unlogged)
        router = self._routing.router
        saving = (states, self._routing.inhibitor.held)
        unchanged, self._saved = saving == self._saved, None
        groups = router.snapshot() if router.changed or not self._groups_saved else None
        self._groups_saved = False

        def work(connection: sqlite3.Connection) -> tuple[int, list[str]]:
            if unchanged:
                save_evaluation(connection, now)
            else:
                save_states(connection, states, now)
                save_held(connection, saving[1])
            if groups is not None:
                save_groups(connection, groups)
            for at, decision in decisions:
                log_decisions(connection, (decision,), at)
            superseded: list[str] = []
            for channel, offered in notifications:
                notification, older = supersede(connection, channel, offered, now)
                superseded += [channel] * older
                enqueue(connection, (notification,), (channel,), now)
            return last_seq(connection), superseded

        try:
            newest, superseded = await self._ledger.write(work)
        except LedgerError as error:
            log.error("ledger.write_failed", error=str(error), notifications=len(notifications))
            self._offer(notifications)
        except asyncio.CancelledError:
            self._offer(notifications)
            raise
        else:
            self._saved, self._groups_saved = saving, True
            self._unlogged.clear()
            for channel in superseded:
                self._metrics.notified(channel, Outcome.SUPERSEDED.value)
            if notifications:
                self._deliverer.wake(newest)

    def _offer(self, notifications: Notifications) -> None:
        for channel, notification in notifications:
            self._deliverer.offer(channel, notification)


def transition_fields(transition: Transition) -> dict[str, object]:
    """Return a transition as flat log fields."""
    return {
        "reason": transition.edge.value,
        "labels": dict(transition.labels),
        "value": transition.value,
        "since": round(transition.started_at, 3),
    }
