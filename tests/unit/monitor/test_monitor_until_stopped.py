"""What the daemon does before it begins, and a stop that comes meanwhile."""

import asyncio

import pytest

from monitor.daemon import until_stopped


async def test_a_stop_ends_what_would_take_long() -> None:
    """A group whose Redis is slow may take longer to join than a stop may take."""
    stop, begun, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def join() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(until_stopped(stop, join()))
        await begun.wait()
        stop.set()
    assert over.is_set()


async def test_what_ends_by_itself_is_done() -> None:
    """Nobody waits for a stop then."""
    done = asyncio.Event()

    async def join() -> None:
        done.set()

    await until_stopped(asyncio.Event(), join())
    assert done.is_set()


async def test_what_fails_is_not_passed_over() -> None:
    """The daemon ends with it."""

    async def join() -> None:
        raise ValueError("no such group")

    with pytest.raises(ExceptionGroup) as raised:
        await until_stopped(asyncio.Event(), join())
    assert [str(each) for each in raised.value.exceptions] == ["no such group"]
