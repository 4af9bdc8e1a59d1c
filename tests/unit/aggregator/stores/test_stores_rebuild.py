"""A new ledger's cursors back into the past."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.ledger_file import open_writer
from aggregator.results import RESULTS, insert_result
from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.rollup.table import ROLLUPS, points
from aggregator.stores.rebuild import REBUILD, begin, left, take
from probes.result import Fault, Verdict
from tests.unit.aggregator.samples import result

BEGAN_NS = 600 * 10**9


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Open a new ledger's file."""
    path = tmp_path / "ledger.db"
    path.touch()
    made = open_writer(path, (RESULTS, ROLLUPS, REBUILD))
    yield made
    made.close()


def minute(n: int) -> Bucket:
    """Return a bucket of so many results."""
    bucket = Bucket()
    for _ in range(n):
        bucket.add(
            Attempt(True, Verdict.OK, Fault.NONE, False, (1.0, None, None, None), (None,) * 3, 0.5)
        )
    return bucket


def test_a_ledger_begins_once(connection: sqlite3.Connection) -> None:
    """The moment is kept, whatever comes in later."""
    assert begin(connection, BEGAN_NS) == BEGAN_NS
    insert_result(connection, result(at=601.0))
    assert begin(connection, BEGAN_NS + 5) == BEGAN_NS


def test_a_clock_that_was_ahead_does_not_make_its_own_results_anothers(
    connection: sqlite3.Connection,
) -> None:
    """Set back an hour, what this ledger measured would be before its beginning, and come twice."""
    assert begin(connection, 4_000 * 10**9) == 4_000 * 10**9
    insert_result(connection, result(at=4_001.0))
    insert_result(connection, result(at=401.5, slot=1))
    insert_result(connection, result(at=5.0, slot=2))
    connection.execute("UPDATE results SET id = -1 WHERE at = 5.0")  # as an import does
    assert begin(connection, 500 * 10**9) == 401_500_000_000


@pytest.mark.parametrize("gone", [False, True])
def test_a_ledger_with_a_past_has_nothing_to_rebuild(
    connection: sqlite3.Connection, gone: bool
) -> None:
    """Also where its results are older than they are kept."""
    insert_result(connection, result())
    if gone:
        connection.execute("DELETE FROM results")
    assert begin(connection, BEGAN_NS) is None
    assert connection.execute("SELECT * FROM rebuild").fetchall() == []


def test_cursors_go_back_and_add_up(connection: sqlite3.Connection) -> None:
    """Two pages that share a minute are both in it; a target that is done is not asked for."""
    assert left(connection, ["a", "b"], BEGAN_NS) == {"a": BEGAN_NS, "b": BEGAN_NS}
    half_ns = 570 * 10**9
    for until_ns, left_ns in ((BEGAN_NS, half_ns), (half_ns, None)):
        assert take(
            connection,
            target="a",
            location="here",
            minutes={9: minute(2)},
            until_ns=until_ns,
            left_ns=left_ns,
        )
    (point,) = points(connection, "a", 0, 600, 60, "here")
    assert (point.at, point.summary.n) == (540, 4)
    assert left(connection, ["a", "b"], BEGAN_NS) == {"b": BEGAN_NS}


def test_a_page_that_was_taken_already_is_not_taken_again(connection: sqlite3.Connection) -> None:
    """A write whose wait was given up may have been done after all."""
    page = {"target": "a", "location": "here", "minutes": {9: minute(2)}, "until_ns": BEGAN_NS}
    assert take(connection, **page, left_ns=5)  # type: ignore[arg-type]  # fields of all types
    assert not take(connection, **page, left_ns=5)  # type: ignore[arg-type]  # as above
    (point,) = points(connection, "a", 0, 600, 60, "here")
    assert point.summary.n == 2
