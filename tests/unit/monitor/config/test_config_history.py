"""`store.history`: which store is asked what the past was."""

from pathlib import Path

import pytest

from monitor.config.errors import ConfigError
from monitor.config.load import load
from monitor.config.values import Config, HistoryStore

FRAME = """\
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: a, provider: p, model: m}]
notify: {channels: {c: {type: slack, webhook_url: "${HOOK}"}}}
store: {@@}
"""
INFLUXDB = "influxdb: {url: '${URL:-}', bucket: b}"


def loaded(folder: Path, section: str, url: str = "http://127.0.0.1:8086") -> Config:
    """Load a file with this section."""
    (folder / "c.yaml").write_text(FRAME.replace("@@", section))
    environ = {"HOOK": "https://hooks.slack.com/services/x", "URL": url}
    return load(Path("c.yaml"), environ, cwd=folder, strict=True).config


@pytest.mark.parametrize(
    ("said", "store"),
    [
        (INFLUXDB, HistoryStore.LEDGER),
        (f"{INFLUXDB}, history: ledger", HistoryStore.LEDGER),
        (f"{INFLUXDB}, history: influxdb", HistoryStore.INFLUXDB),
        ("", HistoryStore.LEDGER),
    ],
)
def test_the_ledger_unless_said_otherwise(tmp_path: Path, said: str, store: HistoryStore) -> None:
    """Also beside an InfluxDB: asking the ledger takes nobody's answer."""
    assert loaded(tmp_path, said).store.history is store


def test_one_file_serves_with_and_without_influxdb(tmp_path: Path) -> None:
    """Where its address is empty there is none, and the ledger is asked."""
    said = f"{INFLUXDB}, history: influxdb"
    assert loaded(tmp_path, said, url="").store.history is HistoryStore.LEDGER


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("history: influxdb", "store.history: influxdb: store.influxdb is not configured"),
        ("history: influx", "store.history: expected ledger or influxdb"),
    ],
)
def test_mistakes(tmp_path: Path, said: str, problem: str) -> None:
    """One line that names the key and what it may be."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, said)
    (told,) = caught.value.problems
    assert problem in str(told)
