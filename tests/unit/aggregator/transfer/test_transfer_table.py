"""The ledger's side of files: batches in, pages out."""

import sqlite3
from collections.abc import Iterator
from functools import partial

import pytest

from aggregator.results import RESULTS, insert_results, prune, replay, size_bytes
from aggregator.rollup.folding import fold
from aggregator.rollup.table import ROLLUPS
from aggregator.stores.spool import SPOOL
from aggregator.transfer.columns import NAMES, Row, RowError, TransferError
from aggregator.transfer.importing import NAMED, Tally, import_rows
from aggregator.transfer.table import Selection, extent, page, take_in
from tests.unit.aggregator.samples import result
from tests.unit.aggregator.transfer.said import GOOD

EVERYTHING = Selection(0.0, 1e9)


@pytest.fixture
def ledger() -> Iterator[sqlite3.Connection]:
    """Return a ledger's tables with three results of its own."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript("".join((*RESULTS.migrations, *ROLLUPS.migrations, *SPOOL.migrations)))
    insert_results(connection, [result(slot=n, at=float(n)) for n in (1, 2, 3)])
    yield connection
    connection.close()


def row(**said: object) -> Row:
    """Return a row of a file."""
    return tuple({**GOOD, **said}.values())


def numbers(ledger: sqlite3.Connection) -> dict[int, int]:
    """Return every result's number, and its slot."""
    return dict(ledger.execute("SELECT id, slot FROM results"))


def test_imported_rows_get_numbers_below_zero(ledger: sqlite3.Connection) -> None:
    """In a file's order within a batch, and never a number that is taken."""
    assert take_in(ledger, [row(slot=10), row(slot=11)]) == 2
    assert take_in(ledger, [row(slot=10), row(slot=12)]) == 1
    assert numbers(ledger) == {-3: 12, -2: 10, -1: 11, 1: 1, 2: 2, 3: 3}
    insert_results(ledger, [result(slot=4, at=4.0)])
    assert numbers(ledger)[4] == 4


def test_numbers_of_imported_rows_that_were_rolled_up_never_come_again(
    ledger: sqlite3.Connection,
) -> None:
    """Also when the rows are gone: a new one between the cursors would be in no roll-up."""
    take_in(ledger, [row(slot=10), row(slot=11)])
    while fold(ledger, 10).rows:
        pass
    prune(ledger, 1e12)
    assert numbers(ledger) == {}
    take_in(ledger, [row(slot=12)])
    assert numbers(ledger) == {-3: 12}
    assert fold(ledger, 10).rows == 1


def test_a_batch_is_recorded_whole_or_not_at_all(ledger: sqlite3.Connection) -> None:
    """A row that the table refuses takes its batch back, and the error is told."""
    with pytest.raises(sqlite3.IntegrityError):
        take_in(ledger, [row(slot=10), row(target=None)])
    assert len(numbers(ledger)) == 3
    assert not ledger.in_transaction


def test_a_page_is_bounded_by_what_it_looks_at(ledger: sqlite3.Connection) -> None:
    """Rows nobody asked for count too: a rare target must not make one long read."""
    rows, seen = page(ledger, 0, 2, Selection(2.0, 3.0))
    assert ([found[NAMES.index("slot")] for found in rows], seen) == ([2], [1, 2])
    assert page(ledger, 3, 2, EVERYTHING) == ([], [])


def test_an_extent_of_nothing(ledger: sqlite3.Connection) -> None:
    """There is nothing to look at, and no row before the first."""
    found = extent(ledger, Selection(50.0, 60.0))
    assert (found.after, found.last, found.rows) == (0, 0, 0)
    found = extent(ledger, Selection(2.0, 3.5))
    assert (found.after, found.last, found.rows) == (1, 3, 2)
    assert extent(ledger, Selection(2.0, 3.5), after=2).rows == 1


def test_every_row_is_accounted_for(ledger: sqlite3.Connection) -> None:
    """Rows = new + known + bad + old, the first bad ones by name, and every commit is told of."""
    told: list[Tally] = []
    bad = [(100 + n, RowError("why")) for n in range(NAMED + 2)]
    good = [(n, row(slot=n, at=500.0 + n)) for n in range(600)]
    tally = import_rows(
        ledger,
        [*good, *good[8:13], *bad],
        told.append,
        kept_since=lambda: 510.0,
        max_size_bytes=2**40,
    )
    assert (tally.rows, tally.new, tally.known, tally.bad) == (617, 590, 3, 12)
    assert tally.old == 12
    assert tally.named == tuple((100 + n, "why") for n in range(NAMED))
    assert [each.rows for each in told] == [500, 617]
    assert told[-1] == tally


def test_an_error_in_the_file_keeps_what_was_told(ledger: sqlite3.Connection) -> None:
    """What stands before it in whole batches is recorded, and it is raised."""

    def cut_short() -> Iterator[tuple[int, Row | RowError]]:
        yield from ((n, row(slot=n, at=500.0 + n)) for n in range(700))
        raise OSError("unplugged")

    told: list[Tally] = []
    with pytest.raises(OSError, match="unplugged"):
        import_rows(ledger, cut_short(), told.append, kept_since=lambda: 0.0, max_size_bytes=2**40)
    assert len(numbers(ledger)) - 3 == told[-1].new == 500


def test_imported_results_are_never_replayed(ledger: sqlite3.Connection) -> None:
    """Their batches lie backwards in the table: that is no clock set back among our own."""
    prune(ledger, 1e9)
    take_in(ledger, [row(slot=n, at=5_000.0 + n) for n in range(10, 12)])
    take_in(ledger, [row(slot=n, at=9_000.0 + n) for n in range(12, 14)])
    insert_results(ledger, [result(slot=4, at=9_500.0)])
    assert [each.slot for each in replay(ledger, 0.0, 1e9)] == [4]


def test_what_may_have_been_counted_and_deleted_is_not_counted_again(
    ledger: sqlite3.Connection,
) -> None:
    """The same file after a daemon rolled it up and deleted it for its age changes nothing."""
    rows = [(n, row(slot=n, at=500.0 + n)) for n in range(20)]
    importing = partial(import_rows, ledger, on_batch=[].append, max_size_bytes=2**40)
    assert importing(rows, kept_since=lambda: 0.0).new == 20
    fold(ledger, 100)
    prune(ledger, 510.0)
    before = ledger.execute("SELECT * FROM rollups").fetchall()
    again = importing(rows, kept_since=lambda: 510.0)
    assert (again.new, again.known, again.old) == (0, 10, 10)
    fold(ledger, 100)
    assert ledger.execute("SELECT * FROM rollups").fetchall() == before


def test_a_full_ledger_takes_no_more(ledger: sqlite3.Connection) -> None:
    """A daemon would delete as much as is imported: it is said, and what was told of stays."""
    rows = ((n, row(slot=n, at=500.0 + n)) for n in range(5_000))
    limit, told = size_bytes(ledger) + 100_000, list[Tally]()
    with pytest.raises(TransferError, match=r"is full: store\.max_size"):
        import_rows(ledger, rows, told.append, kept_since=lambda: 0.0, max_size_bytes=limit)
    assert len(numbers(ledger)) - 3 == told[-1].new < 5_000
    assert limit < size_bytes(ledger) < limit + 1_000_000
