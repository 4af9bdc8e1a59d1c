"""The tables of results and skips: once per slot, in commit order, pruned oldest first."""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from aggregator.results import (
    FREED_PAGES,
    LARGEST,
    RESULTS,
    SkippedSlot,
    drop_oldest,
    had_at,
    insert_result,
    insert_results,
    insert_skip,
    latest,
    prune,
    replay,
    size_bytes,
)
from probes.result import ProbeResult, RateLimit, SkipReason
from probes.target import Slot
from tests.unit.aggregator.samples import result


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Tables as the ledger would have made them."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute("PRAGMA auto_vacuum = INCREMENTAL")
    made.executescript("".join(RESULTS.migrations))
    yield made
    made.close()


def skip(connection: sqlite3.Connection, number: int, at: float) -> bool:
    """Record a skipped slot."""
    return insert_skip(
        connection,
        target="chat",
        location="here",
        slot=Slot(number, at - 1.0),
        reason=SkipReason.LATE,
        at=at,
    )


def rows(connection: sqlite3.Connection, table: str) -> int:
    """Count a table's rows."""
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_every_field_has_its_column(connection: sqlite3.Connection) -> None:
    """A field added to ProbeResult needs a migration: without one this fails, not production."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(results)")]
    assert sorted(columns) == sorted(["id", "heard_from", *ProbeResult.__slots__])


def test_an_attempt_is_kept_once(connection: sqlite3.Connection) -> None:
    """The same slot's attempt again changes nothing, whatever it says now; others are new."""
    assert insert_result(connection, result(slot=1))
    assert not insert_result(connection, result(slot=1, detail="heard again"))
    others = [
        result(slot=1, attempt=2),
        result(slot=2),
        result(slot=1, location="there"),
        result(slot=1, target="other"),
    ]
    assert insert_results(connection, [*others, result(slot=1)]) == 4
    assert rows(connection, "results") == 5
    assert all(kept.detail == "" for kept in latest(connection, "chat", 9))


def test_a_skip_is_kept_once(connection: sqlite3.Connection) -> None:
    """A slot is skipped once."""
    assert skip(connection, 1, 10.0)
    assert not skip(connection, 1, 10.0)
    assert rows(connection, "skips") == 1


def test_a_result_that_breaks_the_table_is_an_error(connection: sqlite3.Connection) -> None:
    """Keeping a slot once must not hide a result that cannot be kept at all."""
    with pytest.raises(sqlite3.IntegrityError):
        insert_result(connection, result(total_s=math.nan))


def test_what_no_row_can_hold_is_made_to_fit(connection: sqlite3.Connection) -> None:
    """Absurd numbers and broken text of a hostile answer cost no result, not even their mates'."""
    hostile = result(slot=2, output_tokens=10**40, input_tokens=-(10**40), finish_reason="\ud800x")
    assert insert_results(connection, [result(slot=1), hostile, result(slot=3)]) == 3
    (kept,) = [one for one in latest(connection, "chat", 9) if one.slot == 2]
    assert kept == replace(
        hostile, output_tokens=LARGEST, input_tokens=-LARGEST, finish_reason="?x"
    )


def test_rate_limits_hold_anything_a_header_says(connection: sqlite3.Connection) -> None:
    """Rate limits come back whole, unknown parts as None, numbers of any size."""
    said = (RateLimit("tokens", 10**30, None, 0.125), RateLimit("\ud800", None, -1, None))
    insert_result(connection, result(rate_limits=said))
    assert latest(connection, "chat", 1)[0].rate_limits == said


def test_latest_is_newest_first(connection: sqlite3.Connection) -> None:
    """The newest attempts of one target, at most as many as asked for."""
    insert_results(connection, [result(slot=n, at=float(n)) for n in (3, 1, 4, 2)])
    insert_result(connection, result(slot=9, at=9.0, target="other"))
    assert [one.slot for one in latest(connection, "chat", 3)] == [4, 3, 2]
    assert latest(connection, "nobody", 3) == []


def test_replay_is_in_commit_order(connection: sqlite3.Connection) -> None:
    """Results and skips come back in the order they were committed, not in that of their times."""
    skip(connection, 100, 50.0)
    insert_result(connection, result(slot=1, at=60.0))
    skip(connection, 101, 40.0)
    skip(connection, 102, 41.0)
    insert_results(connection, [result(slot=2, at=30.0), result(slot=3, at=55.0)])
    skip(connection, 103, 70.0)
    order = [
        one.slot.number if isinstance(one, SkippedSlot) else one.slot
        for one in replay(connection, 0.0, 1e12)
    ]
    assert order == [100, 1, 101, 102, 2, 3, 103]


def test_replay_begins_where_asked(connection: sqlite3.Connection) -> None:
    """What began before the given time is left out."""
    insert_results(connection, [result(slot=n, at=float(n)) for n in range(5)])
    skip(connection, 7, 2.5)
    skip(connection, 8, 3.0)
    kept = list(replay(connection, 3.0, 1e12))
    assert kept == [
        result(slot=3, at=3.0),
        result(slot=4, at=4.0),
        SkippedSlot("chat", "here", Slot(8, 2.0), SkipReason.LATE, 3.0),
    ]


def test_had_is_after_waiting_and_probing() -> None:
    """A result is had when its attempt, begun with a wait for a place, has ended."""
    assert had_at(result(at=100.0, waited_s=2.0, total_s=3.0)) == 105.0


def test_prune_takes_the_oldest_of_both_tables_in_chunks(connection: sqlite3.Connection) -> None:
    """Rows before the mark go oldest first, so many at a time; the rest stays."""
    insert_results(connection, [result(slot=n, at=float(n)) for n in range(10)])
    for number in range(10):
        skip(connection, number, number + 0.5)
    assert prune(connection, 8.0, 5) == 5
    assert next(replay(connection, 0.0, 1e12)) == result(slot=3, at=3.0)
    assert rows(connection, "skips") == 8
    assert prune(connection, 8.0, 100) == 11
    assert prune(connection, 8.0, 100) == 0
    assert [one.at for one in replay(connection, 0.0, 1e12)] == [8.0, 9.0, 8.5, 9.5]


def test_drop_oldest_takes_exactly_as_many(connection: sqlite3.Connection) -> None:
    """Rows go whatever their age, exactly as many as asked for even among equal times."""
    insert_results(connection, [result(slot=n, at=1.0) for n in range(10)])
    skip(connection, 1, 0.5)
    assert drop_oldest(connection, 4) == 4
    assert (rows(connection, "results"), rows(connection, "skips")) == (7, 0)
    assert drop_oldest(connection, 100) == 7
    assert drop_oldest(connection, 100) == 0


def test_ids_are_never_used_again(connection: sqlite3.Connection) -> None:
    """A cursor over results stays valid when all of them were dropped meanwhile."""
    insert_result(connection, result(slot=1))
    drop_oldest(connection, 1)
    insert_result(connection, result(slot=2))
    assert connection.execute("SELECT id FROM results").fetchall() == [(2,)]


def test_pruning_gives_the_space_back(connection: sqlite3.Connection) -> None:
    """The bytes in use grow with results and shrink when they go, and so does the file."""
    empty = size_bytes(connection)
    insert_results(connection, [result(slot=n, detail="x" * 200) for n in range(500)])
    assert size_bytes(connection) > empty + 500 * 200
    drop_oldest(connection, 500)
    assert size_bytes(connection) <= empty + 4096
    assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_space_is_given_back_a_little_at_a_time(connection: sqlite3.Connection) -> None:
    """However much was emptied at once, a write moves a few pages, and the next ones the rest."""
    insert_results(connection, [result(slot=n, detail="x" * 2_000) for n in range(1_000)])
    connection.execute("DELETE FROM results")
    pages = [connection.execute("PRAGMA page_count").fetchone()[0]]
    while connection.execute("PRAGMA freelist_count").fetchone() != (0,):
        assert prune(connection, 0.0) == 0, "also where there is nothing to delete"
        pages.append(connection.execute("PRAGMA page_count").fetchone()[0])
    steps = [before - after for before, after in pairwise(pages)]
    assert len(steps) >= 3
    # Pages of the map of pages go along with those that they tell of.
    assert max(steps) <= FREED_PAGES + 2
    assert min(steps) > 0


def replayed(connection: sqlite3.Connection, since: float, until: float) -> list[int]:
    """Replay; return the slot numbers that came back."""
    found = replay(connection, since, until)
    return [one.slot.number if isinstance(one, SkippedSlot) else one.slot for one in found]


def test_slot_numbers_that_come_again_are_other_rows(connection: sqlite3.Connection) -> None:
    """A clock set back repeats slot numbers: their results are kept beside the first ones."""
    assert insert_result(connection, result(slot=7, at=420.0))
    assert insert_result(connection, result(slot=7, at=421.5))
    assert not insert_result(connection, result(slot=7, at=420.0))
    assert rows(connection, "results") == 2


def test_what_was_committed_before_a_step_back_is_not_replayed(
    connection: sqlite3.Connection,
) -> None:
    """Stamps from before the clock was set back name times that have not been yet."""
    insert_results(connection, [result(slot=n, at=5000.0 + n) for n in range(3)])
    skip(connection, 50, 5002.0)
    insert_results(connection, [result(slot=n, at=4000.0 + n) for n in range(10, 13)])
    skip(connection, 60, 4012.0)
    assert replayed(connection, 3900.0, 4020.0) == [10, 11, 12, 60]


def test_a_ledger_from_the_future_is_not_replayed(connection: sqlite3.Connection) -> None:
    """When the newest result lies ahead of the clock nothing in the file can be placed."""
    insert_results(connection, [result(slot=n, at=float(at)) for n, at in enumerate((3000, 9000))])
    assert replayed(connection, 2000.0, 4000.0) == []
    assert replayed(connection, 2000.0, 9100.0) == [0, 1]


def test_small_disorder_is_no_step(connection: sqlite3.Connection) -> None:
    """A probe that took half a minute is committed after quicker ones that began later."""
    insert_result(connection, result(slot=2, at=1030.0, total_s=0.1))
    insert_result(connection, result(slot=1, at=1000.0, total_s=29.0))
    assert replayed(connection, 900.0, 1100.0) == [2, 1]


def test_words_of_a_newer_version_are_passed_over(connection: sqlite3.Connection) -> None:
    """A verdict this version does not know costs its row, not the start."""
    insert_results(connection, [result(slot=1, at=1.0), result(slot=2, at=2.0)])
    connection.execute("UPDATE results SET verdict = 'sulking' WHERE slot = 1")
    assert replayed(connection, 0.0, 10.0) == [2]


def test_skips_alone_are_replayed(connection: sqlite3.Connection) -> None:
    """Before the first result ever there may be skipped slots."""
    skip(connection, 5, 10.0)
    assert replayed(connection, 0.0, 20.0) == [5]
