"""Sonde: itself. Whether it can be believed: each replica by its own word."""

from typing import Final

from tests.dashboards.panels import Dashboard, Kind, Panel, Query, Row, Variable
from tests.dashboards.queries import Asking

_ASKING: Final = Asking({"instance": "instance"})
_series, _grown, _quantile = _ASKING.series, _ASKING.own_growth, _ASKING.own_quantile
_HERE: Final = "{{instance}}"


def _now(title: str, name: str, called: str = _HERE, unit: str = "") -> Panel:
    """Draw a figure of each replica."""
    return Panel(title=title, unit=unit, queries=(Query(_series(name), called),))


def _counted(title: str, name: str, *labels: str, over: str = "$__rate_interval") -> Panel:
    """Draw how much a counter of each replica grew."""
    by = ", ".join(("instance", *labels))
    called = " ".join(f"{{{{{label}}}}}" for label in (*labels, "instance"))
    return Panel(title=title, queries=(Query(_grown(name, by, over=over), called),))


def _late(title: str, name: str) -> Panel:
    """Draw the percentiles of a histogram of each replica."""
    queries = (Query(_quantile(share, name), f"p{share * 100:g} {_HERE}") for share in (0.5, 0.99))
    return Panel(title=title, unit="s", queries=tuple(queries), says="From buckets.")


def _small(title: str, ask: str, *, bad_from: float | None = None, unit: str = "") -> Panel:
    return Panel(
        title=title,
        kind=Kind.FIGURE,
        unit=unit,
        width=4,
        height=5,
        bad_from=bad_from,
        queries=(Query(ask, _HERE),),
    )


_TROUBLES: Final = (
    *("sonde_results_volatile_total", "sonde_skips_unrecorded_total"),
    *("sonde_drift_unrecorded_total", "sonde_ledger_failed_commits_total"),
    *("sonde_ledger_rejected_works_total", "sonde_rollup_failures_total"),
    *("sonde_window_rejected_figures_total", "sonde_window_overwritten_samples_total"),
)
_NOW: Final = Row(
    "Now",
    (
        Panel(
            title="Version",
            kind=Kind.TABLE,
            unit="short",
            width=8,
            height=5,
            queries=(
                Query(f"max by (instance, version) ({_series('sonde_build_info')})", "running"),
            ),
        ),
        _small("Rules that raise errors", _series("sonde_rules_broken"), bad_from=1),
        _small("Damaged ledgers", _series("sonde_ledger_damaged_files"), bad_from=1),
        _small(
            "Newest configuration refused",
            f"1 - {_series('sonde_config_last_reload_successful')}",
            bad_from=1,
        ),
        _small(
            "Configuration is this old",
            f"time() - {_series('sonde_config_last_reload_success_timestamp_seconds')}",
            unit="s",
        ),
    ),
)
_LATE: Final = Row(
    "Is it late",
    (
        _late("From a slot's time to its probe", "sonde_slot_lateness_seconds"),
        _now("Worst lateness of the event loop", "sonde_loop_lag_seconds"),
        _late("Pauses of the garbage collector", "sonde_gc_pause_seconds"),
        _late("Evaluating all rules", "sonde_evaluation_seconds"),
        Panel(
            title="CPU",
            unit="short",
            queries=(
                Query(
                    'rate(process_cpu_seconds_total{job=~".*sonde.*", instance=~"$instance"}'
                    "[$__rate_interval])",
                    _HERE,
                ),
            ),
            says="Cores in use; as Prometheus' own library tells them.",
        ),
        Panel(
            title="Memory",
            unit="bytes",
            queries=(
                Query(
                    'process_resident_memory_bytes{job=~".*sonde.*", instance=~"$instance"}', _HERE
                ),
            ),
            says="As Prometheus' own library tells it.",
        ),
        _counted("Wall clock was set", "sonde_clock_steps_total", over="1h"),
        _counted("Machine was suspended", "sonde_suspends_total", over="1h"),
        _counted("Results by receive stamps", "sonde_probe_stamps_total", "quality"),
    ),
)
_LEDGER: Final = Row(
    "Ledger",
    (
        _now("Writes that wait", "sonde_ledger_queue_works"),
        Panel(
            title="Troubles",
            queries=tuple(
                Query(_grown(name, "instance"), f"{name.removeprefix('sonde_')} {_HERE}")
                for name in _TROUBLES
            ),
            says="All of these are 0 on a good day.",
        ),
        _counted("Oldest rows deleted for room", "sonde_ledger_dropped_rows_total", "kind"),
        _now("Rows in no roll-up", "sonde_rollup_left_out_rows"),
    ),
)
_TOLD: Final = Row(
    "Telling people",
    (
        Panel(
            title="Deliveries",
            queries=(
                Query(
                    _grown("sonde_notifications_total", "channel, outcome"),
                    "{{channel}} {{outcome}}",
                ),
            ),
            says="Of all replicas together: a message is sent by one of them.",
        ),
        _counted(
            "Alerts on their way to channels", "sonde_alerts_routed_total", "channel", "event"
        ),
        _counted("Beats for the dead-man's switch", "sonde_heartbeats_total", "outcome"),
        Panel(
            title="Confirming attempts",
            queries=(Query(_grown("sonde_confirmations_total", "outcome"), "{{outcome}}"),),
            says="Of all replicas together: a failure is confirmed by the one that had it.",
        ),
        _counted("Scrapes that failed", "sonde_scrapes_failed_total", "reason"),
        _counted("Wrong tokens", "sonde_api_wrong_tokens_total"),
        _counted("Streams refused", "sonde_api_streams_refused_total"),
    ),
)
_REPLICAS: Final = Row(
    "Replicas",
    (
        _now("Replicas heard of", "sonde_cluster_replicas", "{{location}}, says {{instance}}"),
        Panel(
            title="In touch with Redis",
            kind=Kind.STATES,
            mapped={"0": ("alone", "red"), "1": ("connected", "green")},
            queries=(Query(_series("sonde_cluster_connected"), _HERE),),
        ),
        _counted("Slots asked for", "sonde_cluster_claims_total", "turn"),
        _counted("News", "sonde_cluster_news_total", "what"),
        _now("Clock ahead of Redis", "sonde_cluster_clock_ahead_seconds"),
        _now("News unheard since", "sonde_cluster_behind_seconds"),
        _counted("Slots lost with another replica", "sonde_cluster_lost_slots_total"),
        Panel(
            title="Waiting",
            queries=(
                Query(_series("sonde_cluster_awaited_slots"), f"slots awaited {_HERE}"),
                Query(_series("sonde_cluster_untold_news"), f"news untold {_HERE}"),
            ),
        ),
        Panel(
            title="Beyond what is kept",
            queries=(
                Query(_grown("sonde_cluster_dropped_news_total", "instance"), f"news {_HERE}"),
                Query(_grown("sonde_cluster_overlooked_slots_total", "instance"), f"slots {_HERE}"),
            ),
        ),
    ),
)
_SHIPPED: Final = Row(
    "InfluxDB and OpenTelemetry",
    (
        _now("Points that wait", "sonde_spool_rows", "{{stream}} {{instance}}"),
        _now("Age of the oldest", "sonde_spool_oldest_seconds", "{{stream}} {{instance}}"),
        _counted("Writes", "sonde_influxdb_writes_total", "outcome"),
        Panel(
            title="Points",
            queries=tuple(
                Query(_grown(f"sonde_spool_{what}_total", "stream"), f"{{{{stream}}}} {what}")
                for what in ("produced", "stored", "dropped", "quarantined")
            ),
            says="Of all replicas together: each ships what it found itself.",
        ),
        _counted("Points nobody has", "sonde_spool_lost_points_total"),
        _counted("OTLP: requests", "sonde_otlp_requests_total", "signal", "outcome"),
        _counted("OTLP: sent", "sonde_otlp_sent_total", "signal"),
        _counted("OTLP: lost", "sonde_otlp_dropped_total", "signal", "reason"),
        _now("OTLP: results whose trace waits", "sonde_otlp_waiting_results"),
    ),
)

ITSELF: Final = Dashboard(
    uid="sonde-itself",
    title="Sonde: itself",
    says="Whether Sonde can be believed: its loop, its ledger, its replicas, what it ships.",
    source="prometheus",
    variables=(Variable(name="instance", asks="label_values(sonde_build_info, instance)"),),
    rows=(_NOW, _LATE, _LEDGER, _TOLD, _REPLICAS, _SHIPPED),
)
