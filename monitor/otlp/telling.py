"""The way to OpenTelemetry through all configurations of one process: mostly, there is none.

The exporter is imported when an endpoint is configured, and not before: protobuf and the protocol's
definitions take 35 ms and 7 MiB.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from monitor.clock import Clock
from monitor.config.values import Config
from monitor.otlp.counts import Counts
from probes.result import ProbeResult

if TYPE_CHECKING:
    from monitor.otlp.exporter import Exporter


class Telling:
    """Has every result of ours told to the endpoint that is configured now, if any is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._exporter: Exporter | None = None
        self._config: Config | None = None
        self._registry: CollectorRegistry | None = None
        self._counts: Counts | None = None
        self._changed = asyncio.Event()
        self._stopped = False

    def also(self, before: Callable[[ProbeResult], None]) -> Callable[[ProbeResult], None]:
        """Return what hears of results: who did `before`, and we."""

        def on_result(result: ProbeResult) -> None:
            before(result)
            if self._exporter is not None:
                self._exporter.offer(result)

        return on_result

    def open(self, config: Config, registry: CollectorRegistry) -> None:
        """Begin with a configuration; connects nowhere. Blocks for some 50 ms, if there is one."""
        self._config, self._registry = config, registry
        self._exporter = self._built(config)

    def take_up(self, config: Config) -> None:
        """Go on with another configuration: at once with its targets, soon with its endpoint."""
        before, self._config = self._config, config
        if before is None or before.otlp != config.otlp:
            self._changed.set()
        if self._exporter is not None:
            self._exporter.retarget(config)

    async def run(self) -> None:
        """Tell until `stop`, whichever endpoint there is; then what is left, for a few seconds."""
        async with asyncio.TaskGroup() as group:
            while not self._stopped:
                exporter = self._exporter
                if exporter is not None:
                    group.create_task(exporter.run(), name="telling OpenTelemetry")
                await self._changed.wait()
                self._changed.clear()
                config = self._config
                if config is not None and not self._stopped:
                    built = await asyncio.to_thread(self._built, config)
                    if built is not None:
                        built.retarget(self._config or config)  # it may have changed meanwhile
                    self._exporter = built
                if exporter is not None:
                    exporter.stop()

    def stop(self) -> None:
        """Have `run` end soon."""
        self._stopped = True
        self._changed.set()

    def _built(self, config: Config) -> "Exporter | None":
        if config.otlp is None or self._registry is None:
            return None
        from monitor.otlp.exporter import Exporter  # noqa: PLC0415 - lazy registry

        if self._counts is None:
            self._counts = Counts(self._registry, self._waiting)
        return Exporter(config, config.otlp, self._clock, self._counts)

    def _waiting(self) -> float:
        return 0.0 if self._exporter is None else self._exporter.waiting
