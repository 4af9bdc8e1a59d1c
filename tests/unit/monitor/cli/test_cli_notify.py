"""`sonde notify test`, up to where it would send."""

import json
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.cli.notify import NAME, notifications
from monitor.config.load import load

CONFIG = """\
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:9/v1"}}
targets: [{name: chat, provider: p, model: m}]
location: fra1
"""
CHANNELS = (
    "notify: {channels: {am: {type: alertmanager, url: 'http://127.0.0.1:9', allow_http: true},"
    " bm: {type: alertmanager, url: 'http://127.0.0.1:9', allow_http: true}}}\n"
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with two channels that no address may be reached of."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sonde.yaml"
    path.write_text(CONFIG + CHANNELS)
    return path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pager"], 'no channel is called "pager"; channels: am, bm'),
        ([], "name a channel, or --all; channels: am, bm"),
        (["am", "--all"], "name one channel, or say --all"),
    ],
)
def test_a_channel_that_is_not_there(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """The command line is wrong: 2, and what there is."""
    assert main(["notify", "test", *words]) == 2
    assert told in capsys.readouterr().err


def test_no_channel_at_all(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was tested, so it is no success. The file is named as for other commands."""
    config.write_text(CONFIG)
    assert main(["notify", "test", "--all", "--config", str(config)]) == 2
    assert "no channel is configured" in capsys.readouterr().err


def test_what_came_back_is_told_of_each(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each attempt, with what a daemon would do; one failure makes it 1."""
    assert main(["notify", "test", "--all", "--resolve"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[:2] for line in lines] == [
        ["am", " firing"], ["am", " resolved"], ["bm", " firing"], ["bm", " resolved"],
    ]  # fmt: skip
    assert "127.0.0.1 is loopback (see allow_private) (final)" in lines[0]


def test_json_is_one_document(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An object for each attempt, and nothing else on standard output."""
    assert main(["notify", "test", "--all", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(each["channel"], each["status"], each["delivered"]) for each in told] == [
        ("am", "firing", False),
        ("bm", "firing", False),
    ]
    assert told[0]["said"].endswith("(final)")


def test_the_test_alert_is_one_alert(config: Path) -> None:
    """Its end closes its beginning; it alarms nobody and says what it is."""
    loaded = load(config, {}, cwd=config.parent, strict=False).config
    firing, over = notifications(loaded, 1_700_000_000.0, resolve=True)
    assert firing.fingerprint == over.fingerprint
    assert firing.id != over.id
    assert (firing.alertname, firing.severity.value) == (NAME, "info")
    assert "test" in firing.summary
    assert list(notifications(loaded, 1_700_000_000.0, resolve=False)) == [firing]
