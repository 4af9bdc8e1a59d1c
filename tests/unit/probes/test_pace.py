"""A moving deadline, in virtual time."""

import asyncio

import pytest

from probes.pace import Pace

pytestmark = pytest.mark.looptime


async def test_it_ends_the_block_when_it_passes() -> None:
    """At its own time, and it says that it was this deadline."""
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):  # noqa: PT012 - the block is what is under test
        async with asyncio.timeout(60) as timeout:
            with Pace(timeout) as pace:
                pace.move(loop.time() + 5)
                await asyncio.sleep(30)

    assert loop.time() == pytest.approx(5)
    assert pace.expired
    assert pace.due == pytest.approx(5)


async def test_it_can_be_put_off_and_brought_forward() -> None:
    """Only where it was moved to last counts, later or sooner."""
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):  # noqa: PT012 - the block is what is under test
        async with asyncio.timeout(60) as timeout:
            with Pace(timeout) as pace:
                pace.move(5.0)
                await asyncio.sleep(4)
                pace.move(20.0)
                await asyncio.sleep(8)
                pace.move(13.0)
                await asyncio.sleep(30)

    assert loop.time() == pytest.approx(13)


async def test_dropped_it_never_passes() -> None:
    """Then the block has the Timeout alone, which is not this deadline."""
    with pytest.raises(TimeoutError):  # noqa: PT012 - the block is what is under test
        async with asyncio.timeout(60) as timeout:
            with Pace(timeout) as pace:
                pace.move(5.0)
                pace.move(None)
                await asyncio.sleep(90)

    assert asyncio.get_running_loop().time() == pytest.approx(60)
    assert not pace.expired


async def test_nothing_is_left_behind_the_block() -> None:
    """A block that ends in time is not ended again, nor is what follows it."""
    async with asyncio.timeout(60) as timeout:
        with Pace(timeout) as pace:
            pace.move(5.0)
        await asyncio.sleep(20)

    assert not pace.expired
    assert pace.due is None


async def test_of_two_deadlines_that_pass_together_the_whole_one_counts() -> None:
    """The Timeout has gone off already: it cannot be moved any more."""
    with pytest.raises(TimeoutError):  # noqa: PT012 - the block is what is under test
        async with asyncio.timeout(5) as timeout:
            with Pace(timeout) as pace:
                pace.move(5.0)
                await asyncio.sleep(30)

    assert not pace.expired
