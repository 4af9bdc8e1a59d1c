"""What compose.yaml starts, started by hand: its files, with addresses of this machine.

The simulator, the small Redis with its users, InfluxDB, two replicas of Sonde and Prometheus; what
Grafana would ask is asked of the last.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.dashboards.all import DASHBOARDS
from tests.docs.blocks import ROOT
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.integration.kubernetes_redis import small_redis
from tests.integration.test_grafana_dashboards import filled
from tests.servers.influxdb import Influxdb
from tests.servers.prometheus import Prometheus, prometheus_with
from tests.servers.running import free_port

FOLDER: Final = ROOT / "deploy" / "compose"
UNASKED: Final = {
    "Latencies that others publish": "no baseline is configured",
    "What status pages say": "the simulated provider has none",
    "How old that is": "the simulated provider has none",
    "Our own way out": "nobody outside is asked, so nothing is looked at",
    "Alerts on their way to channels": "there is no channel",
    "Deliveries": "there is no channel",
    "Beats for the dead-man's switch": "there is no heartbeat",
    "OTLP: requests": "no endpoint is configured",
    "OTLP: sent": "no endpoint is configured",
    "OTLP: lost": "no endpoint is configured",
    "OTLP: results whose trace waits": "no endpoint is configured",
}
"""Panels that stay empty on the laptop, and why."""
UNMET: Final = frozenset(
    {
        *("Retry-After, kept", "Requests a minute, and where refusals began"),
        *("Answers say something else of themselves", "Bugs in the target's own code"),
        *("News held back", "Scrapes that failed", "Left out of these: our own lateness"),
        *("Failures by fault", "Alerts", "What alerts did", "Confirming attempts"),
        "Latency",  # the 99th percentile wants 20 samples
    }
)
"""Panels about what need not happen while the test lasts."""


def replaced(text: str, pairs: dict[str, str]) -> str:
    """Put addresses of this machine in the place of services' names; each must be there."""
    for old, new in pairs.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class Laptop:
    """A folder with the files of compose.yaml."""

    def __init__(self, folder: Path, provider: str, influxdb: Influxdb) -> None:
        self.folder, self.secrets = folder, folder / "secrets"
        self.redis_port = free_port()
        self._provider, self._influxdb = provider, influxdb
        self.secrets.mkdir()
        for path in (FOLDER / "secrets").iterdir():
            (self.secrets / path.name).write_bytes(path.read_bytes())
        (self.secrets / "users.acl").write_bytes((self.secrets / "redis-users.acl").read_bytes())
        url = (self.secrets / "redis-url").read_text(encoding="utf-8")
        here = replaced(url, {"redis:6379": f"127.0.0.1:{self.redis_port}"})
        (self.secrets / "redis-url").write_text(here, encoding="utf-8")
        (self.secrets / "influxdb-token").write_text(influxdb.token, encoding="utf-8")

    def replica(self, number: int) -> DaemonProcess:
        """Return a replica, with a ledger of its own and a faster pace."""
        folder = self.folder / f"sonde-{number}"
        folder.mkdir()
        text = replaced(
            (FOLDER / "sonde" / "sonde.yaml").read_text(encoding="utf-8"),
            {
                "/run/secrets": str(self.secrets),
                "/var/lib/sonde": str(folder),
                "0.0.0.0:8000": "127.0.0.1:0",
                "http://simulator:8080/v1": self._provider,
                "http://influxdb:8086": self._influxdb.url,
                "org: sonde, bucket: probes": (
                    f"org: {self._influxdb.org}, bucket: {self._influxdb.bucket}"
                ),
                "cluster:": f"cluster:\n  replica: sonde-{number}",
                "interval: 15s": "interval: 1s",
                "deadline: 10s": "deadline: 1s",
            },
        )
        return DaemonProcess(folder, text)


def asked() -> Iterator[tuple[str, str]]:
    """Yield what Grafana would ask Prometheus, and the panel for which it would."""
    for dashboard in DASHBOARDS:
        if dashboard.source == "prometheus":
            for panel in dashboard.panels():
                for query in panel.queries:
                    yield panel.title, filled(query.ask)


def replicas_known(server: Prometheus) -> bool:
    """Say whether both replicas know of two, and have latencies enough for percentiles."""
    known = server.query("sonde_cluster_replicas == 2")
    latencies = 'count(sonde_window_latency_seconds{quantile="0.95", window="5m"}) >= 8'
    return len(known) == 2 and server.query(latencies) != []


async def test_the_laptop_shows_what_the_dashboards_ask(tmp_path: Path, influxdb: Influxdb) -> None:
    """Two replicas share the work, Prometheus scrapes both, no panel stays empty for nothing."""
    async with simulated("answer") as provider:
        laptop = Laptop(tmp_path, provider.base_url, influxdb)
        with small_redis(laptop.secrets, laptop.redis_port):
            async with laptop.replica(0) as first, laptop.replica(1) as second:
                places = [url.removeprefix("http://").strip("/") for url in (first.url, second.url)]
                job = {"job_name": "sonde", "static_configs": [{"targets": places}]}
                (tmp_path / "prometheus").mkdir()
                with prometheus_with([job], tmp_path / "prometheus") as server:
                    await wait_until(
                        lambda: replicas_known(server), "both replicas to show figures", 60.0
                    )
                    empty = await asyncio.to_thread(
                        lambda: {title for title, ask in asked() if not server.query(ask)}
                    )
                assert await first.stop() == await second.stop() == 0
    assert sorted(empty - UNASKED.keys() - UNMET) == []
    assert empty >= UNASKED.keys()
    assert influxdb.query('SELECT count("latency_ms") FROM "api_probe"') != []
