"""Where a Slack bot's first message about an incident stands, so that it can be edited later.

It is kept in memory and in the ledger, and where other replicas find it. A ledger that does not
answer costs no message: after a restart an incident then begins anew in the channel.
"""

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from aggregator.ledger import Ledger, LedgerError, Schema

MOST: Final = 1_000
"""Incidents kept in memory, the newest; the others are read again when they are needed."""
KEPT_S: Final = 30 * 86_400.0
"""Since an incident's last message: one that is told of again later begins anew."""

SLACK_THREADS: Final = Schema(
    "slack_threads",
    (
        """
        CREATE TABLE slack_threads (
            channel TEXT NOT NULL, -- ours, by name
            incident TEXT NOT NULL,
            place TEXT NOT NULL, -- Slack's channel, by id
            ts TEXT NOT NULL,
            told TEXT NOT NULL,
            told_at REAL NOT NULL,
            PRIMARY KEY (channel, incident)
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    saved=("slack_threads",),
)

log = structlog.get_logger("sonde.slack")


@dataclass(frozen=True, slots=True)
class Thread:
    """An incident's first message, and the newest message about it."""

    place: str
    """The id of the channel it is in."""
    ts: str
    """Slack's name for a message in its channel."""
    told: str
    """The id of the newest notification that was posted."""


class Places(Protocol):
    """Where replicas look for each other's threads. No method raises but CancelledError."""

    async def find(self, channel: str, incident: str) -> Thread | None:
        """Return where an incident stands; None: nowhere, or nobody can say."""

    async def keep(self, channel: str, incident: str, thread: Thread) -> None:
        """Tell the others where an incident stands."""


class Threads:
    """The threads of all bots of an instance. Without a ledger they last as long as it does."""

    def __init__(self, ledger: Ledger | None = None, places: Places | None = None) -> None:
        """`places` None: it is alone."""
        self._ledger = ledger
        self._places = places
        self._newest: OrderedDict[tuple[str, str], Thread] = OrderedDict()

    async def find(self, channel: str, incident: str) -> Thread | None:
        """Return where an incident stands; None: nowhere as far as is known."""
        key = (channel, incident)
        if self._places is not None:
            shared = await self._places.find(channel, incident)
            if shared is not None:
                self._remember(key, shared)
        if key not in self._newest and self._ledger is not None:
            try:
                found = await self._ledger.read(lambda c: _row(c, key))
            except LedgerError as error:
                log.warning("slack.thread_not_found", channel=channel, error=str(error))
                return None
            if found is not None:
                self._remember(key, found)
        return self._newest.get(key)

    async def keep(self, channel: str, incident: str, thread: Thread, now: float) -> None:
        """Note where an incident stands at wall time `now`."""
        key = (channel, incident)
        self._remember(key, thread)  # before the wait: whatever becomes of it, it was told
        if self._places is not None:
            await self._places.keep(channel, incident, thread)
        if self._ledger is None:
            return
        try:
            await self._ledger.write(lambda c: _save(c, key, thread, now))
        except LedgerError as error:
            log.warning("slack.thread_not_kept", channel=channel, error=str(error))

    def _remember(self, key: tuple[str, str], thread: Thread) -> None:
        self._newest[key] = thread
        self._newest.move_to_end(key)
        if len(self._newest) > MOST:
            self._newest.popitem(last=False)


def _row(connection: sqlite3.Connection, key: tuple[str, str]) -> Thread | None:
    found = connection.execute(
        "SELECT place, ts, told FROM slack_threads WHERE channel = ? AND incident = ?", key
    ).fetchone()
    return None if found is None else Thread(*found)


def _save(connection: sqlite3.Connection, key: tuple[str, str], thread: Thread, now: float) -> None:
    connection.execute("DELETE FROM slack_threads WHERE told_at < ?", (now - KEPT_S,))
    connection.execute(
        "INSERT OR REPLACE INTO slack_threads VALUES (?, ?, ?, ?, ?, ?)",
        (*key, thread.place, thread.ts, thread.told, now),
    )
