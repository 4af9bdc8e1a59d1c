"""Work that lets probes in between."""

import asyncio
from collections.abc import Iterator

from monitor.clock import Clock
from monitor.otlp.line import SLICE_S, in_slices


async def test_long_work_is_done_in_slices() -> None:
    """Each item takes a slice and a bit: whoever else is there gets a turn after each."""
    now = 0.0
    turns: list[str] = []

    def work(item: int) -> None:
        nonlocal now
        now += SLICE_S * 1.1
        turns.append(f"work {item}")

    async def other() -> None:
        while len(turns) < 6:
            turns.append("other")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(other())
        group.create_task(in_slices(range(3), work, Clock(lambda: 0.0, lambda: now)))
    assert turns == ["other", "work 0", "other", "work 1", "other", "work 2"]


async def test_short_work_is_done_in_one_go() -> None:
    """Nothing is put off, and what is not wanted is not made."""
    done: list[int] = []

    def items() -> Iterator[int]:
        yield from range(5)

    await in_slices(items(), done.append, Clock(lambda: 0.0, lambda: 0.0))
    assert done == [0, 1, 2, 3, 4]
