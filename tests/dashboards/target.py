"""Sonde: one target. Everything a probe of it says."""

from typing import Final

from tests.dashboards.panels import Dashboard, Kind, Panel, Query, Row, Variable
from tests.dashboards.queries import Asking

_ASKING: Final = Asking({"location": "location", "target": "target"})
_shared, _grown, _quantile = _ASKING.shared, _ASKING.grown, _ASKING.quantile
_WINDOW: Final = 'window="$window"'
_HERE: Final = "{{location}}"


def _by(labels: str, asked: str) -> str:
    return f"sum by ({labels}) ({asked})"


def _percentile(quantile: str) -> Query:
    asked = _shared("sonde_window_latency_seconds", _WINDOW, f'quantile="{quantile}"')
    return Query(asked, f"p{float(quantile) * 100:g} {_HERE}")


def _buckets(name: str) -> tuple[Query, ...]:
    shares = (0.5, 0.95, 0.99)
    return tuple(
        Query(_quantile(share, name, "location"), f"p{share * 100:g} {_HERE}") for share in shares
    )


_GUESSED: Final = "From buckets: between two bounds it is a guess."
_STATE: Final = Row(
    "State",
    (
        Panel(
            title="Newest probe",
            kind=Kind.STATES,
            width=12,
            height=5,
            mapped={"0": ("failing", "red"), "1": ("ok", "green")},
            queries=(Query(_shared("sonde_probe_success"), _HERE),),
        ),
        Panel(
            title="Newest slot",
            kind=Kind.FIGURE,
            unit="s",
            width=4,
            height=5,
            queries=(Query(f"time() - {_shared('sonde_last_slot_timestamp_seconds')}", _HERE),),
            says="How long ago it was.",
        ),
        Panel(
            title="Error ratio",
            kind=Kind.FIGURE,
            width=4,
            height=5,
            queries=(Query(_shared("sonde_window_error_ratio", _WINDOW), _HERE),),
        ),
        Panel(
            title="Results in the window",
            kind=Kind.FIGURE,
            width=4,
            height=5,
            queries=(Query(_shared("sonde_window_samples", _WINDOW), _HERE),),
        ),
        Panel(
            title="Verdicts in the window",
            stacked=True,
            queries=(Query(_shared("sonde_window_verdicts", _WINDOW), f"{{{{verdict}}}} {_HERE}"),),
        ),
        Panel(
            title="Faults in the window",
            stacked=True,
            queries=(Query(_shared("sonde_window_faults", _WINDOW), f"{{{{fault}}}} {_HERE}"),),
        ),
        Panel(
            title="Results since the newest with each fault",
            queries=(Query(_shared("sonde_probe_results_since"), f"{{{{fault}}}} {_HERE}"),),
        ),
        Panel(
            title="Results by verdict and fault",
            stacked=True,
            queries=(
                Query(
                    _by("location, verdict, fault", _grown("sonde_probe_results_total")),
                    f"{{{{verdict}}}} ({{{{fault}}}}) {_HERE}",
                ),
            ),
        ),
        Panel(
            title="Slots without a probe",
            stacked=True,
            queries=(Query(_grown("sonde_probe_skipped_total"), f"{{{{reason}}}} {_HERE}"),),
        ),
        Panel(
            title="Coverage of the window",
            queries=(Query(_shared("sonde_window_coverage_ratio", _WINDOW), _HERE),),
        ),
    ),
)
_SPEED: Final = Row(
    "Latency",
    (
        Panel(
            title="Latency",
            width=12,
            queries=tuple(map(_percentile, ("0.5", "0.95", "0.99"))),
            says="From every sample of the chosen window, as rules see it.",
        ),
        Panel(
            title="Phases of the newest probe",
            width=12,
            stacked=True,
            queries=(Query(_shared("sonde_probe_phase_seconds"), f"{{{{phase}}}} {_HERE}"),),
        ),
        Panel(
            title="Latency, from buckets",
            queries=_buckets("sonde_probe_duration_seconds"),
            says=_GUESSED,
        ),
        Panel(
            title="First token",
            queries=_buckets("sonde_probe_time_to_first_token_seconds"),
            says=_GUESSED,
        ),
        Panel(
            title="Between two tokens",
            queries=_buckets("sonde_probe_inter_token_seconds"),
            says=_GUESSED,
        ),
        Panel(
            title="Tokens a second",
            queries=(Query(_shared("sonde_probe_output_tokens_per_second"), _HERE),),
        ),
        Panel(
            title="The slowest three of the window",
            queries=(
                Query(
                    _shared("sonde_window_latency_slowest_seconds", _WINDOW),
                    f"{{{{rank}}}} {_HERE}",
                ),
            ),
        ),
        Panel(
            title="Mean, and how many latencies it is of",
            queries=(
                Query(_shared("sonde_window_latency_mean_seconds", _WINDOW), f"mean, s {_HERE}"),
                Query(_shared("sonde_window_latency_samples", _WINDOW), f"latencies {_HERE}"),
            ),
            unit="short",
        ),
        Panel(
            title="Left out of these: our own lateness",
            queries=(Query(_grown("sonde_probe_tainted_total"), f"{{{{what}}}} {_HERE}"),),
        ),
    ),
)
_USE: Final = Row(
    "Limits, use, answers",
    (
        Panel(
            title="Limits as last stated",
            queries=(
                Query(_shared("sonde_ratelimit_limit"), f"{{{{limit_type}}}}: limit {_HERE}"),
                Query(_shared("sonde_ratelimit_remaining"), f"{{{{limit_type}}}}: left {_HERE}"),
            ),
        ),
        Panel(
            title="Tokens",
            queries=(Query(_grown("sonde_probe_tokens_total"), f"{{{{type}}}} {_HERE}"),),
        ),
        Panel(
            title="Dollars an hour",
            unit="currencyUSD",
            queries=(Query(_grown("sonde_probe_cost_usd_total", over="1h"), _HERE),),
        ),
        Panel(
            title="Answers say something else of themselves",
            queries=(Query(_grown("sonde_drift_events_total", over="1h"), "{{kind}}"),),
        ),
        Panel(
            title="Bugs in the target's own code",
            queries=(
                Query(_ASKING.own_growth("sonde_target_crashes_total", "instance"), "{{instance}}"),
            ),
        ),
    ),
)

TARGET: Final = Dashboard(
    uid="sonde-target",
    title="Sonde: one target",
    says="Everything that probes of one target say.",
    source="prometheus",
    variables=(
        Variable(name="target", asks="label_values(sonde_probe_success, target)", several=False),
        Variable(
            name="location",
            asks='label_values(sonde_probe_success{target="$target"}, location)',
        ),
        Variable(name="window", asks="label_values(sonde_window_samples, window)", several=False),
    ),
    rows=(_STATE, _SPEED, _USE),
)
