"""VictoriaMetrics (Debian's 1.79.5): a second, lenient reader of InfluxDB's line protocol.

What it really does: takes `/api/v2/write` from anybody, whatever token, organisation and bucket
(`db=` in the address would become a label); answers 204 to bad lines and counts them; turns strings
into 0 and cuts nanoseconds to milliseconds. It is never the only judge of a write. Fields become
metrics named `<measurement>_<field>`, tags their labels; it is asked in PromQL.
https://docs.victoriametrics.com/victoriametrics/integrations/influxdb/
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from tests.servers.running import free_port, installed, running

VISIBLE_S: Final = 10.0
"""A new series can be asked for about a second after it was flushed."""


@dataclass(frozen=True)
class VictoriaMetrics:
    """A running VictoriaMetrics, empty at first."""

    url: str
    http: httpx2.Client

    def query(self, expression: str, *, at_s: float | None = None) -> list[dict[str, object]]:
        """Return the result of an instant query, now or at a time: a list of {metric, value}."""
        asked = {"query": expression} | ({} if at_s is None else {"time": str(at_s)})
        answer = self.http.get(f"{self.url}/api/v1/query", params=asked)
        answer.raise_for_status()
        result: list[dict[str, object]] = answer.json()["data"]["result"]
        return result

    def samples(self, selector: str) -> list[dict[str, object]]:
        """Return every sample of the series that are selected: {metric, values, timestamps}."""
        answer = self.http.get(f"{self.url}/api/v1/export", params={"match[]": selector})
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def flush(self) -> None:
        """Make what was written visible, new series excepted: they take their time."""
        self.http.get(f"{self.url}/internal/force_flush").raise_for_status()

    def stored(self, selector: str) -> list[dict[str, object]]:
        """Flush until the selected series are visible, and return their samples."""
        deadline = time.monotonic() + VISIBLE_S
        while not (found := self.samples(selector)):
            assert time.monotonic() < deadline, f"{selector} was not stored"
            self.flush()
            time.sleep(0.05)
        return found

    def invalid_rows(self, *, at_least: int = 0) -> int:
        """Return how many lines it could not read, having waited for so many.

        The page it is read from is up to a second old.
        """
        deadline = time.monotonic() + VISIBLE_S
        while (found := self._counter('vm_rows_invalid_total{type="influx"}')) < at_least:
            assert time.monotonic() < deadline, f"{found} invalid rows, not {at_least}"
            time.sleep(0.05)
        return found

    def _counter(self, name: str) -> int:
        lines = self.http.get(f"{self.url}/metrics").text.splitlines()
        return next(int(line.split()[-1]) for line in lines if line.startswith(name))


@contextmanager
def victoria_metrics_server(scratch: Path) -> Iterator[VictoriaMetrics]:
    """Run VictoriaMetrics in `scratch` on a free port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        installed("victoria-metrics"),
        f"-storageDataPath={scratch / 'data'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=100y",
        "-search.latencyOffset=0s",
        "-search.disableCache",
        "-selfScrapeInterval=0",
        "-loggerLevel=WARN",
    ]
    with (
        running(command, ready=f"{url}/health", scratch=scratch),
        httpx2.Client(trust_env=False) as http,
    ):
        yield VictoriaMetrics(url, http)
