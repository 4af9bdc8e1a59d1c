"""What /metrics shows of targets and providers: names, labels and units are an interface."""

from typing import Final

from monitor.exposition import Family, histogram, several, single
from monitor.series import (
    DURATION_BUCKETS,
    FIRST_TOKEN_BUCKETS,
    INTER_TOKEN_BUCKETS,
    ProviderSeries,
    StatusSeries,
    TargetSeries,
)

TARGET_FAMILIES: Final[tuple[Family[TargetSeries], ...]] = (
    single(
        "sonde_probe_success",
        "gauge",
        "Whether the last probe was ok.",
        lambda row: row.success,
    ),
    histogram(
        "sonde_probe_duration_seconds",
        "Latency of complete answers, and of timeouts at their deadline.",
        DURATION_BUCKETS,
        lambda row: row.duration,
    ),
    several(
        "sonde_probe_phase_seconds",
        "gauge",
        "Phases of the last probe.",
        lambda row: row.phases,
    ),
    histogram(
        "sonde_probe_time_to_first_token_seconds",
        "From the start of the exchange to the first token of a stream.",
        FIRST_TOKEN_BUCKETS,
        lambda row: row.first_token,
    ),
    histogram(
        "sonde_probe_inter_token_seconds",
        "Mean time between two output tokens of a stream.",
        INTER_TOKEN_BUCKETS,
        lambda row: row.inter_token,
    ),
    single(
        "sonde_probe_output_tokens_per_second",
        "gauge",
        "Output tokens per second of the last stream.",
        lambda row: row.tokens_per_s,
    ),
    several(
        "sonde_probe_results_total",
        "counter",
        "Probe results by verdict and fault.",
        lambda row: row.results,
    ),
    several(
        "sonde_probe_tainted_total",
        "counter",
        "Results whose latency or stream times our own lateness spoiled: in no such statistic.",
        lambda row: row.tainted,
    ),
    several(
        "sonde_probe_tokens_total",
        "counter",
        "Tokens used by probes.",
        lambda row: row.tokens,
    ),
    single(
        "sonde_probe_cost_usd_total",
        "counter",
        "Known cost of probes.",
        lambda row: row.cost_usd,
    ),
    several(
        "sonde_probe_skipped_total",
        "counter",
        "Slots without a probe.",
        lambda row: row.skipped,
    ),
    single(
        "sonde_last_slot_timestamp_seconds",
        "gauge",
        "Time of the newest slot run.",
        lambda row: row.last_slot_at,
    ),
    several(
        "sonde_ratelimit_remaining",
        "gauge",
        "What is left of a rate limit, as last stated by the provider.",
        lambda row: row.remaining,
    ),
    several(
        "sonde_ratelimit_limit",
        "gauge",
        "A rate limit, as last stated by the provider.",
        lambda row: row.limit,
    ),
)

PROVIDER_FAMILIES: Final[tuple[Family[ProviderSeries], ...]] = (
    several(
        "sonde_provider_tokens_total",
        "counter",
        "Tokens used with one provider key.",
        lambda row: row.tokens,
    ),
    several(
        "sonde_probe_stamps_total",
        "counter",
        "Results by where their receive times come from.",
        lambda row: row.stamps,
    ),
)

STATUS_FAMILIES: Final[tuple[Family[StatusSeries], ...]] = (
    several(
        "sonde_response_status_total",
        "counter",
        "HTTP statuses received.",
        lambda row: row.by_label(),
    ),
)
