"""The ledger's table of what providers' pages said, and when: evidence beside our own results.

A row is one statement of one page, for as long as it stood: how the page as a whole was (an empty
title), or one incident on it. A page that could not be read is a row too, for it is no silence;
times without any row are times in which nobody looked.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from aggregator.ledger_file import Schema
from monitor.status_pages.page import PageState

STATEMENTS: Final = Schema(
    "status_pages",
    (
        """
        CREATE TABLE status_statements (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            provider TEXT NOT NULL,
            page TEXT NOT NULL, -- its host
            state TEXT NOT NULL, -- `unknown`: it could not be read
            title TEXT NOT NULL, -- of an incident; '': the page as a whole
            first_at REAL NOT NULL,
            last_at REAL NOT NULL, -- when it was last seen to stand
            ended_at REAL -- when it was first seen to stand no more; NULL: not seen to end
        ) STRICT;
        CREATE INDEX status_statements_of ON status_statements (provider, last_at);
        CREATE INDEX status_statements_by_time ON status_statements (last_at);
        """,
    ),
)

APART_S: Final = 900.0
"""A statement seen again after longer than this is another: nobody knows what stood between.
Three beats of the polling."""
KEPT: Final = 20_000
"""Statements the ledger keeps, the newest: some megabytes, however often a page changes."""


@dataclass(frozen=True, slots=True)
class Words:
    """One thing a page says."""

    state: PageState
    title: str = ""
    """Of an incident, sanitised; "" for the page as a whole."""


@dataclass(frozen=True, slots=True)
class Saying:
    """All that a provider's page said at one time."""

    provider: str
    page: str
    """The host it was read from."""
    at: float
    """Wall time at which it was read, or could not be, seconds since the epoch."""
    words: frozenset[Words]


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing a page said, and for how long. Wall times, seconds since the epoch."""

    page: str
    state: str
    """As it was written: it may be a word of a newer version."""
    title: str
    first_at: float
    last_at: float
    ended_at: float | None
    """When it stood no more; None: it still did when the page was last read."""

    @property
    def until(self) -> float:
        """Until when it is known to have stood, or stood at most."""
        return self.last_at if self.ended_at is None else self.ended_at


def note(connection: sqlite3.Connection, saying: Saying, kept_s: float) -> None:
    """Write down what a page says: what stands on, what is over and what is new.

    Deletes what was last seen more than `kept_s` seconds before, and the oldest beyond KEPT.
    """
    new = set(saying.words)
    for row, state, title in connection.execute(
        "SELECT id, state, title FROM status_statements"
        " WHERE provider = ? AND page = ? AND ended_at IS NULL AND last_at >= ?",
        (saying.provider, saying.page, saying.at - APART_S),
    ).fetchall():
        stands = {words for words in new if (words.state, words.title) == (state, title)}
        column = "last_at" if stands else "ended_at"
        connection.execute(
            f"UPDATE status_statements SET {column} = max(last_at, ?) WHERE id = ?",  # noqa: S608 - ours
            (saying.at, row),
        )
        new -= stands
    connection.executemany(
        "INSERT INTO status_statements (provider, page, state, title, first_at, last_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        [(saying.provider, saying.page, each.state, each.title, saying.at) for each in new],
    )
    connection.execute("DELETE FROM status_statements WHERE last_at < ?", (saying.at - kept_s,))
    connection.execute(
        "DELETE FROM status_statements WHERE id <= (SELECT max(id) FROM status_statements) - ?",
        (KEPT,),
    )


def watched_since(connection: sqlite3.Connection) -> float | None:
    """Return when the oldest statement that is kept was first seen; None: none is kept.

    None as well for a ledger from before there was a table of them.
    """
    if not _there(connection):
        return None
    row = connection.execute("SELECT min(first_at) FROM status_statements").fetchone()
    return None if row is None else row[0]


def statements(
    connection: sqlite3.Connection, provider: str, since: float, until: float
) -> tuple[Statement, ...]:
    """Return what stood at some time from `since` to `until`, in the order it was first seen."""
    if not _there(connection):
        return ()
    found = connection.execute(
        "SELECT page, state, title, first_at, last_at, ended_at FROM status_statements"
        " WHERE provider = ? AND coalesce(ended_at, last_at) >= ? AND first_at <= ?"
        " ORDER BY first_at, id",
        (provider, since, until),
    )
    return tuple(Statement(*row) for row in found)


def _there(connection: sqlite3.Connection) -> bool:
    asked = "SELECT count(*) FROM sqlite_schema WHERE name = 'status_statements'"
    (number,) = connection.execute(asked).fetchone()
    return bool(number)
