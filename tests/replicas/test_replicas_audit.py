"""The audit itself: what is planted in the ledgers is found, and so is what is missing."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_result, insert_skip
from monitor.schedule import Grid
from probes.result import SkipReason
from tests.replicas.audit import Slots, slots_of, told_of
from tests.unit.aggregator.samples import result

SINCE = 1_800_000_000.0
GRID = Grid.of("t0", 1.0)
FIRST = GRID.following(SINCE).number


@pytest.fixture
async def ledgers(tmp_path: Path) -> Mapping[str, Path]:
    """Three replicas: the first ten slots are run in turn, the last is heard of by another."""
    found = {name: tmp_path / f"{name}.db" for name in ("ada", "ben", "cy")}
    for turn, path in enumerate(found.values()):
        await Ledger.open(path, (RESULTS,), inline=True).close()
        with sqlite3.connect(path) as connection:
            for number in range(FIRST + turn, FIRST + 10, 3):
                ran(connection, number)
        connection.close()
    with sqlite3.connect(found["ben"]) as connection:
        ran(connection, FIRST + 9, heard_from="ada")
    connection.close()
    return found


def ran(connection: sqlite3.Connection, number: int, heard_from: str = "") -> None:
    slot = GRID.slot(number)
    found = result(target="t0", slot=number, slot_at=slot.at, at=slot.at)
    insert_result(connection, found, heard_from)


def skipped(path: Path, number: int, reason: SkipReason) -> None:
    with sqlite3.connect(path) as connection:
        at = GRID.slot(number).at
        insert_skip(
            *(connection,),
            target="t0",
            location="here",
            slot=GRID.slot(number),
            reason=reason,
            at=at,
        )
    connection.close()


def audited(ledgers: Mapping[str, Path], seconds: float = 10.0) -> Slots:
    return slots_of(ledgers, {"t0": 1.0}, SINCE, SINCE + seconds)


def test_slots_run_once_are_all_right(ledgers: Mapping[str, Path]) -> None:
    """What a replica only heard of is no second run."""
    slots = audited(ledgers)
    assert len(slots.due) == 10
    assert not slots.doubled | slots.lost | slots.skipped | slots.missing
    assert slots.decisions == {1}
    assert slots.shares == {"ada": 4, "ben": 3, "cy": 3}


def test_a_slot_nobody_knows_of_is_missing(ledgers: Mapping[str, Path]) -> None:
    """One more second has one more slot, and there is nothing of it."""
    assert audited(ledgers, 11.0).missing == {("t0", FIRST + 10)}


def test_a_slot_run_twice_is_found(ledgers: Mapping[str, Path]) -> None:
    """Another replica's own result for the same slot is one too many."""
    with sqlite3.connect(ledgers["cy"]) as connection:
        ran(connection, FIRST)
    connection.close()
    assert audited(ledgers).doubled == {("t0", FIRST)}
    assert audited(ledgers).decisions == {1, 2}


def test_lost_and_skipped_are_told_apart(ledgers: Mapping[str, Path]) -> None:
    """Lost is what others only waited for; a reason of somebody's own makes it skipped."""
    for name in ("ada", "ben"):
        skipped(ledgers[name], FIRST + 10, SkipReason.NOT_CLAIMED)
    skipped(ledgers["ada"], FIRST + 11, SkipReason.NOT_CLAIMED)
    skipped(ledgers["cy"], FIRST + 11, SkipReason.BREAKER)
    slots = audited(ledgers, 12.0)
    assert slots.lost == {("t0", FIRST + 10)}
    assert slots.lost_by_target() == {"t0": 1}
    assert slots.skipped == slots.skipped_for("breaker") == {("t0", FIRST + 11)}
    assert not slots.missing


def test_what_people_were_told_is_in_order() -> None:
    """Each alert's words as they came, over deliveries with several alerts in each."""

    def delivery(*alerts: tuple[str, str]) -> dict[str, object]:
        labels = [{"alertname": "Down", "target": target} for target, _ in alerts]
        return {
            "alerts": [
                {"labels": each, "status": status}
                for each, (_, status) in zip(labels, alerts, strict=True)
            ]
        }

    told = told_of(
        [delivery(("a", "firing"), ("b", "firing")), delivery(("a", "resolved"), ("b", "firing"))]
    )
    assert told["Down", "a"].words == ["firing", "resolved"]
    assert (told["Down", "b"].firing, told["Down", "b"].resolved) == (2, 0)
