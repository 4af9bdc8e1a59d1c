"""Metrics that are read rather than counted: the newest evaluation, and others' own counts.

What is true of a whole window is handed over once an evaluation as one immutable value, so that
rendering in a thread never sees half of it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.summary import Summary
from alerting.engine import Alert
from monitor.config.durations import format_duration
from probes.target import Target

SERIES: Final = ("provider", "model", "target", "operation", "location")
"""The labels of everything that speaks of one target."""


def series(target: Target, location: str) -> tuple[str, str, str, str, str]:
    """Return a target's values for SERIES."""
    return (target.provider, target.model, target.name, target.operation.value, location)


@dataclass(frozen=True, slots=True)
class WindowReading:
    """One target's summary over one window, ready to be shown."""

    target: Target
    summary: Summary


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one evaluation found, as a whole."""

    readings: tuple[WindowReading, ...] = ()
    alerts: tuple[Alert, ...] = ()
    requests_per_min: tuple[tuple[str, float], ...] = ()
    """Provider and rate."""


class EvaluationCollector(Collector):
    """Gauges of the newest evaluation; a statistic without data has no sample."""

    def __init__(self, location: str) -> None:
        self._location = location
        self.evaluated = Evaluated()

    def collect(self) -> Iterable[Metric]:
        """Return the gauges, all of one evaluation."""
        found = self.evaluated
        return (*self._windows(found), _alerts(found), _rates(found))

    def _windows(self, found: Evaluated) -> Iterable[Metric]:
        labels = (*SERIES, "window")
        # A summary, for the label "quantile" belongs to that type; its sums are in the histogram.
        latency = Metric(
            "sonde_window_latency_seconds",
            "Latency quantiles over the window; timeouts count at their deadline.",
            "summary",
        )
        ratio = GaugeMetricFamily(
            "sonde_window_error_ratio", "Part of the results that were not ok.", labels=labels
        )
        coverage = GaugeMetricFamily(
            "sonde_window_coverage_ratio", "Results per slot that should have one.", labels=labels
        )
        samples = GaugeMetricFamily(
            "sonde_window_samples", "Measured results in the window.", labels=labels
        )
        for reading in found.readings:
            over = format_duration(reading.summary.over_s)
            key = (*series(reading.target, self._location), over)
            samples.add_metric(key, reading.summary.n)
            if reading.summary.error_rate is not None:
                ratio.add_metric(key, reading.summary.error_rate)
            if reading.summary.coverage is not None:
                coverage.add_metric(key, reading.summary.coverage)
            if reading.summary.latency is not None:
                for q, value in reading.summary.latency.quantiles.items():
                    labelled = {**dict(zip(labels, key, strict=True)), "quantile": str(q)}
                    latency.add_sample(latency.name, labelled, value)
        return (latency, ratio, coverage, samples)


def _alerts(found: Evaluated) -> Metric:
    family = GaugeMetricFamily(
        "sonde_alerts", "Alerts by state.", labels=("alertname", "severity", "state")
    )
    counted = Counter((a.alertname, a.severity.value, str(a.state)) for a in found.alerts)
    for key, number in counted.items():
        family.add_metric(key, number)
    return family


def _rates(found: Evaluated) -> Metric:
    family = GaugeMetricFamily(
        "sonde_provider_requests_per_minute",
        "Requests sent per minute with one provider key, over the shortest window.",
        labels=("provider",),
    )
    for provider, rate in found.requests_per_min:
        family.add_metric((provider,), rate)
    return family


class CountsCollector(Collector):
    """Counters that other parts keep for themselves, read when Prometheus asks."""

    def __init__(self, counts: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        """Take name -> (help, how to read it). Reading must be safe in any thread."""
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """Return the counters; a name that does not end in `_total` is a gauge."""
        for name, (text, read) in self._counts.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield kind(name, text, value=read())
