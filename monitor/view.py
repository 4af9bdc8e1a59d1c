"""What a person sees of a running daemon, as plain values: the page and the demo draw from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.summary import Distribution, Summary
from alerting.engine import Alert
from monitor.health import Readiness
from probes.result import ProbeResult
from probes.target import Target

NOTHING = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """One target over one window; every text is ready to show, unknown is a dash."""

    name: str
    provider: str
    model: str
    operation: str
    verdict: str
    fault: str
    detail: str
    hint: str
    """What a person can do about it."""
    age: str
    p50: str
    p95: str
    p99: str
    first_token: str
    error_rate: str
    coverage: str
    samples: int
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert that is pending or firing."""

    name: str
    severity: str
    state: str
    subject: str
    value: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """One look at the whole daemon."""

    location: str
    version: str
    window: str
    targets: tuple[TargetRow, ...]
    alerts: tuple[AlertRow, ...]
    readiness: Readiness


def target_row(target: Target, last: ProbeResult | None, summary: Summary, now: float) -> TargetRow:
    """Return one target's row. `now` is in the clock of the result's `at`."""
    latency = summary.latency
    return TargetRow(
        name=target.name,
        provider=target.provider,
        model=target.model,
        operation=target.operation.value,
        verdict=last.verdict.value if last else NOTHING,
        fault=last.fault.value if last and not last.ok else NOTHING,
        detail=last.detail if last and not last.ok else "",
        hint=last.hint if last and not last.ok else "",
        age=age_text(now - last.at) if last else NOTHING,
        p50=quantile_text(latency, 0.5),
        p95=quantile_text(latency, 0.95),
        p99=quantile_text(latency, 0.99),
        first_token=quantile_text(summary.first_token, 0.5),
        error_rate=ratio_text(summary.error_rate),
        coverage=ratio_text(summary.coverage),
        samples=summary.n,
        cost=f"${summary.cost_usd:.6f}" if summary.cost_usd is not None else NOTHING,
    )


def alert_row(alert: Alert, now: float) -> AlertRow:
    """Return one alert's row."""
    labels: Mapping[str, str] = dict(alert.labels)
    return AlertRow(
        name=alert.alertname,
        severity=alert.severity.value,
        state=alert.state,
        subject=labels.get("target", labels.get("provider", labels.get("location", ""))),
        value=f"{(alert.compared or alert.rule.when).metric} {alert.value}",
        since=age_text(now - alert.started_at),
    )


def seconds_text(value: float) -> str:
    """Return a duration with a unit that suits its size."""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def quantile_text(distribution: Distribution | None, q: float) -> str:
    """Return a quantile, marked ≥ where a timeout makes it a lower bound; a dash if unknown."""
    value = distribution.quantile(q) if distribution is not None else None
    if distribution is None or value is None:
        return NOTHING
    return ("≥ " if distribution.lower_bound(value) else "") + seconds_text(value)


def ratio_text(value: float | None) -> str:
    """Return a ratio in percent; a dash if unknown. A failure never rounds away to 0 %."""
    if value is None:
        return NOTHING
    percent = value * 100
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %" if percent % 1 else f"{percent:.0f} %"


def age_text(age_s: float) -> str:
    """Return how long ago something was, in the two largest units that matter."""
    seconds = max(0, round(age_s))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86_400} d"
