"""Tells one endpoint what was measured: metrics on a beat, one trace of each probe.

A result is folded into histograms when it comes, and waits for its trace to be made. Everything
else goes on beside the probes: encoding in slices, compressing in a thread, each request within a
deadline. What cannot be delivered waits within bounds, and what is lost is counted.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from monitor.clock import Clock
from monitor.config.values import Config, Otlp
from monitor.otlp.counts import Counts
from monitor.otlp.encoding import rejected_points, rejected_spans
from monitor.otlp.histograms import Histograms
from monitor.otlp.line import Line, Posting
from monitor.otlp.metrics import Metrics
from monitor.otlp.resource import teller
from monitor.otlp.signal import Dropped, Signal
from monitor.otlp.subject import Subject, subjects
from monitor.otlp.traces import Traces
from monitor.otlp.wire import Wire
from probes.result import ProbeResult

LEAVE_S: Final = 4.0
"""How long what is left may take to be told: less than the daemon gives all deliveries."""

log = structlog.get_logger("sonde.otlp")


class Exporter:
    """One endpoint, for as long as its configuration stays."""

    def __init__(
        self,
        config: Config,
        otlp: Otlp,
        clock: Clock,
        counts: Counts,
        posting: Posting | None = None,
    ) -> None:
        """Read the roots, which blocks for some 20 ms; connects nowhere. `posting`: in tests."""
        self._posting = posting or Wire(otlp, clock.wall)
        self._subjects = _subjects(config)
        self._counts = counts
        self._stopping = asyncio.Event()
        us, stopping = teller(config), self._stopping
        self._histograms = Histograms(otlp.temporality, self._subjects, round(clock.wall() * 1e9))
        self._traces: Traces | None = None
        self._metrics: Metrics | None = None
        if otlp.traces:
            line = Line(Signal.TRACES, self._posting, counts, rejected_spans)
            self._traces = Traces(line, us, clock, otlp.every_s, stopping)
        if otlp.metrics:
            line = Line(Signal.METRICS, self._posting, counts, rejected_points)
            self._metrics = Metrics(line, us, clock, otlp.every_s, self._histograms, stopping)

    @property
    def waiting(self) -> int:
        """How many results wait for their trace to be told."""
        return 0 if self._traces is None else len(self._traces.waiting)

    def offer(self, result: ProbeResult) -> None:
        """Have a result told; of a target that is none of ours, nothing is."""
        subject = self._subjects.get(result.target)
        if subject is None:
            return
        if self._metrics is not None:
            self._histograms.observe(result)
        if self._traces is not None:
            self._traces.offer(result, subject)

    def retarget(self, config: Config) -> None:
        """Go on with the targets of another configuration."""
        self._subjects = _subjects(config)
        self._histograms.keep_only(self._subjects)

    async def run(self) -> None:
        """Tell until `stop`, then what is left, once; and let go of connections."""
        try:
            async with asyncio.timeout(None) as deadline, asyncio.TaskGroup() as group:
                group.create_task(self._bound(deadline), name="end of telling OpenTelemetry")
                if self._traces is not None:
                    group.create_task(self._traces.run(), name="traces to OpenTelemetry")
                if self._metrics is not None:
                    group.create_task(self._metrics.run(), name="metrics to OpenTelemetry")
        except TimeoutError:
            if self._traces is not None:
                untold = self._traces.under_way + self.waiting
                self._counts.dropped(Signal.TRACES, Dropped.STOPPED, untold)
            log.warning("otlp.left_untold", results=self.waiting)
        finally:
            await self._posting.close()

    def stop(self) -> None:
        """Have `run` end within a few seconds."""
        self._stopping.set()
        if self._traces is not None:
            self._traces.stop()

    async def _bound(self, deadline: asyncio.Timeout) -> None:
        await self._stopping.wait()
        deadline.reschedule(asyncio.get_running_loop().time() + LEAVE_S)


def _subjects(config: Config) -> Mapping[str, Subject]:
    return subjects(config.targets, config.providers, config.location)
