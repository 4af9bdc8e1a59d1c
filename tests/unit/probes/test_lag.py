"""The lag meter, told by hand when its ticks came."""

import asyncio
import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.lag import NOTABLE_S, TICK_S, GcMeter, LagMeter
from probes.worst import KEEP_S


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


@given(
    ticks=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=40),
    since=st.integers(0, 800),
)
def test_only_what_can_be_the_worst_is_kept(ticks: list[tuple[int, int]], since: int) -> None:
    """Against an oracle that keeps everything, for any moment asked about."""
    meter, oracle, now = Ticking(), list[tuple[float, float]](), 0.0
    for pause, late in ticks:
        now += pause
        meter._set_due(now - late)
        meter.note(now)
        oracle.append((now, float(late)))
    wanted = max((late for at, late in oracle if at >= since and late >= NOTABLE_S), default=0.0)
    meter._set_due(now)

    # What is older than KEEP_S is not asked for, and may be gone.
    if since >= now - KEEP_S:
        assert meter.worst_since(since, now=now) == wanted


def test_old_lateness_is_forgotten() -> None:
    """Memory does not grow with the life of the process."""
    meter = Ticking()
    for late_s, now in ((9.0, 10.0), (8.0, 20.0), (1.0, 19.0 + KEEP_S)):
        meter._set_due(now - late_s)
        meter.note(now)
    meter._set_due(19.0 + KEEP_S)

    assert meter.worst_since(0.0, now=19.0 + KEEP_S) == pytest.approx(8.0)


async def test_streams_are_watched_more_closely() -> None:
    """A block shorter than an ordinary tick is seen while a stream is being read."""
    meter = LagMeter()
    running = asyncio.ensure_future(meter.run())
    with meter.closely():
        await asyncio.sleep(TICK_S * 2)
        began = time.monotonic()
        time.sleep(TICK_S * 0.9)  # noqa: ASYNC251 - the fault under test
        assert meter.worst_since(began) >= TICK_S / 2
    running.cancel()


def test_a_block_that_goes_on_counts() -> None:
    """Asked during a block, before the late tick had its turn, the meter knows."""
    meter = Ticking()
    meter._set_due(5.0)

    assert meter.worst_since(4.0, now=5.2) == pytest.approx(0.2)


def test_each_run_of_the_collector_is_noted_once() -> None:
    """Its pauses can be asked about by moment, and are given out once for counting."""
    meter = GcMeter()
    before = time.monotonic()
    with meter.watching():
        gc.collect()
    gc.collect()  # nobody listens any more

    (pause_s,) = meter.untold()
    assert 0.0 < pause_s == meter.worst_since(before)
    assert meter.worst_since(time.monotonic()) == 0.0
    assert list(meter.untold()) == []


def test_a_collection_under_way_when_listening_began_is_left_out() -> None:
    """An end without its beginning has no length."""
    meter = GcMeter()
    meter.hear("stop", {})

    assert list(meter.untold()) == []


async def test_a_running_meter_listens_to_the_collector_until_it_is_stopped() -> None:
    """The callback comes and goes with the task."""
    meter = LagMeter()
    running = asyncio.ensure_future(meter.run())
    await asyncio.sleep(0)
    assert meter.collector.hear in gc.callbacks

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert meter.collector.hear not in gc.callbacks
