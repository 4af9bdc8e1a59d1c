"""The rules that ship for Prometheus, judged by promtool."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.servers.running import installed

RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus-rules.yml"
SPOOL: Final = "{instance='a', job='sonde', stream='results'}"
SONDE: Final = "{instance='a', job='sonde'}"
EGRESS: Final = (
    "{alertname='MonitorEgress', severity='critical', state='firing', instance='a', job='sonde'}"
)
OTHER: Final = "{instance='b', job='sonde'}"
HERE: Final = "{instance='a', job='sonde', location='fra1'}"
THERE: Final = "{instance='b', job='sonde', location='fra1'}"
OTHERS: Final = (
    "{instance='c', job='sonde', location='fra1', group='chat'}",
    "{instance='d', job='sonde', location='fra1', namespace='b', service='b-sonde'}",
)
"""Replicas of other groups at the same place."""
DEAD: Final = "{channel='team', outcome='dead', instance='a', job='sonde'}"
SENT: Final = "{channel='team', outcome='sent', instance='a', job='sonde'}"
QUEUE: Final = "{signal='traces', reason='queue', instance='a', job='sonde'}"
STOPPED: Final = "{signal='traces', reason='stopped', instance='a', job='sonde'}"
OLDEST: Final = f"sonde_spool_oldest_seconds{SPOOL}"


def balance(produced: str, *, stored: str, rows: str) -> dict[str, str]:
    """Return the series of a stream of which 7 points were dropped and 2 quarantined."""
    return {
        f"sonde_spool_produced_total{SPOOL}": produced,
        f"sonde_spool_stored_total{SPOOL}": stored,
        f"sonde_spool_dropped_total{SPOOL}": "7x30",
        f"sonde_spool_quarantined_total{SPOOL}": "2x30",
        f"sonde_spool_rows{SPOOL}": rows,
    }


def fired(tmp_path: Path, alert: str, series: dict[str, str]) -> bool:
    """Say whether an alert fires half an hour into these series, one value a minute."""
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": each, "values": values} for each, values in series.items()
                ],
                "alert_rule_test": [{"eval_time": "30m", "alertname": alert, "exp_alerts": []}],
            }
        ],
    }
    path = tmp_path / "test.json"  # JSON is YAML
    path.write_text(json.dumps(test), encoding="utf-8")
    done = subprocess.run(
        [installed("promtool"), "test", "rules", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "FAILED" in said or "SUCCESS" in said, said
    assert (done.returncode == 0) == ("SUCCESS" in said), said
    return done.returncode != 0


@pytest.mark.parametrize(
    ("alert", "series"),
    [
        ("SondeAbsent", {f"up{SONDE}": "0x30"}),
        ("SondeAbsent", {f"up{SONDE}": "1x20"}),  # no target any more
        ("SondeNotRecording", {f"sonde_results_volatile_total{SONDE}": "0x25 1+1x5"}),
        ("SondeLedgerDamaged", {f"sonde_ledger_damaged_files{SONDE}": "0x25 1x5"}),
        ("SondeCutOff", {f"sonde_alerts{EGRESS}": "0x25 1x5"}),
        ("SondeRulesBroken", {f"sonde_rules_broken{SONDE}": "0x25 1x5"}),
        ("SondeInfluxdbBehind", {OLDEST: "0+60x30"}),
        ("SondePointsLost", {f"sonde_spool_dropped_total{SPOOL}": "7x25 8x5"}),
        ("SondePointsLost", {f"sonde_spool_quarantined_total{SPOOL}": "0x25 1x5"}),
        ("SondePointsLost", {f"sonde_spool_lost_points_total{SONDE}": "0x25 4x5"}),
        ("SondeBalanceBroken", balance("18x30", stored="5x30", rows="3x30")),
        ("SondeBalanceBroken", balance("18x30", stored="5x30", rows="5x30")),
        ("SondeCutOffFromRedis", {f"sonde_cluster_connected{SONDE}": "1x20 0x10"}),
        ("SondeReplicasMissing", {f"sonde_cluster_replicas{HERE}": "3x10 2x20"}),
        (
            "SondeReplicasMissing",
            {f"sonde_cluster_replicas{HERE}": "3x10 2x20"}
            | {f"sonde_cluster_replicas{each}": "9x30" for each in OTHERS},
        ),
        (
            "SondeReplicasDisagree",
            {f"sonde_cluster_replicas{HERE}": "2x30", f"sonde_cluster_replicas{THERE}": "1x30"},
        ),
        (
            "SondeClocksApart",
            {
                f"sonde_cluster_clock_ahead_seconds{SONDE}": "0.7x30",
                f"sonde_cluster_clock_ahead_seconds{OTHER}": "-0.7x30",
            },
        ),
        ("SondeSlotsLost", {f"sonde_cluster_lost_slots_total{SONDE}": "0x10 1+1x20"}),
        ("SondeNewsBehind", {f"sonde_cluster_behind_seconds{SONDE}": "0x10 0+60x20"}),
        ("SondeNewsBehind", {f"sonde_cluster_untold_news{SONDE}": "2000x30"}),
        ("SondeNewsLost", {f"sonde_cluster_dropped_news_total{SONDE}": "0x25 1x5"}),
        ("SondeNewsLost", {f"sonde_cluster_overlooked_slots_total{SONDE}": "0x25 1x5"}),
        ("SondeTelemetryLost", {f"sonde_otlp_dropped_total{QUEUE}": "0x20 9x10"}),
        ("SondeNotificationsLost", {f"sonde_notifications_total{DEAD}": "0x25 1x5"}),
        ("SondeConfigurationRefused", {f"sonde_config_last_reload_successful{SONDE}": "1x20 0x10"}),
    ],
)
def test_each_alert_fires_in_its_own_trouble(
    tmp_path: Path, alert: str, series: dict[str, str]
) -> None:
    """A rule that can never fire is worse than none."""
    assert fired(tmp_path, alert, series)


@pytest.mark.parametrize(
    "alert",
    [
        "SondeAbsent",
        "SondeNotRecording",
        "SondeLedgerDamaged",
        "SondeCutOff",
        "SondeRulesBroken",
        "SondeInfluxdbBehind",
        "SondePointsLost",
        "SondeBalanceBroken",
        "SondeCutOffFromRedis",
        "SondeReplicasMissing",
        "SondeReplicasDisagree",
        "SondeClocksApart",
        "SondeSlotsLost",
        "SondeNewsBehind",
        "SondeNewsLost",
        "SondeTelemetryLost",
        "SondeNotificationsLost",
        "SondeConfigurationRefused",
    ],
)
def test_all_is_quiet_while_all_is_well(tmp_path: Path, alert: str) -> None:
    """Points come and go, some wait a moment, what was lost an hour ago is no news.

    A replica that dies loses a slot or two; one that joins makes the group larger. Other groups
    have as many replicas as they like.
    """
    well = {
        f"sonde_cluster_connected{SONDE}": "1x20 0 1x9",
        f"sonde_cluster_replicas{HERE}": "2x10 3x20",
        f"sonde_cluster_replicas{THERE}": "2x11 3x19",
        f"sonde_cluster_replicas{OTHERS[0]}": "5x30",
        f"sonde_cluster_replicas{OTHERS[1]}": "4x30",
        f"sonde_cluster_clock_ahead_seconds{SONDE}": "0.4x30",
        f"sonde_cluster_clock_ahead_seconds{OTHER}": "-0.4x30",
        f"sonde_cluster_lost_slots_total{SONDE}": "0x25 2x5",
        f"sonde_cluster_behind_seconds{SONDE}": "0x20 70x3 0x7",
        f"sonde_cluster_untold_news{SONDE}": "5x30",
        f"sonde_cluster_dropped_news_total{SONDE}": "3x30",
        f"sonde_cluster_overlooked_slots_total{SONDE}": "0x30",
        f"sonde_otlp_dropped_total{QUEUE}": "4x30",
        f"sonde_otlp_dropped_total{STOPPED}": "0x20 9x10",
        f"sonde_notifications_total{DEAD}": "2x30",
        f"sonde_notifications_total{SENT}": "0+1x30",
        f"sonde_config_last_reload_successful{SONDE}": "1x25 0x2 1x3",
        f"up{SONDE}": "1x30",
        f"sonde_results_volatile_total{SONDE}": "5x30",
        f"sonde_ledger_damaged_files{SONDE}": "1 1 0x28",
        f"sonde_rules_broken{SONDE}": "1 1 0x28",
        f"sonde_alerts{EGRESS.replace('MonitorEgress', 'Down')}": "1x30",
        f"sonde_spool_lost_points_total{SONDE}": "0x30",
        **balance(
            "19 22 22 24 24 24 29x24", stored="10 10 13 13 15 15x25", rows="0 3 0 2 0 0 5x24"
        ),
        OLDEST: "0 1 0 1 0 0 2x24",
    }
    assert not fired(tmp_path, alert, well)


def test_every_alert_is_tried() -> None:
    """One that is in no test above may never fire, or always."""
    rules = {each["alert"] for each in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}
    for test in (test_each_alert_fires_in_its_own_trouble, test_all_is_quiet_while_all_is_well):
        (marked,) = test.pytestmark
        tried = {each if isinstance(each, str) else each[0] for each in marked.args[1]}
        assert tried == rules
