"""What /probe shows of one probe: names, labels and units are an interface.

Every figure is of this probe alone, hence a gauge; whatever is unknown has no sample. A probe that
a gate refused has no figure either, but its reason; an open breaker reads as failing, since that is
what it knows of the provider.
"""

from collections.abc import Callable
from typing import Final

from monitor.exposition import Family, several, single
from monitor.series import TargetSeries
from probes.result import ProbeResult, SkipReason


class Asked(TargetSeries):
    """One probe that somebody asked for, or the reason why there was none."""

    __slots__ = ("result",)

    def __init__(self, labels: str, found: ProbeResult | SkipReason) -> None:
        super().__init__(labels)
        self.result = found if isinstance(found, ProbeResult) else None
        if isinstance(found, ProbeResult):
            self.observe(found)
        else:
            self.slot_skipped(found)
            self.success = 0 if found is SkipReason.BREAKER else None


def _figure(name: str, text: str, read: Callable[[ProbeResult], float | None]) -> Family[Asked]:
    def figure(row: Asked) -> float | None:
        return None if row.result is None else read(row.result)

    return single(name, "gauge", text, figure)


FAMILIES: Final[tuple[Family[Asked], ...]] = (
    single("sonde_probe_success", "gauge", "Whether the probe was ok.", lambda row: row.success),
    several(
        "sonde_probe_skipped",
        "gauge",
        "1 with the reason why nothing was sent.",
        lambda row: row.skipped,
    ),
    several(
        "sonde_probe_result",
        "gauge",
        "1 with what happened and whose fault it was.",
        lambda row: row.results,
    ),
    _figure("sonde_probe_timestamp_seconds", "Wall time when it began.", lambda result: result.at),
    _figure(
        "sonde_probe_duration_seconds",
        "Time to the last token or byte; of a timeout the deadline that passed.",
        lambda result: None if result.latency_tainted else result.latency_s,
    ),
    several("sonde_probe_phase_seconds", "gauge", "Its phases.", lambda row: row.phases),
    _figure(
        "sonde_probe_time_to_first_token_seconds",
        "From the start of the exchange to the first token of a stream.",
        lambda result: None if result.tainted else result.first_token_s,
    ),
    _figure(
        "sonde_probe_inter_token_seconds",
        "Mean time between two output tokens of a stream.",
        lambda result: result.inter_token_s,
    ),
    _figure(
        "sonde_probe_output_tokens_per_second",
        "Output tokens per second of a stream.",
        lambda result: result.tokens_per_s,
    ),
    several("sonde_probe_tokens", "gauge", "Tokens it used.", lambda row: row.tokens),
    _figure("sonde_probe_cost_usd", "What it cost.", lambda result: result.cost_usd),
    _figure(
        "sonde_probe_http_status_code", "HTTP status of the answer.", lambda result: result.status
    ),
    several(
        "sonde_ratelimit_remaining",
        "gauge",
        "What is left of a rate limit.",
        lambda row: row.remaining,
    ),
    several("sonde_ratelimit_limit", "gauge", "A rate limit.", lambda row: row.limit),
)


def exposition(row: Asked) -> str:
    """Return the text Prometheus reads; a metric without a sample has no head either."""
    samples = ((family, family.lines(row)) for family in FAMILIES)
    return "".join([family.head + lines for family, lines in samples if lines])
