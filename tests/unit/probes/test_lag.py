"""The lag meter, told by hand when its ticks came."""

import asyncio
import time

import pytest

from probes.lag import TICK_S, LagMeter


def test_a_meter_that_never_ran_knows_no_lag() -> None:
    """Without ticks there is nothing to say."""
    meter = LagMeter()
    meter.note(5.0)

    assert meter.worst_since(0.0, now=1000.0) == 0.0


async def test_a_running_meter_sees_a_block_and_stops_seeing_when_stopped() -> None:
    """A block is seen at once and afterwards; a meter that has stopped is not late."""
    meter = LagMeter()
    running = asyncio.ensure_future(meter.run())
    await asyncio.sleep(TICK_S * 3)
    began = time.monotonic()
    time.sleep(TICK_S * 5)  # noqa: ASYNC251 - the fault under test
    assert meter.worst_since(began) >= TICK_S * 4, "seen while its own tick is still overdue"
    await asyncio.sleep(TICK_S * 2)
    assert meter.worst_since(began) >= TICK_S * 4, "and remembered"

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert meter.worst_since(began + 3600.0, now=1e9) == 0.0


class Ticking(LagMeter):
    """A meter whose ticks are due when the test says."""

    def _set_due(self, at: float) -> None:
        self._due = at


def test_the_worst_lateness_since_a_moment() -> None:
    """Ticks before the moment do not count, ordinary jitter never does."""
    meter = Ticking()
    for due, came in ((1.0, 1.3), (2.0, 2.0015), (3.0, 3.1), (4.0, 4.05)):
        meter._set_due(due)
        meter.note(came)
    meter._set_due(5.0)

    assert meter.worst_since(0.0, now=4.9) == pytest.approx(0.3)
    assert meter.worst_since(1.5, now=4.9) == pytest.approx(0.1)
    assert meter.worst_since(4.0, now=4.9) == pytest.approx(0.05)
    assert meter.worst_since(4.5, now=4.9) == 0.0


def test_a_block_that_goes_on_counts() -> None:
    """Asked during a block, before the late tick had its turn, the meter knows."""
    meter = Ticking()
    meter._set_due(5.0)

    assert meter.worst_since(4.0, now=5.2) == pytest.approx(0.2)
