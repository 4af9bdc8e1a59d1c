"""Rolling up in small transactions, and compacting when an hour or a day is over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.rollup import roller as rolling
from aggregator.rollup.roller import FOLD_ROWS, GRACE_S, Roller
from aggregator.rollup.table import ROLLUPS
from tests.unit.aggregator.rollup.buckets import stored
from tests.unit.aggregator.samples import result

HOUR = 3_600
DAY = 86_400


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger without threads."""
    made = Ledger.open(tmp_path / "ledger.db", (RESULTS, ROLLUPS), inline=True)
    yield made
    await made.close()


async def fill(ledger: Ledger, *ats: float) -> None:
    made = [result(slot=slot, at=at) for slot, at in enumerate(ats)]
    assert await ledger.write(lambda c: insert_results(c, made)) == len(made)


async def levels(ledger: Ledger) -> dict[int, int]:
    """Count the folded buckets of each level."""
    counts: dict[int, int] = {}
    for level, _, folded in await ledger.read(stored):
        counts[level] = counts.get(level, 0) + folded
    return counts


async def test_everything_is_rolled_up_in_transactions_of_few_rows(ledger: Ledger) -> None:
    """Nobody waits long behind one of them; together they take all there is."""
    await fill(ledger, *(float(n) for n in range(2 * FOLD_ROWS + 1)))
    before = ledger.stats.commits
    assert await Roller(ledger).turn(0.0)
    # Three with rows, and a look at either level for what is over.
    assert ledger.stats.commits == before + 5
    assert [level for level, _, _ in await ledger.read(stored)] == [0] * (1 + 2 * FOLD_ROWS // 60)


async def test_a_turn_is_bounded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left over is said, and taken by the next turn."""
    monkeypatch.setattr(rolling, "FOLDS_A_TURN", 2)
    await fill(ledger, *(float(n) for n in range(2 * FOLD_ROWS + 1)))
    roller = Roller(ledger)
    assert not await roller.turn(0.0)
    assert await roller.turn(0.0)


async def test_hours_and_days_are_made_when_they_are_over(ledger: Ledger) -> None:
    """After a grace, and once: a turn in the middle of an hour does not look for what is over."""
    await fill(ledger, 0.0, HOUR)
    roller = Roller(ledger)
    await roller.turn(HOUR + GRACE_S - 1)
    assert await levels(ledger) == {0: 0}
    await roller.turn(HOUR + GRACE_S)
    assert await levels(ledger) == {0: 1, 1: 0}
    before = ledger.stats.commits
    await roller.turn(HOUR + GRACE_S + 1800)
    assert ledger.stats.commits == before + 1
    await roller.turn(DAY + GRACE_S)
    assert await levels(ledger) == {0: 2, 1: 2, 2: 0}


async def test_rows_without_a_place_are_told(ledger: Ledger) -> None:
    """They are in no chart, so somebody has to hear of them."""
    await fill(ledger, 1.0, -5.0)
    with capture_logs() as logs:
        assert await Roller(ledger).turn(0.0)
    assert [(event["event"], event["rows"]) for event in logs] == [("rollup.left_out", 1)]
