"""What status pages said, as the ledger keeps it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from monitor.status_pages.page import PageState
from monitor.status_pages.statements import (
    APART_S,
    KEPT,
    STATEMENTS,
    Saying,
    Statement,
    Words,
    note,
    statements,
    watched_since,
)

HOST = "status.example.com"
WELL = Words(PageState.OPERATIONAL)
DOWN = Words(PageState.OUTAGE, "Chat is down")
LONG_S = 1e9


@pytest.fixture
def ledger() -> Iterator[sqlite3.Connection]:
    """Open an empty table."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(";".join(STATEMENTS.migrations))
        yield connection


def say(connection: sqlite3.Connection, at: float, *words: Words, provider: str = "openai") -> None:
    """Write down what the page said at a time."""
    note(connection, Saying(provider, HOST, at, frozenset(words)), LONG_S)


def kept(connection: sqlite3.Connection) -> list[tuple[str, float, float, float | None]]:
    """Return what is kept: title or state, first, last, end."""
    return [
        (each.title or each.state, each.first_at, each.last_at, each.ended_at)
        for each in statements(connection, "openai", 0.0, 1e9)
    ]


def test_what_stands_is_one_statement(ledger: sqlite3.Connection) -> None:
    """However often it is read; nobody saw it end."""
    for at in (0.0, 300.0, 600.0):
        say(ledger, at, WELL)
    assert kept(ledger) == [("operational", 0.0, 600.0, None)]
    (one,) = statements(ledger, "openai", 600.0, 700.0)
    assert one == Statement(HOST, "operational", "", 0.0, 600.0, None)
    assert one.until == 600.0


def test_what_changes_ends_and_begins(ledger: sqlite3.Connection) -> None:
    """An incident stands beside the state of the page as a whole."""
    say(ledger, 0.0, WELL)
    say(ledger, 300.0, WELL, DOWN)
    say(ledger, 600.0, WELL)
    assert kept(ledger) == [
        ("operational", 0.0, 600.0, None),
        ("Chat is down", 300.0, 300.0, 600.0),
    ]


def test_after_a_gap_nobody_knows_what_stood_between(ledger: sqlite3.Connection) -> None:
    """The same words again are another statement, and the old one has no end."""
    say(ledger, 0.0, WELL)
    say(ledger, APART_S + 1.0, WELL)
    assert kept(ledger) == [
        ("operational", 0.0, 0.0, None),
        ("operational", APART_S + 1.0, APART_S + 1.0, None),
    ]


def test_a_clock_set_back_shortens_nothing(ledger: sqlite3.Connection) -> None:
    """A statement was seen as late as it was seen."""
    say(ledger, 300.0, WELL)
    say(ledger, 200.0, WELL)
    assert kept(ledger) == [("operational", 300.0, 300.0, None)]


def test_providers_are_kept_apart(ledger: sqlite3.Connection) -> None:
    """One's words end no other's."""
    say(ledger, 0.0, WELL)
    say(ledger, 10.0, DOWN, provider="other")
    assert kept(ledger) == [("operational", 0.0, 0.0, None)]


def test_only_what_stood_in_a_range_is_told(ledger: sqlite3.Connection) -> None:
    """At its first or its last moment at the latest."""
    say(ledger, 100.0, WELL)
    say(ledger, 200.0, DOWN)
    assert [each.title for each in statements(ledger, "openai", 0.0, 150.0)] == [""]
    assert [each.title for each in statements(ledger, "openai", 200.0, 300.0)] == ["", DOWN.title]
    assert [each.title for each in statements(ledger, "openai", 201.0, 300.0)] == []


def test_what_is_old_goes(ledger: sqlite3.Connection) -> None:
    """By when it was last seen to stand."""
    say(ledger, 0.0, DOWN)
    say(ledger, 10_000.0, WELL)
    note(ledger, Saying("openai", HOST, 10_300.0, frozenset({WELL})), kept_s=5_000.0)
    assert [each[0] for each in kept(ledger)] == ["operational"]


def test_a_page_that_changes_all_the_time_fills_no_disk(ledger: sqlite3.Connection) -> None:
    """The newest statements are kept."""
    ledger.executemany(
        "INSERT INTO status_statements (provider, page, state, title, first_at, last_at)"
        " VALUES ('other', '', 'outage', ?, 0, 0)",
        [(str(n),) for n in range(KEPT)],
    )
    say(ledger, 1.0, WELL, DOWN)
    (number,) = ledger.execute("SELECT count(*) FROM status_statements").fetchone()
    assert number == KEPT
    assert len(kept(ledger)) == 2


def test_it_says_since_when_pages_were_watched(ledger: sqlite3.Connection) -> None:
    """Before that nothing is known; nothing at all of an empty table."""
    assert watched_since(ledger) is None
    say(ledger, 100.0, WELL)
    say(ledger, 200.0, DOWN)
    assert watched_since(ledger) == 100.0


def test_a_ledger_from_before_the_table_knows_nothing() -> None:
    """And is no error: reports read ledgers that no daemon has brought up yet."""
    with closing(sqlite3.connect(":memory:")) as connection:
        assert watched_since(connection) is None
        assert statements(connection, "openai", 0.0, 1.0) == ()
