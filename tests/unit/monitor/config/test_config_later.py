"""Keys of the interface that are still to come: refused by name, never ignored."""

from pathlib import Path

import pytest

from tests.unit.monitor.config.configtexts import SMALL, refusals

PROVIDER = """\
providers:
  openai: {preset: openai, api_key: "${KEY}", @@}
targets: [{name: a, provider: openai, model: gpt-4o}]
"""
RULE = SMALL + "rules: [{name: X, when: samples > 1, @@}]\n"
CHANNEL = SMALL + "notify: {channels: {a: @@}}\n"
ROOT = SMALL + "@@\n"


@pytest.mark.parametrize(
    ("frame", "part", "path"),
    [
        (ROOT, "slos: [{name: a}]", "slos"),
        (ROOT, "maintenance: []", "maintenance"),
        (ROOT, "cluster: {redis: 'redis://x'}", "cluster"),
        (ROOT, "otlp: {endpoint: x}", "otlp"),
        (ROOT, "notify: {group_by: [provider]}", "notify.group_by"),
        (ROOT, "notify: {group_wait: {critical: 0s}}", "notify.group_wait"),
        (ROOT, "notify: {group_interval: 5m}", "notify.group_interval"),
        (ROOT, "notify: {repeat: 4h}", "notify.repeat"),
        (ROOT, "notify: {routes: []}", "notify.routes"),
        (ROOT, "notify: {heartbeat: {every: 60s}}", "notify.heartbeat"),
        (RULE, "clear: samples < 1", "rules[0].clear"),
        (RULE, "annotations: {summary: x}", "rules[0].annotations"),
        (RULE, "locations: 2 of 3", "rules[0].locations"),
        (RULE, "slo: chat-availability", "rules[0].slo"),
        (RULE, "no_data: alert", "rules[0].no_data"),
        (CHANNEL, "{type: pagerduty, routing_key_file: /x}", "notify.channels.a.type"),
        (CHANNEL, "{type: email, to: [a]}", "notify.channels.a.type"),
        (CHANNEL, "{type: alertmanager, url: x}", "notify.channels.a.type"),
        (CHANNEL, "{type: apprise, url_file: /x}", "notify.channels.a.type"),
    ],
)
def test_keys_to_come_are_refused_by_name(tmp_path: Path, frame: str, part: str, path: str) -> None:
    """Every such key or value is answered with "not supported yet" at its own place."""
    problems = refusals(tmp_path, frame.replace("@@", part))
    assert [(p.path, "not supported yet" in p.message) for p in problems] == [(path, True)]
    assert problems[0].line is not None


@pytest.mark.parametrize(
    "when",
    [
        "burn_rate(1h, 5m) > 14.4",
        "latency.p95 is anomalous",
        "no_data",
        "latency.p95 > 5s and samples > 3",
    ],
)
def test_conditions_to_come_are_refused_by_name(tmp_path: Path, when: str) -> None:
    """A condition of a later version is refused where the unknown word stands."""
    text = SMALL + f"rules:\n  - name: X\n    when: {when}\n"
    problems = refusals(tmp_path, text)
    assert len(problems) == 1
    assert "not supported yet" in problems[0].message
    assert problems[0].line == 7
