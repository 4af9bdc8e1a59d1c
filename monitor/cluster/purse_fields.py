"""What a replica knows of everybody's draws, in its ledger: it outlives Redis, and the process."""

import sqlite3
from collections.abc import Mapping
from typing import Final

from aggregator.ledger import Schema

PURSE: Final = Schema(
    "purse",
    (
        """
        CREATE TABLE purse_fields (
            field TEXT PRIMARY KEY, -- as in Redis; 'own|...' are sessions of this ledger
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    saved=("purse_fields",),
)


def read_fields(connection: sqlite3.Connection) -> dict[str, str]:
    """Return every field, by name."""
    return dict(connection.execute("SELECT field, value FROM purse_fields"))


ALONE: Final = ".alone"
"""Ends the name of the session that stands for what a replica drew before it had others."""


def drawn_together(connection: sqlite3.Connection, subject: str, day: str) -> int:
    """Return what was drawn through Redis, as far as this ledger heard: for one that is alone."""
    drawn_nusd, fields = 0, read_fields(connection)
    mine = {name[4:].rpartition(".")[0] + ALONE for name in fields if name.startswith("own|")}
    for field, value in fields.items():
        kind, _, rest = field.partition("|")
        if kind in {"d", "g"}:
            session, on, of = rest.split("|", 2)
            if (on, of) == (day, subject) and session not in mine:
                drawn_nusd += int(value) if kind == "d" else -int(value)
    return drawn_nusd


def write_fields(
    connection: sqlite3.Connection, *, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Write what changed since the last time."""
    connection.executemany(
        "DELETE FROM purse_fields WHERE field = ?", [(name,) for name in before.keys() - after]
    )
    connection.executemany(
        "INSERT OR REPLACE INTO purse_fields VALUES (?, ?)",
        [pair for pair in after.items() if before.get(pair[0]) != pair[1]],
    )
