"""Silences in the ledger."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.ledger_file import make_file, open_writer
from alerting.match import Match
from alerting.routing.silence import Silence
from alerting.routing.silence_store import (
    KEPT_S,
    MOST,
    SILENCES,
    TooManySilencesError,
    add_silence,
    ends_of_silences,
    expire_silence,
    load_silences,
    merge_silences,
)

NOW = 1_000_000.0
MATCH = Match((("alertname", ("High*", "!HighMean")), ("team", ("",))))
ONE = Silence("one", MATCH, NOW, NOW + 60, "ann", "they told us", until_resolved=True)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Make an empty ledger."""
    path = tmp_path / "sonde.db"
    make_file(path)
    with closing(open_writer(path, (SILENCES,))) as made:
        made.execute("BEGIN")
        yield made


def test_what_was_kept_comes_back(connection: sqlite3.Connection) -> None:
    """Whole, those that end first before the others, and only what ends after the moment."""
    later = replace(ONE, id="a", ends_at=NOW + 120, until_resolved=False)
    for each in (later, ONE):
        add_silence(connection, each, NOW)
    assert load_silences(connection, NOW) == (ONE, later)
    assert load_silences(connection, NOW + 60) == (later,)


def test_one_is_ended_once(connection: sqlite3.Connection) -> None:
    """At the moment it is asked for; another, or one that is over, is not."""
    add_silence(connection, ONE, NOW)
    assert not expire_silence(connection, "two", NOW + 10)
    assert expire_silence(connection, "one", NOW + 10)
    assert not expire_silence(connection, "one", NOW + 20)
    assert load_silences(connection, 0.0) == (replace(ONE, ends_at=NOW + 10),)


def test_one_that_had_not_begun_never_begins(connection: sqlite3.Connection) -> None:
    """It does not end before its begin either."""
    add_silence(connection, replace(ONE, starts_at=NOW + 30), NOW)
    expire_silence(connection, "one", NOW + 10)
    (found,) = load_silences(connection, 0.0)
    assert (found.starts_at, found.ends_at) == (NOW + 10, NOW + 10)


def test_what_is_long_over_is_forgotten_when_one_is_added(connection: sqlite3.Connection) -> None:
    """Nobody else tidies up."""
    add_silence(connection, ONE, NOW)
    later = ONE.ends_at + KEPT_S
    add_silence(connection, replace(ONE, id="b", ends_at=later + 60), later)
    assert len(load_silences(connection, 0.0)) == 2
    add_silence(connection, replace(ONE, id="c", ends_at=later + 60), later + 1)
    assert [each.id for each in load_silences(connection, 0.0)] == ["b", "c"]


def test_there_is_an_end_to_their_number(connection: sqlite3.Connection) -> None:
    """Of those that are not over: each costs time for each alert."""
    for number in range(MOST):
        add_silence(connection, replace(ONE, id=str(number)), NOW)
    with pytest.raises(TooManySilencesError, match="1,000"):
        add_silence(connection, ONE, NOW)
    add_silence(connection, replace(ONE, ends_at=NOW + 120), NOW + 60)


def test_of_two_with_one_id_the_earlier_end_counts(connection: sqlite3.Connection) -> None:
    """Whichever came first; and the earlier begin, for one that was ended before it began."""
    assert merge_silences(connection, (ONE,), NOW) == ()
    assert merge_silences(connection, (replace(ONE, ends_at=NOW + 90),), NOW) == ()
    assert load_silences(connection, 0.0) == (ONE,)
    earlier = replace(ONE, starts_at=NOW - 5, ends_at=NOW - 5)
    merge_silences(connection, (earlier,), NOW)
    assert load_silences(connection, 0.0) == (earlier,)
    assert ends_of_silences(connection, 0.0) == {"one": NOW - 5}
    assert ends_of_silences(connection, NOW) == {}


def test_there_is_room_for_what_is_over(connection: sqlite3.Connection) -> None:
    """What stands is bounded, however it came; what does not fit is said."""
    many = [replace(ONE, id=str(number)) for number in range(MOST)]
    assert merge_silences(connection, many, NOW) == ()
    over = replace(ONE, id="over", ends_at=NOW)
    assert merge_silences(connection, (ONE, over), NOW) == (ONE,)
    assert "over" in ends_of_silences(connection, 0.0)
