"""The metrics of targets and providers as prometheus_client's own objects keep and write them."""

from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.collectors import Evaluated
from monitor.config.durations import format_duration
from monitor.metrics import SERIES
from monitor.series import DURATION_BUCKETS, FIRST_TOKEN_BUCKETS, INTER_TOKEN_BUCKETS
from probes.result import Fault, ProbeResult, SkipReason
from probes.target import Slot, Target

Key = tuple[str, str, str, str, str]


class LibraryMetrics(Collector):
    """What `Metrics.written` shows, the slow way."""

    def __init__(self, location: str) -> None:
        self.location = location
        self.evaluated = Evaluated()
        self.registry = r = CollectorRegistry()
        r.register(self)
        self.success = Gauge(
            "sonde_probe_success", "Whether the last probe was ok.", SERIES, registry=r
        )
        self.duration = Histogram(
            "sonde_probe_duration_seconds",
            "Latency of complete answers, and of timeouts at their deadline.",
            SERIES,
            buckets=DURATION_BUCKETS,
            registry=r,
        )
        self.phase = Gauge(
            "sonde_probe_phase_seconds",
            "Phases of the last probe.",
            (*SERIES, "phase"),
            registry=r,
        )
        self.first_token = Histogram(
            "sonde_probe_time_to_first_token_seconds",
            "From the start of the exchange to the first token of a stream.",
            SERIES,
            buckets=FIRST_TOKEN_BUCKETS,
            registry=r,
        )
        self.inter_token = Histogram(
            "sonde_probe_inter_token_seconds",
            "Mean time between two output tokens of a stream.",
            SERIES,
            buckets=INTER_TOKEN_BUCKETS,
            registry=r,
        )
        self.tokens_per_s = Gauge(
            "sonde_probe_output_tokens_per_second",
            "Output tokens per second of the last stream.",
            SERIES,
            registry=r,
        )
        self.results = Counter(
            "sonde_probe_results_total",
            "Probe results by verdict and fault.",
            (*SERIES, "verdict", "fault"),
            registry=r,
        )
        self.tainted = Counter(
            "sonde_probe_tainted_total",
            "Results whose latency or stream times our own lateness spoiled: in no such statistic.",
            (*SERIES, "what"),
            registry=r,
        )
        self.tokens = Counter(
            "sonde_probe_tokens_total", "Tokens used by probes.", (*SERIES, "type"), registry=r
        )
        self.cost = Counter(
            "sonde_probe_cost_usd_total", "Known cost of probes.", SERIES, registry=r
        )
        self.skipped = Counter(
            "sonde_probe_skipped_total", "Slots without a probe.", (*SERIES, "reason"), registry=r
        )
        self.last_slot = Gauge(
            "sonde_last_slot_timestamp_seconds", "Time of the newest slot run.", SERIES, registry=r
        )
        self.remaining = Gauge(
            "sonde_ratelimit_remaining",
            "What is left of a rate limit, as last stated by the provider.",
            (*SERIES, "limit_type"),
            registry=r,
        )
        self.limit = Gauge(
            "sonde_ratelimit_limit",
            "A rate limit, as last stated by the provider.",
            (*SERIES, "limit_type"),
            registry=r,
        )
        self.provider_tokens = Counter(
            "sonde_provider_tokens_total",
            "Tokens used with one provider key.",
            ("provider", "type"),
            registry=r,
        )
        self.stamps = Counter(
            "sonde_probe_stamps_total",
            "Results by where their receive times come from.",
            ("provider", "quality"),
            registry=r,
        )
        self.status = Counter(
            "sonde_response_status_total", "HTTP statuses received.", ("code",), registry=r
        )

    def key(self, target: Target) -> Key:
        return (
            target.provider,
            target.model,
            target.name,
            target.operation.value,
            self.location,
        )

    def observe(self, target: Target, result: ProbeResult) -> None:
        key = self.key(target)
        self.success.labels(*key).set(1.0 if result.ok else 0.0)
        self.results.labels(*key, result.verdict.value, result.fault.value).inc()
        if (result.answered or result.censored) and not result.latency_tainted:
            self.duration.labels(*key).observe(result.latency_s)
        if result.latency_tainted:
            self.tainted.labels(*key, "latency").inc()
        if result.stream_tainted:
            self.tainted.labels(*key, "stream").inc()
        self.stamps.labels(result.provider, result.stamps.value).inc()
        self.observe_stream(key, result)
        self.observe_phases(key, result)
        for kind, tokens in (("input", result.input_tokens), ("output", result.output_tokens)):
            if tokens is not None:
                self.tokens.labels(*key, kind).inc(tokens)
                self.provider_tokens.labels(result.provider, kind).inc(tokens)
        if result.cost_usd is not None:
            self.cost.labels(*key).inc(result.cost_usd)
        if result.status is not None:
            self.status.labels(str(result.status)).inc()
        for bucket in result.rate_limits:
            if bucket.remaining is not None:
                self.remaining.labels(*key, bucket.bucket).set(bucket.remaining)
            if bucket.limit is not None:
                self.limit.labels(*key, bucket.bucket).set(bucket.limit)

    def observe_stream(self, key: Key, result: ProbeResult) -> None:
        if result.tainted or not result.answered:
            return
        if result.first_token_s is not None:
            self.first_token.labels(*key).observe(result.first_token_s)
        if result.inter_token_s is not None:
            self.inter_token.labels(*key).observe(result.inter_token_s)
        if result.tokens_per_s is not None:
            self.tokens_per_s.labels(*key).set(result.tokens_per_s)

    def observe_phases(self, key: Key, result: ProbeResult) -> None:
        headed = result.sent_s is not None and result.first_byte_s is not None
        spent = {
            "resolve": result.resolve_s,
            "connect": result.connect_s,
            "tls": result.tls_s,
            "processing": result.first_byte_s - result.sent_s if headed else None,  # type: ignore[operator]
            "transfer": max(0.0, result.total_s - result.first_byte_s) if headed else None,  # type: ignore[operator]
        }
        for phase, duration_s in spent.items():
            if duration_s is not None:
                self.phase.labels(*key, phase).set(duration_s)
            elif result.reused:
                self.phase.labels(*key, phase).set(0.0)
            else:
                with suppress(KeyError):
                    self.phase.remove(*key, phase)

    def slot_started(self, target: Target, slot: Slot, _lateness_s: float) -> None:
        self.last_slot.labels(*self.key(target)).set(slot.at)

    def slot_skipped(self, target: Target, reason: SkipReason) -> None:
        self.skipped.labels(*self.key(target), reason.value).inc()

    def collect(self) -> list[Metric]:
        """Return the gauges of the newest evaluation."""
        labels = (*SERIES, "window")
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
        for reading in self.evaluated.readings:
            key = (*self.key(reading.target), format_duration(reading.summary.over_s))
            samples.add_metric(key, reading.summary.n)
            if reading.summary.error_rate is not None:
                ratio.add_metric(key, reading.summary.error_rate)
            if reading.summary.coverage is not None:
                coverage.add_metric(key, reading.summary.coverage)
            if reading.summary.latency is not None:
                for q, value in reading.summary.latency.quantiles.items():
                    labelled = {**dict(zip(labels, key, strict=True)), "quantile": str(q)}
                    latency.add_sample(latency.name, labelled, value)
        return [latency, ratio, coverage, samples, *self.more(labels), *self.told(), *self.keys()]

    def more(self, labels: tuple[str, ...]) -> list[Metric]:
        """Return what rules count by kind, and latencies beside their quantiles."""
        faults = GaugeMetricFamily(
            "sonde_window_faults", "Results in the window by fault.", labels=(*labels, "fault")
        )
        verdicts = GaugeMetricFamily(
            "sonde_window_verdicts",
            "Results in the window by verdict.",
            labels=(*labels, "verdict"),
        )
        mean = GaugeMetricFamily(
            "sonde_window_latency_mean_seconds",
            "Mean latency over the window; timeouts count at their deadline.",
            labels=labels,
        )
        count = GaugeMetricFamily(
            "sonde_window_latency_samples", "Latencies in the window.", labels=labels
        )
        slowest = GaugeMetricFamily(
            "sonde_window_latency_slowest_seconds",
            "The slowest answers of the window, from the first.",
            labels=(*labels, "rank"),
        )
        for reading in self.evaluated.readings:
            summary = reading.summary
            key = (*self.key(reading.target), format_duration(summary.over_s))
            for fault, number in summary.by_fault.items():
                if number:
                    faults.add_metric((*key, fault), number)
            for verdict, number in summary.by_verdict.items():
                if number:
                    verdicts.add_metric((*key, verdict), number)
            if summary.latency is not None:
                mean.add_metric(key, summary.latency.mean)
                count.add_metric(key, summary.latency.n)
                for rank, value in enumerate([*summary.latency.samples][:-4:-1], start=1):
                    slowest.add_metric((*key, str(rank)), value)
        return [faults, verdicts, mean, count, slowest]

    def told(self) -> list[Metric]:
        """Return what is of no window."""
        since = GaugeMetricFamily(
            "sonde_probe_results_since",
            "Results since the newest one with this fault.",
            labels=(*SERIES, "fault"),
        )
        recent = {each.target: each.summary.recent_faults for each in self.evaluated.readings[::-1]}
        for target, faults in recent.items():
            for fault in set(Fault) - {Fault.MONITOR}:
                newest_first = [*faults[::-1], fault]
                since.add_metric((*self.key(target), fault), newest_first.index(fault))
        fact = GaugeMetricFamily("sonde_fact", "What rules are told that is in no window.")
        alerts = GaugeMetricFamily(
            "sonde_alerts", "Alerts by state.", labels=("alertname", "severity", "state")
        )
        return [since, fact, alerts]

    def keys(self) -> list[Metric]:
        """Return the gauges of provider keys."""
        provider = ("provider",)
        sent = GaugeMetricFamily(
            "sonde_provider_requests_per_minute",
            "Requests sent with one provider key in the last minute, every attempt counted.",
            labels=provider,
        )
        used = GaugeMetricFamily(
            "sonde_provider_tokens_per_minute",
            "Tokens used with one provider key in the last minute, as far as is known.",
            labels=provider,
        )
        headroom = GaugeMetricFamily(
            "sonde_ratelimit_headroom_ratio",
            "What is left of the tightest rate limit of a provider key.",
            labels=provider,
        )
        promise = GaugeMetricFamily(
            "sonde_ratelimit_retry_after_ratio",
            "How long until requests were granted again / what Retry-After had said, the last"
            " time.",
            labels=provider,
        )
        breaker = GaugeMetricFamily(
            "sonde_breaker_open",
            "Whether a provider key's slots are refused and read as failing.",
            labels=provider,
        )
        observed = GaugeMetricFamily(
            "sonde_ratelimit_observed",
            "Per minute, at which 429s began within the last hour.",
            labels=("provider", "limit_type"),
        )
        for key in self.evaluated.keys:
            sent.add_metric((key.provider,), key.requests_per_min)
            used.add_metric((key.provider,), key.tokens_per_min)
            if key.headroom is not None:
                headroom.add_metric((key.provider,), key.headroom)
            if key.retry_after_ratio is not None:
                promise.add_metric((key.provider,), key.retry_after_ratio)
            breaker.add_metric((key.provider,), key.breaker_open)
            for kind, limit in key.observed.items():
                observed.add_metric((key.provider, kind), limit)
        return [sent, used, headroom, promise, breaker, observed]
