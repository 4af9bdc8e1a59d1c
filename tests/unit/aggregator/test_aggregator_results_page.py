"""Attempts of a target page by page, the newest first."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

import aggregator.results
from aggregator.results import RESULTS, Asked, Key, insert_results, page
from probes.result import ProbeResult
from tests.unit.aggregator.samples import result, timeout

ASKED = Asked(target="chat", location="here", since=0.0, until=1_000.0)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty ledger in memory."""
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.executescript("".join(RESULTS.migrations))
        yield opened


def every(
    connection: sqlite3.Connection, asked: Asked, limit: int
) -> tuple[list[tuple[int, ProbeResult]], int]:
    """Return all there is, and on how many pages."""
    found: list[tuple[int, ProbeResult]] = []
    before: Key | None = None
    for number in range(1, 1_000):
        rows, before = page(connection, asked, before, limit)
        assert len(rows) <= limit
        found += rows
        if before is None:
            return found, number
    raise AssertionError("no end")


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 7])
def test_each_once_the_newest_first(connection: sqlite3.Connection, limit: int) -> None:
    """Those of one moment too, and imported ones; the last page says that it is the last."""
    made = [result(slot=n, at=at) for n, at in enumerate((5.0, 5.0, 5.0, 7.0, 6.0))]
    insert_results(connection, [*made, result(slot=9, at=5.0), result(target="other", at=6.0)])
    connection.execute("UPDATE results SET id = -id WHERE slot = 9")
    insert_results(connection, [result(slot=20, at=6.0, location="elsewhere")])
    found, pages = every(connection, ASKED, limit)
    assert [(each.at, each.slot) for _, each in found] == [
        *((7.0, 3), (6.0, 4), (5.0, 2), (5.0, 1), (5.0, 0), (5.0, 9)),
    ]
    assert [number for number, _ in found] == [4, 5, 3, 2, 1, -6]
    assert pages == -(-6 // limit)


def test_both_ends_are_in_it(connection: sqlite3.Connection) -> None:
    """From `since` to `until`, and nothing beyond either, wherever a page is said to begin."""
    insert_results(connection, [result(slot=n, at=float(n)) for n in range(10)])
    asked = Asked(target="chat", location="here", since=3.0, until=6.0)
    found, _ = every(connection, asked, 2)
    assert [each.at for _, each in found] == [6.0, 5.0, 4.0, 3.0]
    assert page(connection, asked, (1e12, 1), 9)[0] == found
    assert page(connection, asked, (2.0, 1), 9) == ([], None)


def test_of_failures_no_more_are_looked_for(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may be empty and say where to go on; all pages together have every failure."""
    monkeypatch.setattr(aggregator.results, "LOOKED_AT", 10)
    failed = {3, 4, 50, 77, 78, 79}
    insert_results(
        connection,
        [
            timeout(1.0, slot=n, at=float(n)) if n in failed else result(slot=n, at=float(n))
            for n in range(100)
        ],
    )
    asked = Asked(target="chat", location="here", since=0.0, until=1_000.0, failed=True)
    found, pages = every(connection, asked, 2)
    assert [each.slot for _, each in found] == sorted(failed, reverse=True)
    assert pages >= 9
    assert page(connection, asked, None, 2)[0] == []


def test_words_of_a_newer_version_are_left_out(connection: sqlite3.Connection) -> None:
    """Their place is taken all the same, so that pages go on behind them."""
    insert_results(connection, [result(slot=n, at=float(n)) for n in range(4)])
    connection.execute("UPDATE results SET verdict = 'later' WHERE slot IN (1, 2)")
    found, pages = every(connection, ASKED, 1)
    assert [each.slot for _, each in found] == [3, 0]
    assert pages == 4
