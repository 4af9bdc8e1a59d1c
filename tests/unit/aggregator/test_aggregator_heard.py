"""What others told, in the ledger: each attempt once, whoever had it."""

import sqlite3
from collections.abc import Iterator

import pytest

from aggregator.heard import SAME_SLOT_S, Standing, insert_heard, insert_ours, standing
from aggregator.results import RESULTS, SkippedSlot, insert_result, insert_skipped, replay
from probes.result import SkipReason
from probes.target import Slot
from tests.unit.aggregator.samples import result


@pytest.fixture
def ledger() -> Iterator[sqlite3.Connection]:
    """Tables as the ledger would have made them."""
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.executescript("".join(RESULTS.migrations))
    yield made
    made.close()


def skip(slot: int = 1, at: float = 0.0, reason: SkipReason = SkipReason.LATE) -> SkippedSlot:
    return SkippedSlot("chat", "here", Slot(slot, at), reason, at)


def rows(ledger: sqlite3.Connection, table: str) -> list[tuple[int, str]]:
    return ledger.execute(f"SELECT slot, heard_from FROM {table} ORDER BY id").fetchall()


def test_what_is_heard_stands_beside_our_own(ledger: sqlite3.Connection) -> None:
    """With the name of who had it; our own has none."""
    insert_result(ledger, result(slot=1))
    assert insert_heard(ledger, result(slot=2, at=60.0), "b") is Standing.NEW
    assert insert_heard(ledger, skip(3, 120.0), "c") is Standing.NEW
    assert rows(ledger, "results") == [(1, ""), (2, "b")]
    assert rows(ledger, "skips") == [(3, "c")]


def test_an_attempt_is_heard_once(ledger: sqlite3.Connection) -> None:
    """Made here or heard before, and though two replicas' clocks give it two times."""
    insert_result(ledger, result(slot=1, at=10.0))
    assert insert_heard(ledger, result(slot=1, at=12.0), "b") is Standing.KNOWN
    assert insert_heard(ledger, result(slot=2, at=10.0), "b") is Standing.NEW
    assert insert_heard(ledger, result(slot=2, at=8.0), "c") is Standing.KNOWN
    assert rows(ledger, "results") == [(1, ""), (2, "b")]


def test_what_is_another_attempt_is_new(ledger: sqlite3.Connection) -> None:
    """Of another target, location, number, or of a number that came again after a clock's step."""
    insert_result(ledger, result(slot=1, at=SAME_SLOT_S + 1.0))
    for news in (
        result(slot=1, at=SAME_SLOT_S + 1.0, target="other"),
        result(slot=1, at=SAME_SLOT_S + 1.0, location="there"),
        result(slot=1, at=SAME_SLOT_S + 1.0, attempt=2),
        result(slot=1, at=0.0),
    ):
        assert insert_heard(ledger, news, "b") is Standing.NEW


def test_a_result_of_a_slot_given_up_is_kept_and_late(ledger: sqlite3.Connection) -> None:
    """It is in the ledger; who counts learns that the slot was counted."""
    insert_skipped(ledger, skip(1, reason=SkipReason.NOT_CLAIMED))
    assert insert_heard(ledger, result(slot=1, at=30.0), "b") is Standing.LATE
    assert rows(ledger, "results") == [(1, "b")]


def test_a_skip_of_a_slot_that_was_dealt_with_is_none(ledger: sqlite3.Connection) -> None:
    """A slot is run, or skipped once."""
    insert_result(ledger, result(slot=1))
    insert_heard(ledger, skip(2, 60.0), "b")
    assert insert_heard(ledger, skip(1), "b") is Standing.KNOWN
    assert insert_heard(ledger, skip(2, 61.0), "c") is Standing.KNOWN
    assert rows(ledger, "skips") == [(2, "b")]


def test_our_own_attempt_takes_the_place_of_what_was_heard(ledger: sqlite3.Connection) -> None:
    """Of the same attempt, or of the slot's skip; it is in the ledger once."""
    insert_heard(ledger, result(slot=1, at=10.0), "b")
    insert_heard(ledger, result(slot=1, at=10.0, attempt=2), "b")
    insert_heard(ledger, skip(2, 60.0), "b")
    assert insert_ours(ledger, result(slot=1, at=11.0)) is Standing.KNOWN
    assert insert_ours(ledger, result(slot=2, at=60.0)) is Standing.LATE
    assert insert_ours(ledger, result(slot=3, at=120.0)) is Standing.NEW
    assert rows(ledger, "results") == [(1, "b"), (1, ""), (2, ""), (3, "")]
    assert rows(ledger, "skips") == []


def test_a_confirming_attempt_is_not_the_slots_own(ledger: sqlite3.Connection) -> None:
    """That of another number says nothing of a skip."""
    insert_result(ledger, result(slot=1, attempt=2))
    assert standing(ledger, skip(1)) is Standing.NEW


def test_what_came_late_is_no_step_of_our_clock(ledger: sqlite3.Connection) -> None:
    """News of an hour ago committed now leave what was had before in its place."""
    insert_result(ledger, result(slot=60, at=3_600.0))
    insert_heard(ledger, result(slot=1, at=60.0), "b")
    insert_result(ledger, result(slot=61, at=3_660.0))
    found = [row.slot for row in replay(ledger, 0.0, 3_700.0)]
    assert found == [60, 1, 61]


def test_heard_results_newer_than_our_own_are_replayed(ledger: sqlite3.Connection) -> None:
    """A replica that probed nothing for an hour has the windows of those who did."""
    insert_result(ledger, result(slot=1, at=60.0))
    insert_heard(ledger, result(slot=50, at=3_000.0), "b")
    insert_heard(ledger, result(slot=500, at=30_000.0), "of the future")
    assert [row.slot for row in replay(ledger, 0.0, 3_100.0)] == [1, 50]
