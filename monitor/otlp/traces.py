"""Traces: results wait for a batch, and a batch is tried until it is taken or too old."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from aggregator.stores.delivery import wait_s
from monitor.clock import Clock
from monitor.otlp.encoding import TraceBatch
from monitor.otlp.line import Line
from monitor.otlp.resource import Teller
from monitor.otlp.signal import Dropped
from monitor.otlp.spans import trace_of
from monitor.otlp.subject import Subject
from probes.result import ProbeResult

WAITING_LIMIT: Final = 10_000
"""Results whose traces wait, some 15 MB: half an hour at 300 targets a minute. The oldest go."""
TOGETHER: Final = 200
"""Probes in one request: some 300 KB before compression. Collectors take 20 MiB."""
GIVE_UP_S: Final = 300.0
"""How long a batch is tried: the collectors' own default (`retry_on_failure.max_elapsed_time`)."""

Waiting = tuple[ProbeResult, Subject]


class Traces:
    """The lane of traces."""

    def __init__(
        self, line: Line, teller: Teller, clock: Clock, every_s: float, stopping: asyncio.Event
    ) -> None:
        self.waiting: deque[Waiting] = deque()
        self.under_way = 0
        """Spans of a batch of which it is not known what becomes of it."""
        self._line, self._teller, self._clock = line, teller, clock
        self._every_s = every_s
        self._stopping = stopping
        self._enough = asyncio.Event()

    def offer(self, result: ProbeResult, subject: Subject) -> None:
        """Have a result's trace told."""
        if len(self.waiting) >= WAITING_LIMIT:
            self.waiting.popleft()
            self._drop(Dropped.QUEUE, 1)
        self.waiting.append((result, subject))
        if len(self.waiting) >= TOGETHER:
            self._enough.set()

    async def run(self) -> None:
        """Tell what waits, every so often or when it is many, until we stop; then once more."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._enough.wait()
            self._enough.clear()
            while self.waiting and not self._stopping.is_set():
                await self._tell()
        while self.waiting:
            await self._tell()

    def stop(self) -> None:
        """Notice that we stop."""
        self._enough.set()

    async def _tell(self) -> None:
        """Tell one batch: until it is taken, refused or too old; once when we stop."""
        together = [self.waiting.popleft() for _ in range(min(TOGETHER, len(self.waiting)))]
        batch = TraceBatch(self._teller.attributes, self._teller.version)

        def add(waiting: Waiting) -> None:
            batch.add(trace_of(*waiting, self._teller.instance))

        await self._line.fill(together, add, self._clock)
        self.under_way = batch.items
        if batch.items:
            await self._deliver(batch)
        self.under_way = 0

    async def _deliver(self, batch: TraceBatch) -> None:
        body, began, attempt = batch.encoded(), self._clock.monotonic(), 1
        while (failure := await self._line.send(body, batch.items)) is not None:
            away_s = wait_s(failure, attempt, self._teller.instance)
            if self._stopping.is_set():
                self._drop(Dropped.STOPPED, batch.items + len(self.waiting))
                self.waiting.clear()
                return
            given_up = self._clock.monotonic() - began + away_s > GIVE_UP_S
            if given_up:
                self._drop(Dropped.GIVEN_UP, batch.items)
                self.under_way = 0
            with suppress(TimeoutError):
                async with asyncio.timeout(away_s):
                    await self._stopping.wait()
            if given_up:  # the next batch must not be sooner than this one was to be
                return
            attempt += 1

    def _drop(self, reason: Dropped, items: int) -> None:
        self._line.counts.dropped(self._line.signal, reason, items)
