"""`sonde rules export`: what it writes, where, and its exit codes."""

import argparse
from pathlib import Path

import pytest

from monitor.cli.rules_export import add_arguments, run

CONFIG = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}]
windows: [2m, 1h]
rules: [{name: Mine, when: "first_token.p50 > 2s", over: 2m}]
store: {path: sonde.db}
"""


def arguments(*given: str) -> argparse.Namespace:
    """Parse a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--prometheus", *given])


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Write a configuration."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG)
    return str(path)


def test_it_writes_the_rules_that_run(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Defaults and own ones, over the windows that this configuration exposes."""
    assert run(arguments(config)) == 0
    said = capsys.readouterr().out
    assert '- alert: "Down"' in said
    assert '_bucket{location="here"}[2m]' in said
    assert "interval: 5s" in said
    assert "# left out: HighLatency: latency.p95 > 5s over 15m\n" in said
    assert "# why: no window of 15m is exposed" in said


def test_a_file_is_written(config: str, tmp_path: Path) -> None:
    """With --output, and nothing is said then."""
    target = tmp_path / "rules.yml"
    assert run(arguments(config, "--output", str(target))) == 0
    assert target.read_text(encoding="utf-8").startswith("# The rules of this Sonde")


def test_what_cannot_be_written_is_a_failure(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and which file it was."""
    assert run(arguments(config, "--output", str(tmp_path))) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_a_wrong_configuration_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and where the problem is."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("2s", "2 parsecs"))
    assert run(arguments(str(path))) == 2
    assert f"{path}:5:" in capsys.readouterr().err
