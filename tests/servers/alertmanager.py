"""Alertmanager (Debian's 0.25) and amtool: what others send alerts to, and its judge."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.servers.running import free_port, installed, running

Alert = dict[str, Any]  # JSON, of its API's shapes
"""An alert as its API has it: labels, annotations, startsAt, endsAt, generatorURL.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""


@dataclass(frozen=True)
class Alertmanager:
    """A running Alertmanager that tells one webhook of every alert at once."""

    url: str
    http: httpx2.Client

    def post(self, alerts: Sequence[Alert]) -> None:
        """Hand it alerts, by the API. Raises httpx2.HTTPStatusError for what it refuses."""
        self.http.post(f"{self.url}/api/v2/alerts", json=list(alerts)).raise_for_status()

    def alerts(self) -> list[Alert]:
        """Return the alerts it holds."""
        answer = self.http.get(f"{self.url}/api/v2/alerts")
        answer.raise_for_status()
        found: list[Alert] = answer.json()
        return found

    def amtool(self, *arguments: str) -> str:
        """Return what amtool says; raises subprocess.CalledProcessError when it is not content."""
        command = [installed("amtool"), "--alertmanager.url", self.url, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=True
        ).stdout


@contextmanager
def alertmanager_server(webhook_url: str, scratch: Path) -> Iterator[Alertmanager]:
    """Run Alertmanager in `scratch`; it posts to `webhook_url` what it is told, resolved too."""
    receiver = {"name": "hook", "webhook_configs": [{"url": webhook_url, "send_resolved": True}]}
    # As soon as it may: a group waits for others no longer than this.
    route = {"receiver": "hook", "group_wait": "10ms", "group_interval": "100ms"}
    config = scratch / "alertmanager.json"  # JSON is YAML
    config.write_text(json.dumps({"route": route, "receivers": [receiver]}))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        installed("prometheus-alertmanager", "alertmanager"),
        f"--config.file={config}",
        f"--storage.path={scratch / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",  # alone
        "--log.level=warn",
    ]
    with (
        running(command, ready=f"{url}/-/ready", scratch=scratch),
        httpx2.Client(trust_env=False) as http,
    ):
        yield Alertmanager(url, http)
