"""blackbox_exporter, a POST module, scraped once for each probe. It always connects anew.

The exporter is what is under test: it has the client's core, and the scraper (this process) is on
the other one, where the instrument has precedence.
"""

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp

from benchmarks.cells import KEY, PROMPT, Order, Sample
from benchmarks.cores import CLIENT_CORE, cpu_s, judging_core, pinned
from tests.servers.running import free_port, installed, running

_WHOLE: Final = re.compile(r"^probe_duration_seconds (\S+)$", re.MULTILINE)
_PROCESSING: Final = re.compile(
    r'^probe_http_duration_seconds\{phase="processing"\} (\S+)$', re.MULTILINE
)
_SUCCESS: Final = "\nprobe_success 1\n"


@dataclass(frozen=True, slots=True)
class Blackbox:
    http: aiohttp.ClientSession
    url: str
    pid: int
    target: str
    """The base URL, with a place for the request's id."""

    async def probe(self, number: int) -> Sample:
        query = {"module": "chat", "target": self.target.replace("/v1", f"i{number}/v1")}
        try:
            async with self.http.get(f"{self.url}/probe", params=query) as answer:
                text = await answer.text()
        except aiohttp.ClientError:
            return Sample(id=None, ok=False)
        whole, processing = _WHOLE.search(text), _PROCESSING.search(text)
        if _SUCCESS not in text or whole is None or processing is None:
            return Sample(id=None, ok=False)
        return Sample(id=number, whole_s=float(whole[1]), answer_s=float(processing[1]))

    def cpu_s(self) -> float:
        return cpu_s(self.pid)


def _module(ca: str | None) -> str:
    body = {
        "messages": [{"role": "user", "content": PROMPT}],
        "model": "truth",
        "max_completion_tokens": 16,
    }
    http = {
        "method": "POST",
        "headers": {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
        "body": json.dumps(body),
        "preferred_ip_protocol": "ip4",
        "tls_config": {"ca_file": ca} if ca else {},
    }
    # JSON is YAML
    return json.dumps({"modules": {"chat": {"prober": "http", "timeout": "20s", "http": http}}})


@asynccontextmanager
async def opened(order: Order) -> AsyncIterator[Blackbox]:
    os.sched_setaffinity(0, {judging_core()})
    with TemporaryDirectory() as folder:
        scratch, port = Path(folder), free_port()
        config = scratch / "blackbox.json"
        config.write_text(_module(order.ca))
        command = [
            *pinned(CLIENT_CORE),
            installed("prometheus-blackbox-exporter", "blackbox_exporter"),
            f"--config.file={config}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        url = f"http://127.0.0.1:{port}"
        with running(command, ready=f"{url}/-/healthy", scratch=scratch) as process:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as http:
                yield Blackbox(http, url, process.pid, f"{order.url}/chat/completions")
