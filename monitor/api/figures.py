"""Windows and results as the API answers them: values in, values out."""

from collections.abc import Mapping
from typing import Final

from aggregator.summary import Distribution, Summary
from monitor.api.models.targets import Figures, Last, Quantile
from monitor.config.durations import format_duration
from probes.result import Fault, ProbeResult, Verdict

DIGITS: Final = 6
"""Of seconds and rates: a microsecond is finer than any receive stamp is true."""


def figures_of(summary: Summary) -> Figures:
    """Return one window."""
    return Figures(
        window=format_duration(summary.over_s),
        window_s=summary.over_s,
        samples=summary.n,
        missed=summary.missed,
        p50_s=_quantile(summary.latency, 0.5),
        p95_s=_quantile(summary.latency, 0.95),
        p99_s=_quantile(summary.latency, 0.99),
        first_token_p50_s=_quantile(summary.first_token, 0.5),
        first_token_p95_s=_quantile(summary.first_token, 0.95),
        inter_token_p50_s=_quantile(summary.inter_token, 0.5),
        tokens_per_s_p50=_quantile(summary.tokens_per_s, 0.5),
        error_rate=summary.error_rate,
        by_fault=_counted(summary.by_fault),
        by_verdict=_counted(summary.by_verdict),
        coverage=summary.coverage,
        cost_usd=summary.cost_usd,
    )


def last_of(result: ProbeResult) -> Last:
    """Return the newest result."""
    return Last(
        at=result.at,
        verdict=result.verdict.value,
        fault=result.fault.value,
        detail=result.detail,
        hint=result.hint,
        total_s=result.total_s,
        first_token_s=result.first_token_s,
        status=result.status,
    )


def quantile(distribution: Distribution | None, q: float) -> float | None:
    """Return a quantile, rounded; None: nothing was measured, or too little to say."""
    value = None if distribution is None else distribution.quantile(q)
    return None if value is None else round(value, DIGITS)


def _quantile(distribution: Distribution | None, q: float) -> Quantile | None:
    value = None if distribution is None else distribution.quantile(q)
    if distribution is None or value is None:
        return None
    return Quantile(value=round(value, DIGITS), lower_bound=distribution.lower_bound(value))


def _counted(counts: Mapping[Fault, int] | Mapping[Verdict, int]) -> dict[str, int]:
    return {word.value: number for word, number in counts.items() if number}
