"""The ledger's tables of drift: the values that answers are known to have, and the events."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from aggregator.ledger_file import Schema
from probes.drift import KNOWN_LIMIT, DriftKind, Sighting

DRIFT: Final = Schema(
    "drift",
    (
        """
        CREATE TABLE drift_values (
            id INTEGER PRIMARY KEY AUTOINCREMENT, -- the order they came in
            target TEXT NOT NULL,
            model TEXT NOT NULL,
            kind TEXT NOT NULL,
            value TEXT NOT NULL,
            seen_at REAL NOT NULL -- the first time
        ) STRICT;
        CREATE UNIQUE INDEX drift_values_once ON drift_values (target, kind, value);

        CREATE TABLE drift_events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            target TEXT NOT NULL,
            kind TEXT NOT NULL,
            before TEXT NOT NULL,
            after TEXT NOT NULL,
            at REAL NOT NULL
        ) STRICT;
        """,
    ),
    saved=("drift_values", "drift_events"),
)

EVENTS_KEPT: Final = 10_000
"""Events the ledger keeps, the newest: some megabytes at worst."""


def save_sightings(connection: sqlite3.Connection, sightings: Iterable[Sighting]) -> None:
    """Keep new values, and events where something else was there before."""
    for each in sightings:
        connection.execute(
            "DELETE FROM drift_values WHERE target = ? AND kind = ? AND model != ?",
            (each.target, each.kind.value, each.model),
        )
        connection.execute(
            "INSERT OR REPLACE INTO drift_values (target, model, kind, value, seen_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (each.target, each.model, each.kind.value, each.after, each.at),
        )
        connection.execute(
            "DELETE FROM drift_values WHERE target = ?1 AND kind = ?2 AND id NOT IN (SELECT id"
            " FROM drift_values WHERE target = ?1 AND kind = ?2 ORDER BY id DESC LIMIT ?3)",
            (each.target, each.kind.value, KNOWN_LIMIT),
        )
        if each.before is not None:
            connection.execute(
                "INSERT INTO drift_events (target, kind, before, after, at) VALUES (?, ?, ?, ?, ?)",
                (each.target, each.kind.value, each.before, each.after, each.at),
            )
    connection.execute(
        "DELETE FROM drift_events WHERE id <= (SELECT max(id) FROM drift_events) - ?",
        (EVENTS_KEPT,),
    )


def known_values(connection: sqlite3.Connection) -> list[Sighting]:
    """Return the values that are known of each series, the oldest first.

    When they were last seen is not kept: two that alternate would be written down all the time.
    """
    rows = connection.execute(
        "SELECT target, model, kind, value, seen_at FROM drift_values ORDER BY id"
    )
    return [
        Sighting(target, model, DriftKind(kind), None, value, at)
        for target, model, kind, value, at in rows
    ]


def events_since(connection: sqlite3.Connection, since: float) -> list[Sighting]:
    """Return the events since a wall time, the oldest first."""
    rows = connection.execute(
        "SELECT target, kind, before, after, at FROM drift_events WHERE at >= ? ORDER BY id",
        (since,),
    )
    return [
        Sighting(target, "", DriftKind(kind), before, after, at)
        for target, kind, before, after, at in rows
    ]
