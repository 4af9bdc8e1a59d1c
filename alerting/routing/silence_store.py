"""Silences in the ledger: whoever has it may write them, a daemon reads them at each evaluation."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final

from aggregator.ledger_file import Schema
from alerting.match import Match
from alerting.routing.silence import Silence

SILENCES: Final = Schema(
    "silences",
    (
        """
        CREATE TABLE silences (
            id TEXT PRIMARY KEY,
            matchers TEXT NOT NULL,
            starts_at REAL NOT NULL,
            ends_at REAL NOT NULL,
            author TEXT NOT NULL,
            comment TEXT NOT NULL,
            until_resolved INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX silences_by_end ON silences (ends_at);
        """,
    ),
    saved=("silences",),
)

MOST: Final = 1_000
"""Silences that are not over: each is held against each alert there is something to say of."""
KEPT_S: Final = 90 * 86_400.0
"""How long one that is over can be looked up."""


class TooManySilencesError(Exception):
    """There are MOST silences that are not over."""


def add_silence(connection: sqlite3.Connection, silence: Silence, now: float) -> None:
    """Keep a silence that was checked; forget what is long over.

    Raises TooManySilencesError, and sqlite3.IntegrityError for an id that is there already.
    """
    connection.execute("DELETE FROM silences WHERE ends_at < ?", (now - KEPT_S,))
    (standing,) = connection.execute(
        "SELECT count(*) FROM silences WHERE ends_at > ?", (now,)
    ).fetchone()
    if standing >= MOST:
        raise TooManySilencesError(f"there are {MOST:,} silences already: expire some first")
    _insert(connection, silence)


def _insert(connection: sqlite3.Connection, silence: Silence) -> None:
    connection.execute(
        "INSERT INTO silences VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            silence.id,
            json.dumps(silence.match.fields, separators=(",", ":")),
            silence.starts_at,
            silence.ends_at,
            silence.author,
            silence.comment,
            silence.until_resolved,
        ),
    )


def expire_silence(connection: sqlite3.Connection, identity: str, now: float) -> bool:
    """End a silence at `now`; False: there is none of this id that is not over.

    One that had not begun never begins.
    """
    return bool(
        connection.execute(
            "UPDATE silences SET ends_at = ?1, starts_at = min(starts_at, ?1)"
            " WHERE id = ?2 AND ends_at > ?1",
            (now, identity),
        ).rowcount
    )


def ends_of_silences(connection: sqlite3.Connection, since: float) -> dict[str, float]:
    """Return by id when the silences end that end after `since`: whoever changes one, changes it.

    A thousand take a millisecond.
    """
    return dict(connection.execute("SELECT id, ends_at FROM silences WHERE ends_at > ?", (since,)))


def merge_silences(
    connection: sqlite3.Connection, silences: Iterable[Silence], now: float
) -> tuple[Silence, ...]:
    """Keep silences that were made elsewhere; of two with one id the earlier end counts.

    Returns those for which there is no room.
    """
    left: list[Silence] = []
    (standing,) = connection.execute(
        "SELECT count(*) FROM silences WHERE ends_at > ?", (now,)
    ).fetchone()
    for silence in silences:
        known = connection.execute("SELECT 1 FROM silences WHERE id = ?", (silence.id,)).fetchone()
        if known is not None:
            connection.execute(
                "UPDATE silences SET ends_at = ?1, starts_at = min(starts_at, ?2)"
                " WHERE id = ?3 AND ends_at > ?1",
                (silence.ends_at, silence.starts_at, silence.id),
            )
        elif standing >= MOST and silence.ends_at > now:
            left.append(silence)
        else:
            standing += silence.ends_at > now
            _insert(connection, silence)
    return tuple(left)


def load_silences(connection: sqlite3.Connection, since: float) -> tuple[Silence, ...]:
    """Return the silences that end after `since`, those that end first before the others."""
    rows = connection.execute(
        "SELECT id, matchers, starts_at, ends_at, author, comment, until_resolved FROM silences"
        " WHERE ends_at > ? ORDER BY ends_at, id",
        (since,),
    )
    return tuple(
        Silence(identity, _match(matchers), starts_at, ends_at, author, comment, bool(acknowledges))
        for identity, matchers, starts_at, ends_at, author, comment, acknowledges in rows
    )


def _match(text: str) -> Match:
    return Match(tuple((name, tuple(patterns)) for name, patterns in json.loads(text)))
