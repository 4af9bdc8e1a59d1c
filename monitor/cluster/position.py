"""How far the news of others were taken in: a place in the stream, in the ledger."""

import sqlite3
from typing import Final

from aggregator.ledger_file import Schema

HEARD: Final = Schema(
    "heard",
    (
        """
        CREATE TABLE heard_upto (
            stream TEXT PRIMARY KEY, -- the key in Redis: another group's begins anew
            entry TEXT NOT NULL -- the newest that was taken in
        ) STRICT, WITHOUT ROWID;
        """,
    ),
)


def upto(connection: sqlite3.Connection, stream: str) -> str | None:
    """Return the newest entry that was taken in; None: none was."""
    query = "SELECT entry FROM heard_upto WHERE stream = ?"
    found: tuple[str] | None = connection.execute(query, (stream,)).fetchone()
    return None if found is None else found[0]


def keep_upto(connection: sqlite3.Connection, stream: str, entry: str) -> None:
    """Note the newest entry that was taken in."""
    connection.execute("INSERT OR REPLACE INTO heard_upto VALUES (?, ?)", (stream, entry))
