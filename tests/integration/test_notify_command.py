"""`sonde notify test` through a channel that works, and one that refuses."""

import asyncio
import os
from pathlib import Path

import pytest

from monitor.cli import main
from tests.standins.pagerduty import ROUTING_KEY, PagerDuty

CONFIG = """\
providers: {{p: {{preset: compatible, base_url: "http://127.0.0.1:9/v1"}}}}
targets: [{{name: chat, provider: p, model: m}}]
notify:
  channels:
    pager:
      type: pagerduty
      routing_key_file: key
      api_url: {url}
      allow_http: true
      allow_private: true
"""


@pytest.mark.parametrize(
    ("key", "code", "told"),
    [
        (ROUTING_KEY, 0, ["pager: firing: delivered", "pager: resolved: delivered"]),
        (ROUTING_KEY[:-1] + "x", 1, ["pager: firing: PagerDuty answered 400 (final)"]),
    ],
)
async def test_what_came_back_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, code: int, told: list[str]
) -> None:
    """An incident is opened and closed; or the refusal is told, without the key."""
    async with PagerDuty() as pager:
        path = tmp_path / "sonde.yaml"
        path.write_text(CONFIG.format(url=pager.url))
        (tmp_path / "key").write_text(key)
        words = ["notify", "test", "pager", *["--resolve"][: len(told) - 1]]
        words += ["--config", os.fspath(path)]
        assert await asyncio.to_thread(main, words) == code
    out = capsys.readouterr().out
    assert [line.rpartition(" (")[0] for line in out.splitlines()] == told
    assert key not in out
    assert [event["event_action"] for event in pager.events] == (
        ["trigger", "resolve"] if code == 0 else []
    )
