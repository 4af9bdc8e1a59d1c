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
ROOT = SMALL + "@@\n"


@pytest.mark.parametrize(
    ("frame", "part", "path"),
    [
        (ROOT, "cluster: {redis: 'redis://x'}", "cluster"),
        (ROOT, "otlp: {endpoint: x}", "otlp"),
        (RULE, "locations: 2 of 3", "rules[0].locations"),
    ],
)
def test_keys_to_come_are_refused_by_name(tmp_path: Path, frame: str, part: str, path: str) -> None:
    """Every such key or value is answered with "not supported yet" at its own place."""
    problems = refusals(tmp_path, frame.replace("@@", part))
    assert [(p.path, "not supported yet" in p.message) for p in problems] == [(path, True)]
    assert problems[0].line is not None
