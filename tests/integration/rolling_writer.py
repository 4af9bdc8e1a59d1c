"""A process that commits results, rolls them up and compacts them until it is killed.

`rolling_writer.py PATH` goes on where the ledger at PATH stands, and prints the number of every
turn once it is done.
"""

import asyncio
import itertools
import sys
from functools import partial
from pathlib import Path

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results, prune
from aggregator.rollup.roller import GRACE_S, Roller
from aggregator.rollup.table import ROLLUPS
from tests.unit.aggregator.samples import result

EVERY_S = 120
"""Between two results: an hour is over every thirty."""


async def keep(path: Path) -> None:
    """Commit, roll up, and delete what is rolled up, for ever."""
    ledger = Ledger.open(path, (RESULTS, ROLLUPS))
    (newest,) = await ledger.read(
        lambda c: c.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()
    )
    roller = Roller(ledger)
    for turn in itertools.count(newest // 10 + 1):
        numbers = range(10 * turn, 10 * turn + 10)
        made = [result(slot=number, at=float(EVERY_S * number)) for number in numbers]
        await ledger.write(partial(insert_results, results=made))
        wall = float(EVERY_S * numbers.stop)
        if await roller.turn(wall + GRACE_S):
            await ledger.write(partial(prune, before=wall - 3_600))
        print(turn, flush=True)  # noqa: T201 - this is how it answers


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1])))
