"""Windows that are filled from the ledger at the start, and a stop meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.window import Windows
from monitor.restore import replay_windows
from tests.unit.aggregator.samples import result

ROWS = 3_000


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Have a ledger with results of some hours."""
    made = Ledger.open(tmp_path / "ledger.db", (RESULTS,), inline=True)
    rows = [result(slot=n, at=float(n)) for n in range(ROWS)]
    await made.write(lambda c: insert_results(c, rows))
    yield made
    await made.close()


async def test_every_result_of_the_longest_window_is_folded(ledger: Ledger) -> None:
    """What is older is left alone."""
    rows = await replay_windows(ledger, Windows(600.0), 600.0, float(ROWS), lambda: False)
    assert 590 <= rows <= 600


async def test_a_stop_ends_it_early_and_harms_nothing(ledger: Ledger) -> None:
    """A month of results takes longer than a stop may; the ledger can be read afterwards."""
    looks = 0

    def stopped() -> bool:
        nonlocal looks
        looks += 1
        return looks > 10

    windows = Windows(float(ROWS))
    rows = await replay_windows(ledger, windows, float(ROWS), float(ROWS), stopped)
    assert rows < ROWS
    rows = await replay_windows(
        ledger, Windows(float(ROWS)), float(ROWS), float(ROWS), lambda: False
    )
    assert rows == ROWS
