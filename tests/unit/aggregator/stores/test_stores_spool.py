"""The cursor over the ledger, and the balance of what became of every point."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from aggregator.results import insert_result, prune
from aggregator.stores.spool import (
    QUARANTINE_KEPT,
    Balance,
    Batch,
    Poison,
    Stream,
    begin,
    bound_windows,
    keep_windows,
    pending_results,
    pending_windows,
    settle,
)
from tests.unit.aggregator.samples import result
from tests.unit.aggregator.stores.spools import (
    ELSEWHERE,
    HERE,
    fill,
    in_memory,
    of_results,
    of_windows,
)


@pytest.fixture
def bare() -> Iterator[sqlite3.Connection]:
    """Make a ledger without a store beside it."""
    with closing(in_memory()) as connection:
        yield connection


@pytest.fixture
def ledger(bare: sqlite3.Connection) -> sqlite3.Connection:
    """Make a ledger with a cursor for HERE."""
    begin(bare, HERE)
    return bare


def acknowledge(connection: sqlite3.Connection, number: int) -> Batch:
    """Settle so many results as stored."""
    batch = pending_results(connection, None, number)
    settle(connection, batch, [], 0, 0.0)
    return batch


def slots(batch: Batch) -> list[int]:
    """Return the seconds at which a batch's results were sent."""
    return [int(line.rpartition(b" ")[2]) // 10**9 for line in batch.lines]


def test_every_committed_result_waits_until_it_is_acknowledged(ledger: sqlite3.Connection) -> None:
    """In commit order, from the cursor on; what is acknowledged does not come again."""
    fill(ledger, range(1, 6))
    assert of_results(ledger) == Balance(produced=5, pending=5, oldest_at=1.0)
    assert slots(acknowledge(ledger, 2)) == [1, 2]
    assert slots(pending_results(ledger, None, 10)) == [3, 4, 5]
    assert of_results(ledger) == Balance(produced=5, stored=2, pending=3, oldest_at=3.0)


def test_a_batch_says_whether_there_is_more(ledger: sqlite3.Connection) -> None:
    """Full is one that has as many as were asked for; ranges of it join without a gap."""
    fill(ledger, range(1, 6))
    first = pending_results(ledger, None, 3)
    second = pending_results(ledger, first.upto, 3)
    assert (slots(first), first.full) == ([1, 2, 3], True)
    assert (slots(second), second.full) == ([4, 5], False)
    assert pending_results(ledger, second.upto, 3) == Batch(Stream.RESULTS, second.upto, [])


def test_a_result_heard_twice_is_produced_once(ledger: sqlite3.Connection) -> None:
    """What changes no row changes no count."""
    assert insert_result(ledger, result())
    assert not insert_result(ledger, result())
    assert of_results(ledger).produced == 1


def test_what_is_deleted_before_it_was_stored_is_dropped(ledger: sqlite3.Connection) -> None:
    """By age or by size, whoever deletes it; what was stored may go without a word."""
    fill(ledger, range(1, 11))
    acknowledge(ledger, 4)
    prune(ledger, before=7.0)
    assert of_results(ledger) == Balance(produced=10, stored=4, dropped=2, pending=4, oldest_at=7.0)
    assert slots(pending_results(ledger, None, 10)) == [7, 8, 9, 10]


def test_what_is_deleted_while_it_is_written_counts_once(ledger: sqlite3.Connection) -> None:
    """A row that went between reading and acknowledging was dropped and stays that."""
    fill(ledger, range(1, 6))
    batch = pending_results(ledger, None, 4)
    prune(ledger, before=3.0)
    settle(ledger, batch, [Poison(batch.lines[0], "bad")], 2, 0.0)
    found = of_results(ledger)
    assert found == Balance(produced=5, dropped=2 + 1, quarantined=1, pending=1, oldest_at=5.0)


def test_refused_lines_are_kept_with_their_reason(ledger: sqlite3.Connection) -> None:
    """One of three is refused: two are stored, one is quarantined and can be looked at."""
    fill(ledger, range(1, 4))
    batch = pending_results(ledger, None, 10)
    settle(ledger, batch, [Poison(batch.lines[1], "type conflict")], 0, 99.0)
    assert of_results(ledger) == Balance(produced=3, stored=2, quarantined=1)
    kept = ledger.execute("SELECT stream, at, line, reason FROM quarantine").fetchall()
    assert kept == [("results", 99.0, batch.lines[1].decode(), "type conflict")]


def test_the_quarantine_is_bounded_and_its_count_is_not(ledger: sqlite3.Connection) -> None:
    """The newest lines stay; the count is of all there ever were."""
    number = QUARANTINE_KEPT + 10
    fill(ledger, range(number))
    batch = pending_results(ledger, None, number)
    settle(ledger, batch, [Poison(line, "bad") for line in batch.lines], 0, 0.0)
    assert of_results(ledger).quarantined == number
    kept = ledger.execute("SELECT line FROM quarantine ORDER BY id").fetchall()
    assert len(kept) == QUARANTINE_KEPT
    assert kept[-1][0].encode() == batch.lines[-1]


def test_a_first_configuration_ships_what_the_ledger_holds(bare: sqlite3.Connection) -> None:
    """Results from before there was an InfluxDB go there too."""
    fill(bare, range(1, 4))
    assert begin(bare, HERE)
    assert of_results(bare) == Balance(produced=3, pending=3, oldest_at=1.0)


def test_the_same_destination_goes_on_where_it_was(ledger: sqlite3.Connection) -> None:
    """Counts and cursor survive a restart."""
    fill(ledger, range(1, 4))
    acknowledge(ledger, 2)
    assert not begin(ledger, HERE)
    assert of_results(ledger) == Balance(produced=3, stored=2, pending=1, oldest_at=3.0)


def test_another_destination_begins_with_the_oldest(ledger: sqlite3.Connection) -> None:
    """A cursor belongs to its bucket: another one has nothing yet, and gets all there is."""
    fill(ledger, range(1, 4))
    keep_windows(ledger, ["w 1"], 60.0)
    acknowledge(ledger, 2)
    assert begin(ledger, ELSEWHERE)
    assert of_results(ledger) == Balance(produced=3, pending=3, oldest_at=1.0)
    assert of_windows(ledger) == Balance(produced=1, pending=1, oldest_at=60.0)


def test_without_a_store_nothing_is_counted(bare: sqlite3.Connection) -> None:
    """A ledger alone has all-zero balances, and its results can go."""
    fill(bare, range(1, 4))
    prune(bare, before=9.0)
    assert of_results(bare) == of_windows(bare) == Balance()


def test_points_of_windows_wait_and_go(ledger: sqlite3.Connection) -> None:
    """Row by row, each as it was put in; a settled row leaves the ledger."""
    keep_windows(ledger, ["a 1", "b 1"], 60.0)
    keep_windows(ledger, ["ä 2"], 120.0)
    assert of_windows(ledger) == Balance(produced=3, pending=3, oldest_at=60.0)
    batch = pending_windows(ledger)
    assert (batch.lines, batch.full) == ([b"a 1", b"b 1"], True)
    settle(ledger, batch, [Poison(b"b 1", "bad")], 0, 0.0)
    assert of_windows(ledger) == Balance(
        produced=3, stored=1, quarantined=1, pending=1, oldest_at=120.0
    )
    second = pending_windows(ledger)
    assert second.lines == ["ä 2".encode()]
    settle(ledger, second, [], 1, 0.0)
    assert of_windows(ledger) == Balance(produced=3, stored=1, dropped=1, quarantined=1)
    assert pending_windows(ledger).lines == ()
    assert ledger.execute("SELECT count(*) FROM window_points").fetchone() == (0,)


def test_points_of_windows_are_bounded(ledger: sqlite3.Connection) -> None:
    """The oldest give way, as dropped; within the bound nothing does."""
    for minute in range(10):
        keep_windows(ledger, [f"w{n} value={n}" for n in range(5)], 60.0 * minute)
    (size,) = ledger.execute("SELECT sum(length(lines)) FROM window_points").fetchone()
    bound_windows(ledger, size)
    assert of_windows(ledger).dropped == 0
    bound_windows(ledger, size // 2)
    found = of_windows(ledger)
    assert (found.produced, found.dropped, found.oldest_at) == (50, 25, 300.0)
    bound_windows(ledger, 0)
    assert of_windows(ledger) == Balance(produced=50, dropped=50)
