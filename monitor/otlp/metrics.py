"""Metrics: on a beat, whatever the histograms hold then. A beat that fails is made up by the next.

Cumulative counts say all again; deltas that were not taken are put back and told as a longer one.
"""

import asyncio
from contextlib import suppress
from typing import Final

from aggregator.stores.delivery import WriteError, wait_s
from monitor.clock import Clock
from monitor.otlp.encoding import MetricBatch
from monitor.otlp.histograms import Histograms
from monitor.otlp.line import Line
from monitor.otlp.resource import Teller

TOGETHER: Final = 1_000
"""Data points in one request: some 400 KB before compression. Collectors take 20 MiB."""


class Metrics:
    """The lane of metrics."""

    def __init__(
        self,
        line: Line,
        teller: Teller,
        clock: Clock,
        every_s: float,
        histograms: Histograms,
        stopping: asyncio.Event,
    ) -> None:
        self._line, self._teller, self._clock = line, teller, clock
        self._every_s = every_s
        self._histograms = histograms
        self._stopping = stopping

    async def run(self) -> None:
        """Tell what was counted, on each beat, until we stop; then once more."""
        attempt, away_s, over = 0, self._every_s, False
        while not over:
            with suppress(TimeoutError):
                async with asyncio.timeout(away_s):
                    await self._stopping.wait()
            over = self._stopping.is_set()  # what comes while we tell is told as well
            failure = await self._tell()
            attempt = 0 if failure is None else attempt + 1
            away_s = self._every_s
            if failure is not None:
                away_s = max(away_s, wait_s(failure, attempt, self._teller.instance))

    async def _tell(self) -> WriteError | None:
        """Tell everything once; return why the rest of it has to wait for the next beat."""
        now_ns = round(self._clock.wall() * 1e9)
        counted = self._histograms.collect(now_ns)
        for start in range(0, len(counted), TOGETHER):
            batch = MetricBatch(
                self._teller.attributes, self._teller.version, self._histograms.temporality, now_ns
            )
            await self._line.fill(counted[start : start + TOGETHER], batch.add, self._clock)
            failure = await self._line.send(batch.encoded(), batch.items)
            if failure is not None:
                self._histograms.put_back(counted[start:])
                return failure
        return None
