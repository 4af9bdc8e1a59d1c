"""What is saved of roll-ups when the file they were in is damaged."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from aggregator.ledger import Ledger
from aggregator.ledger_damage import Mending
from aggregator.results import RESULTS, insert_results
from aggregator.rollup.bucket import Point
from aggregator.rollup.folding import fold
from aggregator.rollup.roller import GRACE_S, Roller
from aggregator.rollup.table import ROLLUPS, Level, points
from tests.unit.aggregator.samples import result

HOURS = 60
"""Two days and a half: of the third there are only hours, and of its last hour only minutes."""
PAGE_BYTES = 4096
MENDING = Mending(0.0, lambda _connection, _lost: None)


async def remember(path: Path, first: int) -> list[Point]:
    """Record a result every half an hour, roll all of them up; return the days."""
    ledger = Ledger.open(path, (RESULTS, ROLLUPS), inline=True, mending=MENDING)
    made = [result(slot=n, at=1800.0 * n) for n in range(first, first + 2 * HOURS - 1)]
    await ledger.write(lambda c: insert_results(c, made))
    while not await Roller(ledger).turn(made[-1].at + GRACE_S):
        pass
    days = await ledger.read(lambda c: points(c, "chat", 0, 1e7, Level.DAY))
    await ledger.close()
    return days


def ruin_results(path: Path) -> None:
    """Overwrite the root of the results, which are the most of a ledger."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'results'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek(PAGE_BYTES * (page - 1))
        file.write(b"\xa5" * PAGE_BYTES)


def test_days_outlive_the_file(tmp_path: Path) -> None:
    """To the last result that was rolled up, and what comes after it is added to them."""
    path = tmp_path / "ledger.db"
    before = asyncio.run(remember(path, 0))
    assert [day.summary.n for day in before] == [48, 48, 23]
    ruin_results(path)
    after = asyncio.run(remember(path, 2 * HOURS - 1))
    assert after[:2] == before[:2]
    assert [day.summary.n for day in after] == [48, 48, 48, 48, 46]


def test_what_is_saved_is_rolled_up_once(tmp_path: Path) -> None:
    """The cursor begins anew with the results; no row of the old file is asked for."""
    path = tmp_path / "ledger.db"
    asyncio.run(remember(path, 0))
    ruin_results(path)
    ledger = Ledger.open(path, (RESULTS, ROLLUPS), inline=True, mending=MENDING)
    assert ledger.mended is not None
    assert ledger.mended.lost == ()
    assert asyncio.run(ledger.write(lambda c: fold(c, 100))).rows == 0
    asyncio.run(ledger.close())
