"""What Prometheus sees. Names, labels and units are part of the interface.

Labels are closed sets or names from the configuration, never text from a provider. Counters and
histograms move with each result; what is true of a whole window is handed over once an evaluation
as one immutable tuple, so that rendering in a thread never reads what the loop is changing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.summary import Summary
from alerting.engine import Alert
from monitor.config.durations import format_duration
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target

SERIES: Final = ("provider", "model", "target", "operation", "location")
PHASES: Final = ("resolve", "connect", "tls", "processing", "transfer")
DURATION_BUCKETS: Final = tuple(0.01 * 2**i for i in range(15))
"""0.01 s to 163.84 s: the OpenTelemetry GenAI client buckets."""
FIRST_TOKEN_BUCKETS: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5),
    *(0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0),
)
INTER_TOKEN_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
LATENESS_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class WindowReading:
    """One target's summary over one window, ready to be shown."""

    target: Target
    summary: Summary


class _Windows(Collector):
    """Gauges of the newest evaluation's summaries; a statistic without data has no sample."""

    def __init__(self, location: str) -> None:
        self._location = location
        self.readings: tuple[WindowReading, ...] = ()

    def collect(self) -> Iterable[Metric]:
        """Return the window gauges."""
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
        for reading in self.readings:
            key = (*_series(reading.target, self._location), _window(reading.summary.over_s))
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


class Metrics:
    """Every metric of one daemon, in a registry of its own."""

    def __init__(self, location: str, version: str) -> None:
        self._location = location
        self.registry = CollectorRegistry()
        self._windows = _Windows(location)
        self.registry.register(self._windows)
        self._define_probe_metrics()
        self._define_provider_metrics()
        self._define_own_metrics()
        self._build.labels(version).set(1)
        self.config_reloaded.set(1)

    def _define_probe_metrics(self) -> None:
        r = self.registry
        self._success = Gauge(
            "sonde_probe_success", "Whether the last probe was ok.", SERIES, registry=r
        )
        self._duration = Histogram(
            "sonde_probe_duration_seconds",
            "Latency of complete answers, and of timeouts at their deadline.",
            SERIES,
            buckets=DURATION_BUCKETS,
            registry=r,
        )
        self._phase = Gauge(
            "sonde_probe_phase_seconds",
            "Phases of the last probe.",
            (*SERIES, "phase"),
            registry=r,
        )
        self._first_token = Histogram(
            "sonde_probe_time_to_first_token_seconds",
            "From the start of the exchange to the first token of a stream.",
            SERIES,
            buckets=FIRST_TOKEN_BUCKETS,
            registry=r,
        )
        self._inter_token = Histogram(
            "sonde_probe_inter_token_seconds",
            "Mean time between two output tokens of a stream.",
            SERIES,
            buckets=INTER_TOKEN_BUCKETS,
            registry=r,
        )
        self._tokens_per_s = Gauge(
            "sonde_probe_output_tokens_per_second",
            "Output tokens per second of the last stream.",
            SERIES,
            registry=r,
        )
        self._results = Counter(
            "sonde_probe_results_total",
            "Probe results by verdict and fault.",
            (*SERIES, "verdict", "fault"),
            registry=r,
        )
        self._tokens = Counter(
            "sonde_probe_tokens_total", "Tokens used by probes.", (*SERIES, "type"), registry=r
        )
        self._cost = Counter(
            "sonde_probe_cost_usd_total", "Known cost of probes.", SERIES, registry=r
        )
        self._skipped = Counter(
            "sonde_probe_skipped_total", "Slots without a probe.", (*SERIES, "reason"), registry=r
        )
        self._last_slot = Gauge(
            "sonde_last_slot_timestamp_seconds", "Time of the newest slot run.", SERIES, registry=r
        )

    def _define_provider_metrics(self) -> None:
        r = self.registry
        self._remaining = Gauge(
            "sonde_ratelimit_remaining",
            "What is left of a rate limit, as last stated by the provider.",
            (*SERIES, "limit_type"),
            registry=r,
        )
        self._limit = Gauge(
            "sonde_ratelimit_limit",
            "A rate limit, as last stated by the provider.",
            (*SERIES, "limit_type"),
            registry=r,
        )
        self._provider_rate = Gauge(
            "sonde_provider_requests_per_minute",
            "Requests sent per minute with one provider key, over the shortest window.",
            ("provider",),
            registry=r,
        )
        self._provider_tokens = Counter(
            "sonde_provider_tokens_total",
            "Tokens used with one provider key.",
            ("provider", "type"),
            registry=r,
        )
        self._status = Counter(
            "sonde_response_status_total", "HTTP statuses received.", ("code",), registry=r
        )

    def _define_own_metrics(self) -> None:
        r = self.registry
        self._alerts = Gauge(
            "sonde_alerts", "Alerts by state.", ("alertname", "severity", "state"), registry=r
        )
        self._notifications = Counter(
            "sonde_notifications_total",
            "Delivery attempts by outcome.",
            ("channel", "outcome"),
            registry=r,
        )
        self._transitions = Counter(
            "sonde_alert_transitions_total",
            "State changes of alerts by reason.",
            ("alertname", "reason"),
            registry=r,
        )
        self.evaluation = Histogram(
            "sonde_evaluation_seconds",
            "Time one evaluation of all rules took.",
            buckets=LATENESS_BUCKETS,
            registry=r,
        )
        self._lateness = Histogram(
            "sonde_slot_lateness_seconds",
            "How late probes were started after their slot.",
            buckets=LATENESS_BUCKETS,
            registry=r,
        )
        self.loop_lag = Gauge(
            "sonde_loop_lag_seconds",
            "Worst event loop lateness since the evaluation before.",
            registry=r,
        )
        self._crashes = Counter(
            "sonde_target_crashes_total",
            "Exceptions in a target's own code.",
            ("target",),
            registry=r,
        )
        self.rule_errors = Gauge(
            "sonde_rules_broken", "Rules whose last evaluation raised an error.", registry=r
        )
        self.volatile = Counter(
            "sonde_results_volatile_total",
            "Results that could not be committed and live in memory only.",
            registry=r,
        )
        self.dropped_skips = Counter(
            "sonde_skips_unrecorded_total", "Skipped slots the ledger has no row of.", registry=r
        )
        self.ledger_rows = Gauge(
            "sonde_ledger_queue_rows", "Writes waiting for the next commit.", registry=r
        )
        self.config_reloaded = Gauge(
            "sonde_config_last_reload_successful",
            "Whether the configuration in use is the newest one.",
            registry=r,
        )
        self._build = Gauge("sonde_build_info", "Constant 1.", ("version",), registry=r)

    def observe(self, target: Target, result: ProbeResult) -> None:
        """Count one first attempt's result."""
        key = _series(target, self._location)
        self._success.labels(*key).set(1.0 if result.ok else 0.0)
        self._results.labels(*key, result.verdict.value, result.fault.value).inc()
        if result.answered or result.censored:
            self._duration.labels(*key).observe(result.latency_s)
        self._observe_stream(key, result)
        self._observe_phases(key, result)
        self._observe_usage(key, result)
        if result.status is not None:
            self._status.labels(str(result.status)).inc()
        for bucket in result.rate_limits:
            if bucket.remaining is not None:
                self._remaining.labels(*key, bucket.bucket).set(bucket.remaining)
            if bucket.limit is not None:
                self._limit.labels(*key, bucket.bucket).set(bucket.limit)

    def _observe_stream(self, key: tuple[str, ...], result: ProbeResult) -> None:
        if result.stream_tainted or not result.answered:
            return
        if result.first_token_s is not None:
            self._first_token.labels(*key).observe(result.first_token_s)
        if result.inter_token_s is not None:
            self._inter_token.labels(*key).observe(result.inter_token_s)
        if result.tokens_per_s is not None:
            self._tokens_per_s.labels(*key).set(result.tokens_per_s)

    def _observe_phases(self, key: tuple[str, ...], result: ProbeResult) -> None:
        reached = phases(result)
        for phase in PHASES:
            # A reused connection spent nothing on connecting: 0, not the last fresh one's figure.
            self._phase.labels(*key, phase).set(reached.get(phase, 0.0))

    def _observe_usage(self, key: tuple[str, ...], result: ProbeResult) -> None:
        for kind, tokens in (("input", result.input_tokens), ("output", result.output_tokens)):
            if tokens is not None:
                self._tokens.labels(*key, kind).inc(tokens)
                self._provider_tokens.labels(result.provider, kind).inc(tokens)
        if result.cost_usd is not None:
            self._cost.labels(*key).inc(result.cost_usd)

    def slot_started(self, target: Target, slot: Slot, lateness_s: float) -> None:
        """Note a slot that is being run."""
        self._lateness.observe(lateness_s)
        self._last_slot.labels(*_series(target, self._location)).set(slot.at)

    def slot_skipped(self, target: Target, reason: SkipReason) -> None:
        """Count a slot without a probe."""
        self._skipped.labels(*_series(target, self._location), reason.value).inc()

    def target_crashed(self, target: Target) -> None:
        """Count a bug at a target's edge."""
        self._crashes.labels(target.name).inc()

    def notified(self, channel: str, outcome: str) -> None:
        """Count a delivery attempt."""
        self._notifications.labels(channel, outcome).inc()

    def transition(self, alertname: str, reason: str) -> None:
        """Count a state change of an alert."""
        self._transitions.labels(alertname, reason).inc()

    def show(
        self,
        readings: tuple[WindowReading, ...],
        alerts: Iterable[Alert],
        requests_per_min: Mapping[str, float],
    ) -> None:
        """Replace what the gauges say of windows, alerts and providers."""
        self._windows.readings = readings
        self._alerts.clear()
        for alert in alerts:
            self._alerts.labels(alert.alertname, alert.severity.value, alert.state).inc()
        for provider, rate in requests_per_min.items():
            self._provider_rate.labels(provider).set(rate)


def phases(result: ProbeResult) -> dict[str, float]:
    """Return the phases of a result that were reached, in seconds, in their order.

    processing: request left to response head; transfer: head to the end.
    """
    reached = {"resolve": result.resolve_s, "connect": result.connect_s, "tls": result.tls_s}
    durations = {name: value for name, value in reached.items() if value is not None}
    if result.sent_s is not None and result.first_byte_s is not None:
        durations["processing"] = result.first_byte_s - result.sent_s
        durations["transfer"] = max(0.0, result.total_s - result.first_byte_s)
    return durations


def _series(target: Target, location: str) -> tuple[str, str, str, str, str]:
    return (target.provider, target.model, target.name, target.operation.value, location)


def _window(over_s: float) -> str:
    return format_duration(over_s)
