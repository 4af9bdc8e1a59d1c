"""Metrics that are read rather than counted: the newest evaluation, and others' own counts.

What is true of a whole window is handed over once an evaluation as one immutable value, so that a
scrape, which lets others run meanwhile, never shows half of one and half of the next.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.summary import Summary
from alerting.engine import Alert
from alerting.prometheus.figures import SLOWEST
from monitor.config.durations import format_duration
from monitor.exposition import head, label_text, more_labels
from monitor.facts import Known, written_facts
from monitor.keys import KeyReading, written_keys
from probes.result import Fault, Verdict
from probes.target import Target


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
    keys: tuple[KeyReading, ...] = ()
    facts: Known = field(default_factory=dict)
    """What rules were told that is in no window; not written to any more."""
    location: str = ""


class EvaluationGauges:
    """Gauges of the newest evaluation; a statistic without data has no sample."""

    def __init__(self, labels_of: Callable[[Target], str]) -> None:
        """Take what gives a target's labels, as `label_text` makes them."""
        self._labels_of = labels_of
        self.evaluated = Evaluated()

    def written(self) -> Iterator[str]:
        """Yield the gauges in small pieces, all of one evaluation."""
        found = self.evaluated
        windows: dict[float, str] = {}
        labelled: list[tuple[str, Summary]] = []
        for reading in found.readings:
            target, summary = reading.target, reading.summary
            window = windows.get(summary.over_s)
            if window is None:
                window = more_labels(("window",), (format_duration(summary.over_s),))
                windows[summary.over_s] = window
            labelled.append((self._labels_of(target) + window, summary))
            yield ""
        for name, (start, lines) in _WINDOW_FAMILIES.items():
            yield start
            for labels, summary in labelled:
                yield lines(name, labels, summary)
        yield head(_SINCE, "gauge", "Results since the newest one with this fault.")
        before: Target | None = None
        for reading in found.readings:  # what is of no window, once for each target
            if reading.target is not before:
                before = reading.target
                yield _since(self._labels_of(before), reading.summary.recent_faults)
        yield from written_facts(found.facts, found.location)
        yield from _alerts(found.alerts)
        yield from written_keys(found.keys)


def _quantiles(name: str, labels: str, summary: Summary) -> str:
    if summary.latency is None:
        return ""
    quantiles = summary.latency.quantiles.items()
    return "".join([f'{name}{{{labels},quantile="{q}"}} {value}\n' for q, value in quantiles])


def _mean(name: str, labels: str, summary: Summary) -> str:
    return "" if summary.latency is None else f"{name}{{{labels}}} {summary.latency.mean}\n"


def _latencies(name: str, labels: str, summary: Summary) -> str:
    return "" if summary.latency is None else f"{name}{{{labels}}} {summary.latency.n}\n"


def _slowest(name: str, labels: str, summary: Summary) -> str:
    if summary.latency is None:
        return ""
    first, slowest = f"{name}{{{labels}", summary.latency.samples[-SLOWEST:]
    return "".join(
        [f"{first}{rank}{value}\n" for rank, value in zip(_RANKS, reversed(slowest), strict=False)]
    )


def _faults(name: str, labels: str, summary: Summary) -> str:
    first, counts = f"{name}{{{labels}", summary.by_fault.items()
    return "".join([f"{first}{_OF_FAULT[fault]}{number}\n" for fault, number in counts if number])


def _verdicts(name: str, labels: str, summary: Summary) -> str:
    first, counts = f"{name}{{{labels}", summary.by_verdict.items()
    return "".join([f"{first}{_OF_VERDICT[each]}{number}\n" for each, number in counts if number])


def _since(labels: str, recent: Sequence[Fault]) -> str:
    """Write how long ago, in results, each fault was had: runs of any faults follow from that."""
    first, newest_first = f"{_SINCE}{{{labels}", recent[::-1]
    ages = [newest_first.index(fault) if fault in newest_first else len(recent) for fault in _HAD]
    return "".join(
        [f"{first}{_OF_FAULT[fault]}{ago}\n" for fault, ago in zip(_HAD, ages, strict=True)]
    )


def _known(name: str, labels: str, value: float | None) -> str:
    return "" if value is None else f"{name}{{{labels}}} {value}\n"


_SINCE: Final = "sonde_probe_results_since"
_HAD: Final = tuple(fault for fault in Fault if fault is not Fault.MONITOR)
"""Faults of results that count; those of our own are in no window."""
# The ends of lines, made once: there are thousands of lines.
_OF_FAULT: Final = {fault: f"{more_labels(('fault',), (fault,))}}} " for fault in Fault}
_OF_VERDICT: Final = {each: f"{more_labels(('verdict',), (each,))}}} " for each in Verdict}
_RANKS: Final = tuple(f',rank="{rank}"}} ' for rank in range(1, SLOWEST + 1))
_WINDOW_FAMILIES: Final[Mapping[str, tuple[str, Callable[[str, str, Summary], str]]]] = {
    name: (head(name, kind, text), lines)
    for name, kind, text, lines in (
        # A summary, for the label "quantile" belongs to that type; its sums are in the histogram.
        (
            "sonde_window_latency_seconds",
            "summary",
            "Latency quantiles over the window; timeouts count at their deadline.",
            _quantiles,
        ),
        (
            "sonde_window_error_ratio",
            "gauge",
            "Part of the results that were not ok.",
            lambda name, labels, summary: _known(name, labels, summary.error_rate),
        ),
        (
            "sonde_window_coverage_ratio",
            "gauge",
            "Results per slot that should have one.",
            lambda name, labels, summary: _known(name, labels, summary.coverage),
        ),
        (
            "sonde_window_samples",
            "gauge",
            "Measured results in the window.",
            lambda name, labels, summary: _known(name, labels, summary.n),
        ),
        (
            "sonde_window_faults",
            "gauge",
            "Results in the window by fault.",
            _faults,
        ),
        (
            "sonde_window_verdicts",
            "gauge",
            "Results in the window by verdict.",
            _verdicts,
        ),
        (
            "sonde_window_latency_mean_seconds",
            "gauge",
            "Mean latency over the window; timeouts count at their deadline.",
            _mean,
        ),
        (
            "sonde_window_latency_samples",
            "gauge",
            "Latencies in the window.",
            _latencies,
        ),
        (
            "sonde_window_latency_slowest_seconds",
            "gauge",
            "The slowest answers of the window, from the first.",
            _slowest,
        ),
    )
}


def _alerts(alerts: Iterable[Alert]) -> Iterator[str]:
    name, names = "sonde_alerts", ("alertname", "severity", "state")
    counted: Counter[tuple[str, ...]] = Counter()
    for alert in alerts:
        counted[alert.alertname, alert.severity, alert.state] += 1
        yield ""  # an outage of everything has thousands
    yield head(name, "gauge", "Alerts by state.")
    for values, number in counted.items():
        yield f"{name}{{{label_text(names, values)}}} {number}\n"


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
