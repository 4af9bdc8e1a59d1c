"""Meet one fault once, with the real prober over real sockets, and measure what it took."""

import asyncio
import time
import tracemalloc
from dataclasses import dataclass
from typing import Final

from probes.hints import Hint
from probes.result import ProbeResult
from probes.target import Slot
from tests.faults.asked import Asked, target
from tests.faults.matrix import Row
from tests.faults.places import Place
from tests.integration.probing import probing

TRIES: Final = 4
"""A machine so busy that our own loop stood still at the deadline says nothing about the fault."""


@dataclass(frozen=True, slots=True)
class Met:
    """What came of it."""

    result: ProbeResult
    took_s: float
    """By the clock on the wall, until the prober had its result."""
    deadline_s: float
    requests: int
    tasks_left: int
    peak_bytes: int
    """The most memory that Python objects took meanwhile, those of the server included."""


async def meet(row: Row, asked: Asked) -> Met:
    """Meet the fault, again if our own process was too busy to tell."""
    for _ in range(TRIES - 1):
        met = await _once(row, asked)
        if met.result.hint != Hint.BUSY:
            return met
    return await _once(row, asked)


async def _once(row: Row, asked: Asked) -> Met:
    asking = target(asked, waits=row.waits)
    tasks = asyncio.all_tasks()
    with row.at() as place:
        async with probing(place.url, place.tls) as prober:
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            began = time.monotonic()
            result = await prober.probe(asking, Slot(1, 60.0))
            took_s = time.monotonic() - began
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        left = len(asyncio.all_tasks() - tasks)
        requests = await _settled(place)
    return Met(result, took_s, asking.deadline_s, requests, left, peak - before)


async def _settled(place: Place) -> int:
    """Return the requests the server has seen when all its connections have ended."""
    await place.server.all_closed()
    return len(place.server.requests)
