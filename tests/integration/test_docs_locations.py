"""The rules and the scrape configuration that docs/locations.md shows, judged by promtool."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.servers.running import installed

PAGE: Final = Path(__file__).parents[2] / "docs" / "locations.md"
TARGET: Final = "provider='openai', target='chat', model='m', operation='chat'"
FAILS: Final = "FailingAtTwoLocations"


def block(first: str) -> str:
    """Return the one block of YAML that begins with this key."""
    found = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (text,) = [each for each in found if each.startswith(first)]
    return str(text)


def group() -> dict[str, Any]:  # Any: YAML of the page
    """Return the page's rules as a file has them."""
    rules = yaml.safe_load(block("- alert:"))
    assert [each["alert"] for each in rules] == [FAILS, "LocationSilent"]
    return {"groups": [{"name": "page", "rules": rules}]}


def promtool(*arguments: str) -> tuple[int, str]:
    """Return promtool's exit code and words."""
    done = subprocess.run(
        [installed("promtool"), *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout + done.stderr


def figures(location: str, error_ratio: str, *, replica: str = "0") -> dict[str, str]:
    """Return what a replica of a location shows, for an hour and a half."""
    series = f"{TARGET}, location='{location}', instance='{location}-{replica}'"
    return {
        f"sonde_window_error_ratio{{{series}, window='15m'}}": error_ratio,
        f"sonde_window_samples{{{series}, window='15m'}}": "15x100",
        f"sonde_last_slot_timestamp_seconds{{{series}}}": error_ratio,
    }


def fires(tmp_path: Path, alert: str, at: str, *shown: dict[str, str]) -> bool:
    """Say whether an alert of the page fires at a moment."""
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps(group()), encoding="utf-8")
    series = [{"series": name, "values": text} for each in shown for name, text in each.items()]
    expected = [{"eval_time": at, "alertname": alert, "exp_alerts": []}]
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": expected}],
    }
    path = tmp_path / "test.json"  # JSON is YAML
    path.write_text(json.dumps(test), encoding="utf-8")
    code, words = promtool("test", "rules", str(path))
    assert (code == 0) == ("SUCCESS" in words), words
    return code != 0


def test_promtool_takes_both(tmp_path: Path) -> None:
    """As they stand on the page."""
    rules, scrape = tmp_path / "rules.yml", tmp_path / "prometheus.yml"
    rules.write_text(json.dumps(group()), encoding="utf-8")
    scrape.write_text(block("scrape_configs:"), encoding="utf-8")
    for kind, path in (("rules", rules), ("config", scrape)):
        code, words = promtool("check", kind, str(path))
        assert code == 0, words


@pytest.mark.parametrize(
    ("shown", "fired"),
    [
        ([figures("fra1", "0.5x100"), figures("iad1", "0.5x100")], True),
        ([figures("fra1", "0.5x100"), figures("iad1", "0x100")], False),
        ([figures("fra1", "0.5x100"), figures("fra1", "0.5x100", replica="1")], False),
        ([figures("fra1", "0.5x100")], False),
    ],
)
def test_two_locations_must_fail(tmp_path: Path, shown: list[dict[str, str]], fired: bool) -> None:
    """Two replicas of one location are one; silence is no failure."""
    assert fires(tmp_path, FAILS, "30m", *shown) is fired


def test_a_location_that_falls_silent_is_told_of(tmp_path: Path) -> None:
    """And not while it is there."""
    shown = (figures("fra1", "0x100"), figures("iad1", "0x30 stale"))
    assert not fires(tmp_path, "LocationSilent", "25m", *shown)
    assert fires(tmp_path, "LocationSilent", "70m", *shown)
