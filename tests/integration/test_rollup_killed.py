"""SIGKILL while results are rolled up, compacted and deleted."""

import subprocess
import sys
from pathlib import Path

from aggregator.ledger import Ledger
from aggregator.results import RESULTS
from aggregator.rollup.roller import Roller
from aggregator.rollup.table import ROLLUPS, points

LIVES = 5
FOR_EVER = 2.0**40


def live(path: Path, turns: int) -> None:
    """Run the process until it has done some turns, and kill it in the next."""
    command = [sys.executable, "-m", "tests.integration.rolling_writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(turns):
            assert process.stdout.readline(), "it ended by itself"
        process.kill()


async def test_no_result_is_lost_or_counted_twice(tmp_path: Path) -> None:
    """However often it is killed, every level holds each committed result once."""
    path = tmp_path / "ledger.db"
    for turns in range(3, 3 + LIVES):
        live(path, turns)
    ledger = Ledger.open(path, (RESULTS, ROLLUPS), inline=True)
    committed, left = await ledger.read(
        lambda c: (
            c.execute("SELECT seq FROM sqlite_sequence WHERE name = 'results'").fetchone()[0],
            c.execute("SELECT count(*) FROM results").fetchone()[0],
        )
    )
    assert committed >= 10 * sum(range(3, 3 + LIVES))
    assert left < committed, "some were deleted by then"
    for wall in (0.0, FOR_EVER):
        assert await Roller(ledger).turn(wall)
        for step_s in (60, 3_600, 86_400):
            found = await ledger.read(
                lambda c, step_s=step_s: points(c, "chat", 0, FOR_EVER, step_s)
            )
            assert sum(point.summary.n for point in found) == committed
    await ledger.close()
