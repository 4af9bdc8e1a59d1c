"""Everything measured also goes to the configured InfluxDB: wiring, counts, points of windows."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import structlog
from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from aggregator.ledger import Ledger, LedgerError
from aggregator.stores.delivery import Outcome, Writer
from aggregator.stores.lines import window_line
from aggregator.stores.shipper import Shipper
from aggregator.stores.spool import bound_windows, keep_windows
from monitor.clock import Clock
from monitor.collectors import WindowReading
from monitor.config.durations import format_duration
from monitor.config.values import Influxdb, Store

WINDOWS_EVERY_S: Final = 60
POINTS_TOGETHER: Final = 500
"""Points of windows in one row of the spool and one write: some 120 KB of lines."""
SLICE_S: Final = 0.002
"""Encoding done in one go: probes must not wait for it."""
WINDOWS_SHARE: Final = 0.25
"""Of `store.max_size` what points of windows that wait may take: a day of them at 5,000 targets.
Results, from which they could be made again, come first."""

log = structlog.get_logger("sonde.influxdb")


class Shipping:
    """The road's end beside the ledger."""

    def __init__(
        self,
        store: Store,
        influxdb: Influxdb,
        writer: Writer,
        ledger: Ledger,
        clock: Clock,
        location: str,
        registry: CollectorRegistry,
        readings: Callable[[], Sequence[WindowReading]],
    ) -> None:
        """Take the parts; `readings` gives what the newest evaluation found."""
        self._ledger = ledger
        self._clock = clock
        self._location = location
        self._readings = readings
        self.bound(store)
        writes = Counter(
            "sonde_influxdb_writes_total",
            "Writes to InfluxDB by what came of them.",
            ("outcome",),
            registry=registry,
        )
        self._by_outcome = {outcome: writes.labels(outcome.value) for outcome in Outcome}
        self._lost = Counter(
            "sonde_spool_lost_points_total",
            "Points of windows that the ledger did not take, and nobody has.",
            registry=registry,
        )
        self.shipper = Shipper(
            ledger,
            writer,
            influxdb.destination,
            location,
            clock.wall,
            self._on_outcome,
        )
        registry.register(_SpoolCollector(self.shipper, clock.wall))

    def bound(self, store: Store) -> None:
        """Let points that wait take their share of the store's size."""
        self._limit_bytes = int(store.max_size_bytes * WINDOWS_SHARE)

    def _on_outcome(self, outcome: Outcome) -> None:
        self._by_outcome[outcome].inc()

    async def keep_windows(self) -> None:
        """Put the summaries of every minute into the spool, for ever."""
        while True:
            minute = int(self._clock.wall() // WINDOWS_EVERY_S + 1) * WINDOWS_EVERY_S
            await asyncio.sleep(minute - self._clock.wall())
            try:
                await self._keep(minute)
            except Exception:  # the edge of this part: probes go on without its points
                self._on_outcome(Outcome.BROKEN)
                log.exception("influxdb.windows_broken")

    async def _keep(self, minute: int) -> None:
        lines: list[str] = []
        since = self._clock.monotonic()
        for line in window_lines(self._readings(), self._location, minute):
            lines.append(line)
            if len(lines) == POINTS_TOGETHER:
                await self._save(lines, minute)
                lines = []
            if self._clock.monotonic() - since >= SLICE_S:
                await asyncio.sleep(0)
                since = self._clock.monotonic()
        if lines:
            await self._save(lines, minute)
        try:
            await self._ledger.write(partial(bound_windows, limit_bytes=self._limit_bytes))
        except LedgerError as error:
            log.error("influxdb.ledger_failed", error=str(error))

    async def _save(self, lines: Sequence[str], minute: int) -> None:
        try:
            await self._ledger.write(partial(keep_windows, lines=lines, at=float(minute)))
        except LedgerError as error:
            self._lost.inc(len(lines))
            log.error("influxdb.ledger_failed", error=str(error))


def window_lines(readings: Iterable[WindowReading], location: str, minute: int) -> Iterator[str]:
    """Yield one point for each target and window; latencies in milliseconds."""
    for reading in readings:
        target, summary = reading.target, reading.summary
        tags = (
            ("location", location),
            ("model", target.model),
            ("operation", target.operation.value),
            ("provider", target.provider),
            ("target", target.name),
            ("window", format_duration(summary.over_s)),
        )
        fields: dict[str, float | None] = {"count": summary.n, "error_rate": summary.error_rate}
        if summary.latency is not None:
            fields["mean"] = 1000 * summary.latency.mean
            for q, name in _QUANTILES:
                seconds = summary.latency.quantile(q)
                fields[name] = None if seconds is None else 1000 * seconds
            fields["std"] = 1000 * summary.latency.std
        fields["throughput_rpm"] = summary.rate_per_min
        yield window_line(tags, fields.items(), minute)


_QUANTILES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (0.999, "p999"))


class _SpoolCollector(Collector):
    """The balances of one moment, so that a scrape never shows a sum that is not one."""

    def __init__(self, shipper: Shipper, wall: Callable[[], float]) -> None:
        self._shipper = shipper
        self._wall = wall

    def collect(self) -> Iterable[Metric]:
        """Return the terms of produced = stored + pending + dropped + quarantined."""
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for name, text in _GAUGES.items():
            families[name] = GaugeMetricFamily(f"sonde_spool_{name}", text, labels=("stream",))
        for name, text in _COUNTERS.items():
            families[name] = CounterMetricFamily(f"sonde_spool_{name}", text, labels=("stream",))
        for stream, balance in self._shipper.balances.items():
            oldest_at = balance.oldest_at
            values = {
                "rows": balance.pending,
                "oldest_seconds": 0.0 if oldest_at is None else max(0.0, self._wall() - oldest_at),
                **{name: getattr(balance, name) for name in _COUNTERS},
            }
            for name, value in values.items():
                families[name].add_metric((stream.value,), value)
        return families.values()


_GAUGES: Final = {
    "rows": "Points that wait to be written to InfluxDB.",
    "oldest_seconds": "Age of the oldest point that waits; 0 when none does.",
}
_COUNTERS: Final = {
    "produced": "Points there were to write.",
    "stored": "Points InfluxDB has acknowledged.",
    "dropped": "Points that became too old or too many before they were written.",
    "quarantined": "Points InfluxDB refuses; the newest are in the ledger's table quarantine.",
}
