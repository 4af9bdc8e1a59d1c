"""A channel's pace: what its receiver asks for, and what an hour may have."""

import asyncio

import pytest

from alerting.pace import HOUR_S, Pace

pytestmark = pytest.mark.looptime


async def test_a_short_wait_of_the_receiver_opens_no_full_hour() -> None:
    """The last attempt that an hour allows is answered by "in five seconds": the hour counts."""
    pace = Pace("team", 2)
    pace.attempt()
    await asyncio.sleep(10)
    pace.attempt()
    pace.hold(5)
    assert pace.held_s == HOUR_S - 10
    await asyncio.sleep(HOUR_S - 10)
    assert pace.held_s == 0


async def test_a_long_wait_of_the_receiver_outlasts_the_hour() -> None:
    """Whichever is longer."""
    pace = Pace("team", 1)
    pace.attempt()
    pace.hold(HOUR_S + 5)
    assert pace.held_s == HOUR_S + 5
    assert Pace("ops", None).held_s == 0


@pytest.mark.parametrize("more", [3, None])
async def test_a_limit_that_is_raised_counts_at_once(more: int | None) -> None:
    """Nobody waits out an hour under a limit that is gone; what the receiver asked for stays."""
    pace = Pace("team", 2)
    pace.attempt()
    pace.attempt()
    assert pace.held_s == HOUR_S
    pace.allow(more)
    assert pace.held_s == 0
    pace.hold(5)
    pace.allow(2)
    pace.allow(more)
    assert pace.held_s == 5


async def test_a_limit_that_is_lowered_counts_what_was_tried() -> None:
    """Two attempts of this hour are as many as it may have from now on."""
    pace = Pace("team", None)
    pace.attempt()
    pace.allow(1)
    assert pace.held_s == HOUR_S
