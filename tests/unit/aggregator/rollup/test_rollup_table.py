"""Buckets in the ledger: compacted, reopened, pruned, and read as charts."""

import sqlite3
from collections.abc import Iterator

import pytest

from aggregator.rollup.table import Level, compact, drop_oldest_minutes, points, prune_rollups
from tests.unit.aggregator.rollup.buckets import (
    commit,
    compact_all,
    fold_all,
    stored,
    tables,
    whole,
)
from tests.unit.aggregator.samples import result, stream

DAY = 86_400
HOUR = 3_600


@pytest.fixture
def ledger() -> Iterator[sqlite3.Connection]:
    """Open an empty ledger."""
    with tables() as connection:
        yield connection


def rolled(connection: sqlite3.Connection, *ats: float, target: str = "chat") -> None:
    """Commit results that began at these times, and roll them up."""
    (slot,) = connection.execute("SELECT count(*) FROM results").fetchone()
    made = [
        result(target=target, slot=slot + n, at=at, total_s=1.0 + n) for n, at in enumerate(ats)
    ]
    commit(connection, *made)
    fold_all(connection)


def counted(connection: sqlite3.Connection, step_s: int, target: str = "chat") -> dict[int, int]:
    """Return how many results each step has."""
    return {p.at: p.summary.n for p in points(connection, target, 0, 10 * DAY, step_s)}


@pytest.mark.parametrize("before", [0, HOUR, 2 * HOUR, DAY, 2 * DAY])
def test_a_chart_is_the_same_however_far_it_is_compacted(
    ledger: sqlite3.Connection, before: float
) -> None:
    """Steps are whole at once: what is not folded yet is read from the finer level."""
    rolled(ledger, 10.0, 30.0, 70.0, HOUR + 5, HOUR + 3000, 5 * HOUR, DAY + 60)
    compact_all(ledger, before)
    assert counted(ledger, 60) == {
        0: 2,
        60: 1,
        HOUR: 1,
        HOUR + 3000: 1,
        5 * HOUR: 1,
        DAY + 60: 1,
    }
    assert counted(ledger, HOUR) == {0: 3, HOUR: 2, 5 * HOUR: 1, DAY: 1}
    assert counted(ledger, 6 * HOUR) == {0: 6, DAY: 1}
    assert counted(ledger, DAY) == {0: 6, DAY: 1}


def test_only_what_is_over_is_folded(ledger: sqlite3.Connection) -> None:
    """An hour that goes on stays in minutes; a day that goes on stays in hours."""
    rolled(ledger, 0.0, HOUR, 2 * HOUR)
    compact_all(ledger, 2 * HOUR + 1800.0)
    assert stored(ledger) == [(0, 0, 1), (0, 60, 1), (0, 120, 0), (1, 0, 0), (1, 1, 0)]


def test_what_comes_late_goes_everywhere_its_bucket_went(ledger: sqlite3.Connection) -> None:
    """A folded minute hands it on to its hour, and that to its day: nothing is counted twice."""
    rolled(ledger, 0.0, DAY)
    compact_all(ledger, 2 * DAY)
    rolled(ledger, 1.0, 60.0)
    for step_s in (HOUR, DAY):
        assert counted(ledger, step_s) == {0: 3, DAY: 1}
    assert (0, 1, 0) in stored(ledger), "a new minute of an old hour is open"
    compact_all(ledger, 2 * DAY)
    for step_s in (HOUR, DAY):
        assert counted(ledger, step_s) == {0: 3, DAY: 1}
    assert all(folded for level, _, folded in stored(ledger) if level < 2)


def test_what_comes_later_than_its_minutes_were_kept_is_added(ledger: sqlite3.Connection) -> None:
    """A pruned minute was folded, so a new one holds only what is new."""
    rolled(ledger, 0.0, 1.0)
    compact_all(ledger, DAY)
    assert prune_rollups(ledger, Level.MINUTE, DAY, 100) == 1
    rolled(ledger, 2.0)
    assert counted(ledger, HOUR) == {0: 3}
    compact_all(ledger, DAY)
    assert (counted(ledger, HOUR), counted(ledger, DAY)) == ({0: 3}, {0: 3})


def test_compacting_goes_on_where_it_stopped(ledger: sqlite3.Connection) -> None:
    """A step makes so many hours and says with which series to go on."""
    for target in ("a", "b"):
        rolled(ledger, 0.0, HOUR, 2 * HOUR, target=target)
    after: int | None = 0
    steps = []
    while after is not None:
        after = compact(ledger, Level.MINUTE, DAY, after, 2)
        steps.append(after)
    assert steps == [1, 2, 2, None]
    assert all(counted(ledger, HOUR, name) == {0: 1, HOUR: 1, 2 * HOUR: 1} for name in "ab")


def test_pruning_takes_what_is_old_and_folded(ledger: sqlite3.Connection) -> None:
    """In chunks; what is younger, or not in the level above yet, stays."""
    rolled(ledger, 0.0, 60.0, 120.0, HOUR, 2 * HOUR)
    compact_all(ledger, 2 * HOUR)
    assert prune_rollups(ledger, Level.MINUTE, HOUR, 2) == 2
    assert prune_rollups(ledger, Level.MINUTE, HOUR, 2) == 1
    assert prune_rollups(ledger, Level.MINUTE, HOUR, 2) == 0
    assert prune_rollups(ledger, Level.MINUTE, DAY, 9) == 1
    assert counted(ledger, 60) == {2 * HOUR: 1}
    assert counted(ledger, HOUR) == {0: 3, HOUR: 1, 2 * HOUR: 1}


def test_days_are_kept(ledger: sqlite3.Connection) -> None:
    """Hours go when their time is over; the days they were folded into stay for ever."""
    rolled(ledger, 0.0, DAY)
    compact_all(ledger, 2 * DAY)
    for level in Level:
        prune_rollups(ledger, level, 9 * DAY, 100)
    assert stored(ledger) == [(2, 0, 0), (2, 1, 0)]


def test_for_want_of_room_the_oldest_day_of_minutes_goes(ledger: sqlite3.Connection) -> None:
    """Of all targets, day by day in chunks, and never what is in no hour yet."""
    rolled(ledger, 60.0, 120.0, DAY, target="a")
    rolled(ledger, 180.0, DAY + HOUR, target="b")
    compact_all(ledger, DAY + HOUR)
    assert [drop_oldest_minutes(ledger, 2) for _ in range(4)] == [2, 1, 1, 0]
    assert (counted(ledger, 60, "a"), counted(ledger, 60, "b")) == ({}, {DAY + HOUR: 1})
    assert counted(ledger, HOUR, "a") == {0: 2, DAY: 1}


def test_a_ledger_without_roll_ups_has_nothing_to_drop_or_show(ledger: sqlite3.Connection) -> None:
    """Nothing is nothing, and not an error."""
    assert drop_oldest_minutes(ledger, 100) == 0
    assert points(ledger, "chat", 0, DAY, HOUR) == []


def test_both_ends_are_widened_to_steps(ledger: sqlite3.Connection) -> None:
    """A step is shown whole or not at all."""
    rolled(ledger, 0.0, HOUR - 1, HOUR, 2 * HOUR)
    found = points(ledger, "chat", 1800.0, HOUR + 1.0, HOUR)
    assert [(p.at, p.over_s, p.summary.n) for p in found] == [(0, HOUR, 2), (HOUR, HOUR, 1)]
    assert whole(found).attempts == 3


@pytest.mark.parametrize("step_s", [0, -60, 30, 90])
def test_a_step_is_made_of_minutes(ledger: sqlite3.Connection, step_s: int) -> None:
    """There is nothing finer to read."""
    with pytest.raises(ValueError, match="whole minutes"):
        points(ledger, "chat", 0, DAY, step_s)


def test_no_statement_goes_through_a_whole_level(ledger: sqlite3.Connection) -> None:
    """Millions of minutes lie in one table: each statement finds its rows by target and time."""
    rolled(ledger, 0.0, DAY)
    asked: set[str] = set()
    ledger.set_trace_callback(asked.add)
    compact_all(ledger, 2 * DAY)
    prune_rollups(ledger, Level.MINUTE, HOUR, 10)
    drop_oldest_minutes(ledger, 10)
    points(ledger, "chat", 0, DAY, HOUR)
    ledger.set_trace_callback(None)
    plans = [
        step[3]
        for sql in asked
        if " rollups" in sql and not sql.startswith("INSERT")
        for step in ledger.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]
    assert len(plans) >= 5
    # The list of series is short, and gone through; buckets never are.
    found = [plan for plan in plans if "rollups" in plan or plan.startswith("SEARCH r ")]
    assert found
    assert all("series" in plan for plan in found), found
    assert not any("TEMP B-TREE" in plan for plan in plans)


def test_counts_without_figures(ledger: sqlite3.Connection) -> None:
    """Everything but the figures is what it is with them, whatever the bucket's size."""
    for number in range(200):
        commit(ledger, stream(0.5, 2.0 + number, 9, slot=number, at=60.0 * number))
    fold_all(ledger)
    compact_all(ledger, 2 * HOUR)
    whole_ones, counts = (
        points(ledger, "chat", 0, 4 * HOUR, HOUR, figures=figures) for figures in (True, False)
    )
    assert all(point.bucket.figures for point in whole_ones)
    for point in whole_ones:
        point.bucket.figures.clear()
    assert counts == whole_ones
