"""The lag meter, told by hand of its turns, and on a loop of its own."""

import asyncio
import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.lag import NOTABLE_S, RESTED_S, GcMeter, LagMeter
from probes.worst import KEEP_S

BLOCK_S = 0.05


def turned(*turns: tuple[float, float]) -> LagMeter:
    """Return a meter of a loop that had these turns, given by beginning and end."""
    meter = LagMeter()
    for began, ended in turns:
        meter.turn_began(began, 0.0)
        meter.turn_ended(ended)
    return meter


def test_a_meter_without_a_loop_knows_no_lag() -> None:
    """Before the first turn there is nothing to say."""
    meter = LagMeter()
    meter.turn_ended(5.0)

    assert meter.worst_since(0.0, now=1000.0) == 0.0


def test_a_block_is_seen_while_it_lasts_and_afterwards() -> None:
    """On a loop that the meter made: exactly, for whoever asks in the block and behind it."""
    meter = LagMeter()

    async def blocked() -> tuple[float, float, float]:
        await asyncio.sleep(0)
        began = time.monotonic()
        time.sleep(BLOCK_S)  # noqa: ASYNC251 - the fault under test
        within = meter.worst_since(began)
        await asyncio.sleep(0)
        return within, meter.worst_since(began), meter.worst_since(time.monotonic())

    with asyncio.Runner(loop_factory=meter.new_loop) as runner:
        within, behind, later = runner.run(blocked())
    assert within >= BLOCK_S
    assert behind >= within
    assert later == 0.0


def test_a_timer_that_came_late_counts() -> None:
    """A process that did not get its processor in time is late, though no turn was long."""
    meter = LagMeter()
    meter.turn_began(10.0, 0.3)
    meter.turn_ended(10.001)

    assert meter.worst_since(9.0, now=11.0) == 0.3
    assert meter.worst_since(10.0005, now=11.0) == 0.0


def test_the_worst_lateness_since_a_moment() -> None:
    """Turns that were over before the moment do not count, short ones never do."""
    meter = turned((1.0, 1.3), (2.0, 2.0015), (3.0, 3.1), (4.0, 4.05))

    assert meter.worst_since(0.0, now=4.9) == pytest.approx(0.3)
    assert meter.worst_since(1.5, now=4.9) == pytest.approx(0.1)
    assert meter.worst_since(4.0, now=4.9) == pytest.approx(0.05)
    assert meter.worst_since(4.5, now=4.9) == 0.0


@given(
    turns=st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=40),
    since=st.integers(0, 2500),
)
def test_only_what_can_be_the_worst_is_kept(turns: list[tuple[int, int]], since: int) -> None:
    """Against an oracle that keeps everything, for any moment asked about."""
    meter, oracle, now = LagMeter(), list[tuple[float, float]](), 0.0
    for pause, held in turns:
        now += pause
        meter.turn_began(now, 0.0)
        now += held
        meter.turn_ended(now)
        oracle.append((now, float(held)))
    wanted = max((held for at, held in oracle if at >= since and held >= NOTABLE_S), default=0.0)

    # What is older than KEEP_S is not asked for, and may be gone.
    if since >= now - KEEP_S:
        assert meter.worst_since(since, now=now) == wanted


def test_old_lateness_is_forgotten() -> None:
    """Memory does not grow with the life of the process."""
    meter = turned((1.0, 10.0), (12.0, 20.0), (18.0 + KEEP_S, 19.0 + KEEP_S))

    assert meter.worst_since(0.0, now=19.0 + KEEP_S) == pytest.approx(8.0)


def test_a_turn_that_goes_on_counts() -> None:
    """Asked in the middle of a long turn, the meter knows; of an ordinary one it says nothing."""
    meter = LagMeter()
    meter.turn_began(5.0, 0.0)

    assert meter.worst_since(4.0, now=5.2) == pytest.approx(0.2)
    assert meter.worst_since(4.0, now=5.0 + NOTABLE_S / 2) == 0.0


def test_how_long_something_may_have_lain_unseen() -> None:
    """What came in a turn is read in the next one: both count, unless a wait lay between them."""
    meter = LagMeter()
    assert meter.unseen_s(99.0) == 0.0
    meter.turn_began(100.0, 0.0)
    assert meter.unseen_s(100.0001) == pytest.approx(0.0001)
    meter.turn_ended(100.3)
    meter.turn_began(100.3, 0.0)
    assert meter.unseen_s(100.301) == pytest.approx(0.301)
    meter.turn_ended(100.4)
    meter.turn_began(100.4 + RESTED_S * 1.1, 0.0)
    assert meter.unseen_s(100.401 + RESTED_S * 1.1) == pytest.approx(0.001)


def test_each_run_of_the_collector_is_noted_once() -> None:
    """Its pauses can be asked about by moment, and are given out once for counting."""
    meter = GcMeter()
    before = time.monotonic()
    gc.freeze()  # what the other tests hold would take its time
    with meter.watching():
        gc.collect()
    gc.collect()  # nobody listens any more
    gc.unfreeze()

    (pause_s,) = meter.untold()
    assert 0.0 < pause_s == meter.worst_since(before)
    assert meter.worst_since(time.monotonic()) == 0.0
    assert list(meter.untold()) == []


def test_a_collection_under_way_when_listening_began_is_left_out() -> None:
    """An end without its beginning has no length."""
    meter = GcMeter()
    meter.hear("stop", {})

    assert list(meter.untold()) == []
