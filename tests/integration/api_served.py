"""A whole daemon in this process, its API on a loopback port.

Its provider refuses every connection, so that results and alerts are there within a second.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from aggregator.ledger import Ledger
from monitor.config.load import load
from monitor.daemon import SCHEMAS, Daemon
from monitor.road import Observers
from probes.lag import LagMeter

KEY = "sk-test-api-0123456789abcdef"
TOKEN = "api-token-0123456789"
WRITE = {"X-Sonde-Write": "1", "Content-Type": "application/json"}
CONFIG = """
location: fra1
evaluate_every: 200ms
http: {{listen: "{listen}"{token}}}
store: {{path: "{folder}/sonde.db"}}
egress: {{check: false}}
defaults: {{interval: 1s, deadline: 900ms, first_token_deadline: 900ms, idle_deadline: 900ms}}
providers:
  dead:
    preset: compatible
    base_url: http://127.0.0.1:9/v1
    api_key: "${{KEY}}"
    budget: {{daily: 5 USD}}
    prices: {{default: {{input: 0.15, output: 0.60}}}}
targets:
  - {{name: chat/one, provider: dead, model: gpt-4o, operation: chat, labels: {{team: web}}}}
  - {{name: two, provider: dead, model: gpt-4o-mini, operation: chat}}
slos: [{{name: good, objective: 99%}}]
maintenance: [{{match: {{team: web}}, every: "Sun 02:00-04:00"}}]
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A daemon that runs."""

    daemon: Daemon
    ledger: Ledger
    url: str
    http: httpx2.AsyncClient
    """Asks /api/v1."""

    async def get(self, path: str, **headers: str) -> Any:  # Any: JSON of any shape
        """Return what a path answers, which must be 200."""
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def firing(self) -> dict[str, Any]:  # Any: JSON of any shape
        """Return the first alert that fires, waiting for it."""
        for _ in range(100):
            for alert in await self.get("/alerts"):
                if alert["state"] == "firing":
                    return dict(alert)
            await asyncio.sleep(0.1)
        raise AssertionError("nothing fired within 10 s")


@asynccontextmanager
async def served(
    folder: Path, *, host: str = "127.0.0.1", token: str = "", more: str = ""
) -> AsyncIterator[Served]:
    """Run a daemon for as long as the block; with a `token` it asks for that."""
    file = folder / "sonde.yaml"
    asked = ""
    if token:
        (folder / "token").write_text(token, encoding="utf-8")
        asked = f', token_file: "{folder}/token"'
    text = CONFIG.format(listen=f"{host}:0", token=asked, folder=folder) + more
    file.write_text(text, encoding="utf-8")
    config = load(file, {"KEY": KEY}, cwd=folder, strict=True).config
    ledger = Ledger.open(config.store.path, SCHEMAS)
    ready, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
    observers = Observers(on_serving=lambda _host, port: ready.set_result(port))
    async with asyncio.TaskGroup() as group:
        lag = LagMeter()
        daemon = Daemon(config, ledger, lag, observers)
        group.create_task(daemon.run(stop), name="daemon")
        url = f"http://127.0.0.1:{await ready}"
        try:
            async with httpx2.AsyncClient(base_url=f"{url}/api/v1", timeout=10.0) as http:
                yield Served(daemon, ledger, url, http)
        finally:
            stop.set()
