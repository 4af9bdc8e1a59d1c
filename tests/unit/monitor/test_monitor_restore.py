"""Windows that are filled from the ledger at the start, and a stop meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, SkippedSlot, insert_results, insert_skipped
from aggregator.window import Windows
from monitor.elsewhere import Elsewhere
from monitor.restore import replay_windows
from probes.result import SkipReason
from probes.target import Slot
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


async def test_what_was_heard_of_late_is_not_folded(ledger: Ledger) -> None:
    """It was not counted when it was heard, and its place in time is gone."""
    late = [result(slot=ROWS + n, at=float(ROWS - 600 + n)) for n in range(20)]
    await ledger.write(lambda c: insert_results(c, late))
    windows = Windows(600.0)
    await replay_windows(
        *(ledger, windows, 600.0, float(ROWS), lambda: False),
        elsewhere=Elsewhere(600.0),
        location="here",
    )
    assert windows.summary(("chat",), 60.0, float(ROWS)).n <= 60


async def test_rows_of_other_locations_are_kept_apart(ledger: Ledger) -> None:
    """They are in no window of ours; alone, whatever the ledger holds is ours."""
    at = float(ROWS - 5)
    rows = [result(slot=n, at=at + n / 10, location="iad1") for n in range(20)]
    skipped = SkippedSlot("chat", "iad1", Slot(99, at), SkipReason.LATE, at + 3.0)
    await ledger.write(lambda c: (insert_results(c, rows), insert_skipped(c, skipped)))

    async def replayed(elsewhere: Elsewhere | None) -> int:
        windows = Windows(600.0)
        await replay_windows(
            *(ledger, windows, 600.0, float(ROWS), lambda: False),
            elsewhere=elsewhere,
            location="here",
        )
        return windows.summary(("chat",), 600.0, float(ROWS)).n

    elsewhere = Elsewhere(600.0)
    alone, apart = await replayed(None), await replayed(elsewhere)
    heard = elsewhere.windows["iad1"].summary(("chat",), 600.0, float(ROWS))
    assert (alone - apart, heard.n, heard.missed) == (20, 20, 1)
    assert elsewhere.reporting("iad1", at) is not None
