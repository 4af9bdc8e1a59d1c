"""The audit log's table."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from monitor.api.audit import KEPT_S, MOST, WRITES, read_lines, record
from monitor.api.models.instance import Write

NOW = 1_790_000_000.0


def line(at: float = NOW, subject: str = "s") -> Write:
    return Write(at=at, who="token 10.0.0.1", action="silence.create", subject=subject, detail="d")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        for script in WRITES.migrations:
            made.executescript(script)
        yield made


def test_lines_come_back_the_newest_first(connection: sqlite3.Connection) -> None:
    """As they were written, page by page by their numbers."""
    for subject in "abc":
        record(connection, line(subject=subject))
    found = read_lines(connection, 2**63 - 1, 2)
    assert [(number, each.subject) for number, each in found] == [(3, "c"), (2, "b")]
    assert read_lines(connection, 2, 2) == [(1, line(subject="a"))]


def test_a_year_is_kept(connection: sqlite3.Connection) -> None:
    """What is older goes when the next line comes."""
    record(connection, line(NOW - KEPT_S - 1.0, "old"))
    record(connection, line(NOW - KEPT_S, "kept"))
    record(connection, line(NOW, "new"))
    assert [each.subject for _, each in read_lines(connection, 9, 9)] == ["new", "kept"]


def test_no_more_than_so_many(connection: sqlite3.Connection) -> None:
    """Somebody who writes without end does not fill the disk, and the newest stay."""
    connection.execute(
        "INSERT INTO api_writes SELECT value, ?, 'w', 'a', 's', 'd' FROM"
        " (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?)"
        " SELECT value FROM n)",
        (NOW, MOST),
    )
    record(connection, line(subject="one more"))
    (count, oldest) = connection.execute("SELECT count(*), min(id) FROM api_writes").fetchone()
    assert (count, oldest) == (MOST, 2)


def test_it_is_saved_from_damage() -> None:
    """Who did what is worth keeping when the ledger is begun anew."""
    assert WRITES.saved == ("api_writes",)
