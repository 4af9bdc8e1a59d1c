"""What Prometheus sees. Names, labels and units are part of the interface.

Labels are closed sets or names from the configuration, never text from a provider. Counters and
histograms move with each result; collectors.py has what is read instead of counted.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from monitor.collectors import SERIES, CountsCollector, EvaluationCollector, series
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target

PHASES: Final = ("resolve", "connect", "tls", "processing", "transfer")
DURATION_BUCKETS: Final = tuple(0.01 * 2**i for i in range(15))
"""0.01 s to 163.84 s: the OpenTelemetry GenAI client buckets."""
FIRST_TOKEN_BUCKETS: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5),
    *(0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0),
)
INTER_TOKEN_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)
LATENESS_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """Every metric of one daemon, in a registry of its own."""

    def __init__(self, location: str, version: str) -> None:
        self._location = location
        self.registry = CollectorRegistry()
        self.newest = EvaluationCollector(location)
        self.registry.register(self.newest)
        self._define_probe_metrics()
        self._define_provider_metrics()
        self._define_own_metrics()
        self._build.labels(version).set(1)

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
        self.dropped_rows = Counter(
            "sonde_ledger_dropped_rows_total",
            "Oldest rows deleted because the ledger had outgrown store.max_size.",
            registry=r,
        )
        self._build = Gauge("sonde_build_info", "Constant 1.", ("version",), registry=r)

    def observe(self, target: Target, result: ProbeResult) -> None:
        """Count one first attempt's result."""
        key = series(target, self._location)
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
            if phase in reached:
                self._phase.labels(*key, phase).set(reached[phase])
            elif result.reused:
                # It spent nothing on connecting: 0, not the figure of the last fresh connection.
                self._phase.labels(*key, phase).set(0.0)
            else:
                with suppress(KeyError):  # never reached, and never before
                    self._phase.remove(*key, phase)

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
        self._last_slot.labels(*series(target, self._location)).set(slot.at)

    def slot_skipped(self, target: Target, reason: SkipReason) -> None:
        """Count a slot without a probe."""
        self._skipped.labels(*series(target, self._location), reason.value).inc()

    def target_crashed(self, target: Target) -> None:
        """Count a bug at a target's edge."""
        self._crashes.labels(target.name).inc()

    def notified(self, channel: str, outcome: str) -> None:
        """Count a delivery attempt."""
        self._notifications.labels(channel, outcome).inc()

    def transition(self, alertname: str, reason: str) -> None:
        """Count a state change of an alert."""
        self._transitions.labels(alertname, reason).inc()

    def read(self, counts: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        """Show counts that other parts keep: name -> (help, how to read it in any thread)."""
        self.registry.register(CountsCollector(counts))


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
