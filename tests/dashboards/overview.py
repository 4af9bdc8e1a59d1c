"""Sonde: overview. How every provider and target does, and whose fault it is."""

from typing import Final

from tests.dashboards.panels import Dashboard, Kind, Panel, Query, Row, Variable
from tests.dashboards.queries import Asking

_ASKING: Final = Asking({"location": "location", "provider": "provider"})
_series, _shared, _grown, _quantile = (
    *(_ASKING.series, _ASKING.shared, _ASKING.grown),
    _ASKING.quantile,
)
_WINDOW: Final = 'window="$window"'
_STATES: Final = {
    "0": ("failing", "red"),
    "1": ("ok", "green"),
}
_OURS: Final = 'fault!="monitor"'
"""What our own machine did says nothing about anybody."""
_NOT_THEIRS: Final = 'fault!~"monitor|provider"'


def _by_target(asked: str) -> str:
    """Leave what tells targets apart, so that the columns of a table find each other."""
    return f"max by (location, provider, model, target) ({asked})"


def _by(labels: str, asked: str) -> str:
    return f"sum by ({labels}) ({asked})"


_RESULTS: Final = "sonde_probe_results_total"
_NOW: Final = Row(
    "Now",
    (
        Panel(
            title="Alerts that fire",
            kind=Kind.FIGURE,
            width=4,
            height=4,
            bad_from=1,
            queries=(
                Query(
                    f"""sum({_shared("sonde_alerts", 'state="firing"')})"""
                    " or 0 * max(sonde_build_info)"
                ),
            ),
            says="Of all providers and locations; 0 only while a Sonde is there to say so.",
        ),
        Panel(
            title="Targets",
            kind=Kind.FIGURE,
            width=4,
            height=4,
            queries=(Query(f"count({_shared('sonde_probe_success')})"),),
        ),
        Panel(
            title="Targets whose newest probe failed",
            kind=Kind.FIGURE,
            width=4,
            height=4,
            bad_from=1,
            queries=(Query(f"sum({_shared('sonde_probe_success')} == bool 0)"),),
        ),
        Panel(
            title="Oldest newest slot",
            kind=Kind.FIGURE,
            unit="s",
            width=4,
            height=4,
            queries=(Query(f"max(time() - {_shared('sonde_last_slot_timestamp_seconds')})"),),
            says="How long ago the target that waits longest was probed.",
        ),
        Panel(
            title="Dollars a day, at the pace of the last hour",
            kind=Kind.FIGURE,
            unit="currencyUSD",
            width=4,
            height=4,
            queries=(Query(f"24 * sum({_grown('sonde_probe_cost_usd_total', over='1h')})"),),
        ),
        Panel(
            title="Breakers open",
            kind=Kind.FIGURE,
            width=4,
            height=4,
            bad_from=1,
            queries=(Query(f"sum({_shared('sonde_breaker_open')})"),),
        ),
        Panel(
            title="Newest probe of each target",
            kind=Kind.STATES,
            width=12,
            height=9,
            mapped=_STATES,
            queries=(Query(_by_target(_shared("sonde_probe_success")), "{{target}} {{location}}"),),
        ),
        Panel(
            title="Targets, over the chosen window",
            kind=Kind.TABLE,
            width=12,
            height=9,
            unit="short",
            queries=(
                Query(_by_target(_shared("sonde_window_error_ratio", _WINDOW)), "error ratio"),
                Query(
                    _by_target(_shared("sonde_window_latency_seconds", _WINDOW, 'quantile="0.5"')),
                    "p50, s",
                ),
                Query(
                    _by_target(_shared("sonde_window_latency_seconds", _WINDOW, 'quantile="0.95"')),
                    "p95, s",
                ),
                Query(_by_target(_shared("sonde_window_samples", _WINDOW)), "results"),
                Query(_by_target(_shared("sonde_window_coverage_ratio", _WINDOW)), "coverage"),
            ),
        ),
    ),
)
_FAULTS: Final = Row(
    "Whose fault",
    (
        Panel(
            title="Available, by provider",
            unit="percentunit",
            queries=(
                Query(
                    f"{_by('provider', _grown(_RESULTS, _NOT_THEIRS, over='1h'))}"
                    f" / {_by('provider', _grown(_RESULTS, _OURS, over='1h'))}",
                    "{{provider}}",
                ),
            ),
            says="Of the last hour; the provider's own faults count alone.",
        ),
        Panel(
            title="Failures by fault",
            stacked=True,
            queries=(
                Query(
                    _by("provider, fault", _grown(_RESULTS, 'fault!="none"')),
                    "{{provider}}: {{fault}}",
                ),
            ),
        ),
        Panel(
            title="Results by verdict",
            stacked=True,
            queries=(Query(_by("verdict", _grown(_RESULTS)), "{{verdict}}"),),
        ),
        Panel(
            title="HTTP statuses",
            stacked=True,
            queries=(Query(_by("code", _grown("sonde_response_status_total")), "{{code}}"),),
            says="Of all providers.",
        ),
        Panel(
            title="Slots without a probe",
            stacked=True,
            queries=(Query(_by("reason", _grown("sonde_probe_skipped_total")), "{{reason}}"),),
        ),
        Panel(
            title="What rules are told",
            queries=(
                Query(
                    _shared("sonde_fact"),
                    "{{fact}} {{slo}} {{target}} {{provider}} {{bound}}",
                ),
            ),
        ),
    ),
)
_SPEED: Final = Row(
    "Latency",
    (
        Panel(
            title="Latency, p95 of each target",
            queries=(
                Query(
                    _shared("sonde_window_latency_seconds", _WINDOW, 'quantile="0.95"'),
                    "{{target}} {{location}}",
                ),
            ),
            says="From every sample of the chosen window, as rules see it.",
        ),
        Panel(
            title="Latency, p95 of each provider",
            queries=(
                Query(_quantile(0.95, "sonde_probe_duration_seconds", "provider"), "{{provider}}"),
            ),
            says="From buckets: between two bounds it is a guess.",
        ),
        Panel(
            title="First token, p95 of each provider",
            queries=(
                Query(
                    _quantile(0.95, "sonde_probe_time_to_first_token_seconds", "provider"),
                    "{{provider}}",
                ),
            ),
            says="From buckets: between two bounds it is a guess.",
        ),
        Panel(
            title="Tokens a second",
            queries=(
                Query(_shared("sonde_probe_output_tokens_per_second"), "{{target}} {{location}}"),
            ),
        ),
        Panel(
            title="Mean latency",
            queries=(
                Query(
                    _shared("sonde_window_latency_mean_seconds", _WINDOW),
                    "{{target}} {{location}}",
                ),
            ),
        ),
        Panel(
            title="Latencies that others publish",
            queries=(Query(_shared("sonde_baseline_seconds"), "{{name}}"),),
        ),
    ),
)
_LIMITS: Final = Row(
    "Limits and money",
    (
        Panel(
            title="Headroom of each key",
            unit="percentunit",
            queries=(Query(_shared("sonde_ratelimit_headroom_ratio"), "{{provider}}"),),
        ),
        Panel(
            title="Requests a minute, and where refusals began",
            queries=(
                Query(_shared("sonde_provider_requests_per_minute"), "{{provider}}"),
                Query(_shared("sonde_ratelimit_observed"), "{{provider}}: limit of {{limit_type}}"),
            ),
        ),
        Panel(
            title="Tokens a minute",
            queries=(Query(_shared("sonde_provider_tokens_per_minute"), "{{provider}}"),),
        ),
        Panel(
            title="Retry-After, kept",
            unit="percentunit",
            queries=(Query(_shared("sonde_ratelimit_retry_after_ratio"), "{{provider}}"),),
        ),
        Panel(
            title="Tokens used with each key",
            queries=(
                Query(
                    _by("provider, type", _grown("sonde_provider_tokens_total")),
                    "{{provider}}: {{type}}",
                ),
            ),
        ),
        Panel(
            title="Dollars an hour",
            unit="currencyUSD",
            queries=(
                Query(
                    _by("provider", _grown("sonde_probe_cost_usd_total", over="1h")),
                    "{{provider}}",
                ),
            ),
        ),
        Panel(
            title="Budgets: spent, reserved, limit",
            queries=(
                Query(_shared("sonde_budget_spent_usd"), "{{provider}}: spent"),
                Query(_shared("sonde_budget_reserved_usd"), "{{provider}}: reserved"),
                Query(_shared("sonde_budget_limit_usd"), "{{provider}}: limit"),
            ),
        ),
        Panel(
            title="Part of the slots that budgets let through",
            queries=(Query(_shared("sonde_budget_pace_ratio"), "{{provider}}"),),
        ),
        Panel(
            title="Attempts billed beyond what was possible",
            queries=(Query(_grown("sonde_budget_overruns_total", over="1h"), "{{provider}}"),),
        ),
    ),
)
_ALERTS: Final = Row(
    "Alerts, and everybody else",
    (
        Panel(
            title="Alerts",
            stacked=True,
            queries=(Query(_shared("sonde_alerts"), "{{alertname}} {{state}}"),),
        ),
        Panel(
            title="What alerts did",
            stacked=True,
            queries=(Query(_grown("sonde_alert_transitions_total"), "{{alertname}} {{reason}}"),),
        ),
        Panel(
            title="News held back",
            stacked=True,
            queries=(Query(_grown("sonde_alerts_inhibited_total"), "{{alertname}} {{reason}}"),),
        ),
        Panel(
            title="What status pages say",
            kind=Kind.TABLE,
            unit="short",
            queries=(
                Query(
                    f"""max by (provider, state) ({_series("sonde_status_page_state")}) == 1""",
                    "now",
                ),
            ),
        ),
        Panel(
            title="How old that is",
            queries=(Query(_shared("sonde_status_page_age_seconds"), "{{provider}}"),),
        ),
        Panel(
            title="Our own way out",
            kind=Kind.STATES,
            mapped=_STATES,
            queries=(Query(_shared("sonde_egress_up"), "{{endpoint}}"),),
            says="Up as long as one replica reaches it.",
        ),
    ),
)

OVERVIEW: Final = Dashboard(
    uid="sonde-overview",
    title="Sonde: overview",
    says="How LLM APIs do, seen from outside, and whose fault it is when they do not.",
    source="prometheus",
    variables=(
        Variable(name="location", asks="label_values(sonde_probe_success, location)"),
        Variable(name="provider", asks="label_values(sonde_probe_success, provider)"),
        Variable(name="window", asks="label_values(sonde_window_samples, window)", several=False),
    ),
    rows=(_NOW, _FAULTS, _SPEED, _LIMITS, _ALERTS),
)
