"""The monitor a tutorial would write (tests/naive/tutorial.py): the SDK, a clock, a database."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from openai import APIConnectionError

from benchmarks.cells import KEY, Order, Sample
from tests.naive.tutorial import Monitor


@dataclass(frozen=True, slots=True)
class Tutorial:
    monitor: Monitor  # its code is untyped, as tutorials are

    async def probe(self, number: int) -> Sample:
        try:
            result = await self.monitor.probe(f"truth-{number}")  # type: ignore[no-untyped-call]
        except APIConnectionError:
            return Sample(id=None, ok=False)
        return Sample(id=number, ok=result.success, whole_s=result.latency)

    def cpu_s(self) -> float:
        return time.process_time()


@asynccontextmanager
async def opened(order: Order) -> AsyncIterator[Tutorial]:
    # Its database is in memory, as it stands there: a file's commits would hold its loop.
    monitor = Monitor(order.url, KEY)  # type: ignore[no-untyped-call]
    try:
        yield Tutorial(monitor)
    finally:
        await monitor.client.close()
        monitor.db.close()
