"""Where alerts outlive the process: this package's tables, and the states in them."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Final

from aggregator.ledger import Schema
from alerting.engine import Identity
from alerting.inhibition import Held, Reason
from alerting.routing.store import GROUPS
from alerting.state import Firing, Inactive, Pending, State

ALERTING: Final = Schema(
    "alerting",
    (
        """
        CREATE TABLE alert_states (
            rule TEXT NOT NULL,
            labels TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('pending', 'firing')),
            since REAL NOT NULL,
            fired_at REAL,
            clear_since REAL,
            CHECK ((state = 'firing') = (fired_at IS NOT NULL)),
            PRIMARY KEY (rule, labels)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE evaluation (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            evaluated_at REAL NOT NULL
        ) STRICT;

        CREATE TABLE outbox (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL,
            channel TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            payload TEXT NOT NULL,
            created_at REAL NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            next_at REAL NOT NULL DEFAULT 0,
            status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sent', 'dead')),
            last_error TEXT NOT NULL DEFAULT '',
            sent_at REAL,
            UNIQUE (id, channel)
        ) STRICT;

        CREATE INDEX outbox_queued ON outbox (channel, fingerprint, seq) WHERE status = 'queued';
        CREATE INDEX outbox_settled ON outbox (created_at) WHERE status != 'queued';
        """,
        """
        CREATE TABLE held_alerts (
            rule TEXT NOT NULL,
            labels TEXT NOT NULL,
            reason TEXT NOT NULL,
            until REAL,
            PRIMARY KEY (rule, labels)
        ) STRICT, WITHOUT ROWID;
        """,
        GROUPS,
    ),
    saved=(
        "alert_states",
        "evaluation",
        "held_alerts",
        "outbox",
        "alert_groups",
        "alert_group_members",
        "alert_log",
    ),
)


def save_states(
    connection: sqlite3.Connection, states: Mapping[Identity, State], evaluated_at: float
) -> int:
    """Make the stored states these, as of `evaluated_at`; return how many rows changed.

    `states` is everything worth keeping: an alert that is not in it, or inactive, is forgotten.
    Rows that are as they should be are not touched.
    """
    stored = {row[:2]: row for row in connection.execute(_SELECT)}
    wanted = {row[:2]: row for identity, state in states.items() if (row := _row(identity, state))}
    gone = [key for key in stored if key not in wanted]
    new = [row for key, row in wanted.items() if stored.get(key) != row]
    connection.executemany("DELETE FROM alert_states WHERE rule = ? AND labels = ?", gone)
    connection.executemany("INSERT OR REPLACE INTO alert_states VALUES (?, ?, ?, ?, ?, ?)", new)
    save_evaluation(connection, evaluated_at)
    return len(gone) + len(new)


def save_evaluation(connection: sqlite3.Connection, evaluated_at: float) -> None:
    """Note when the stored states, which did not change, were evaluated again."""
    connection.execute("INSERT OR REPLACE INTO evaluation VALUES (1, ?)", (evaluated_at,))


def load_states(connection: sqlite3.Connection) -> tuple[dict[Identity, State], float | None]:
    """Return the stored states and when they were evaluated; (nothing, None) if never."""
    states = dict(_alert(row) for row in connection.execute(_SELECT))
    evaluated: tuple[float] | None = connection.execute(
        "SELECT evaluated_at FROM evaluation"
    ).fetchone()
    return states, evaluated[0] if evaluated is not None else None


def save_held(connection: sqlite3.Connection, held: Mapping[Identity, Held]) -> None:
    """Make these the alerts that fire and that nobody was told of."""
    rows = [(each.rule, _text(each.labels), why.reason, why.until) for each, why in held.items()]
    connection.execute("DELETE FROM held_alerts")
    connection.executemany("INSERT INTO held_alerts VALUES (?, ?, ?, ?)", rows)


def load_held(connection: sqlite3.Connection) -> dict[Identity, Held]:
    """Return the alerts that fire and that nobody was told of."""
    rows = connection.execute("SELECT rule, labels, reason, until FROM held_alerts")
    return {
        _identity(rule, labels): Held(Reason(reason), until) for rule, labels, reason, until in rows
    }


_SELECT: Final = "SELECT rule, labels, state, since, fired_at, clear_since FROM alert_states"

_Row = tuple[str, str, str, float, float | None, float | None]


def _row(identity: Identity, state: State) -> _Row | None:
    labels = _text(identity.labels)
    match state:
        case Inactive():
            return None
        case Pending(since=since):
            return (identity.rule, labels, "pending", since, None, None)
        case Firing(since=since, fired_at=fired_at, clear_since=clear_since):
            return (identity.rule, labels, "firing", since, fired_at, clear_since)


def _alert(row: _Row) -> tuple[Identity, State]:
    rule, labels, _, since, fired_at, clear_since = row
    identity = _identity(rule, labels)
    if fired_at is None:
        return identity, Pending(since)
    return identity, Firing(since, fired_at, clear_since)


def _text(labels: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(labels, separators=(",", ":"))


def _identity(rule: str, labels: str) -> Identity:
    return Identity(rule, tuple((name, value) for name, value in json.loads(labels)))
