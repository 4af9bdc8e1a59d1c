"""Prometheus (Debian's 2.42) and promtool: the judges of what we expose."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.servers.running import free_port, installed, running


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus that scrapes one address every half second."""

    url: str
    http: httpx2.Client

    def query(self, expression: str) -> list[dict[str, object]]:
        """Return the result of an instant query: a list of {metric, value}."""
        answer = self.http.get(f"{self.url}/api/v1/query", params={"query": expression})
        answer.raise_for_status()
        result: list[dict[str, object]] = answer.json()["data"]["result"]
        return result

    def target(self) -> dict[str, object]:
        """Return what it says of its one target: `health` (up, down, unknown), `lastError`."""
        targets = self.http.get(f"{self.url}/api/v1/targets").json()["data"]["activeTargets"]
        found: dict[str, object] = targets[0] if targets else {"health": "unknown"}
        return found

    def metadata(self) -> dict[str, list[dict[str, str]]]:
        """Return type, help and unit of every metric it has scraped, by name."""
        found: dict[str, list[dict[str, str]]] = self.http.get(
            f"{self.url}/api/v1/metadata"
        ).json()["data"]
        return found


@contextmanager
def prometheus_server(scrape_url: str, scratch: Path) -> Iterator[Prometheus]:
    """Run Prometheus in `scratch`, scraping `scrape_url` (`http://HOST:PORT/PATH`)."""
    parts = urlsplit(scrape_url)
    scrape: dict[str, object] = {
        "job_name": "sonde",
        "metrics_path": parts.path or "/metrics",
        "static_configs": [{"targets": [parts.netloc]}],
    }
    with prometheus_with([scrape], scratch) as server:
        yield server


@contextmanager
def prometheus_with(
    jobs: list[dict[str, object]], scratch: Path, more: Mapping[str, object] | None = None
) -> Iterator[Prometheus]:
    """Run Prometheus in `scratch` with these scrape configurations, and `more` of its sections."""
    program = installed("prometheus")
    pace = {"scrape_interval": "500ms", "scrape_timeout": "500ms"}
    config = scratch / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps({"global": pace, "scrape_configs": jobs, **(more or {})}))
    port = free_port()
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={scratch / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    url = f"http://127.0.0.1:{port}"
    with (
        running(command, ready=f"{url}/-/ready", scratch=scratch),
        httpx2.Client(trust_env=False) as http,
    ):
        yield Prometheus(url, http)


def check_metrics(exposition: str) -> tuple[int, str]:
    """Lint an exposition with `promtool check metrics`: its exit code (3: bad names) and words."""
    return _promtool("check", "metrics", given=exposition)


def check_config(path: Path) -> tuple[int, str]:
    """Check a Prometheus configuration file: promtool's exit code and words."""
    return _promtool("check", "config", str(path))


def _promtool(*arguments: str, given: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [installed("promtool"), *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
