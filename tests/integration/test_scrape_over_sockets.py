"""/metrics through the real server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from monitor.metrics import Metrics
from monitor.web.scrape import CHUNK_CHARS, Scrapes
from monitor.web.server import STALLED_MS, WebServer, listen
from probes.result import Operation, SkipReason
from probes.target import Target
from tests.servers.prometheus import check_metrics

TARGETS = 20_000
"""More text than all buffers between us and a reader that does not read hold."""


@dataclass
class Served:
    port: int
    metrics: Metrics

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/metrics"

    def failed(self, reason: str) -> float | None:
        labels = {"reason": reason}
        return self.metrics.registry.get_sample_value("sonde_scrapes_failed_total", labels)


@asynccontextmanager
async def serving(targets: int, limit_s: float) -> AsyncIterator[Served]:
    metrics = Metrics("fra1", "1")
    for number in range(targets):
        target = Target(
            name=f't"{number}',
            provider="p" * 100,
            preset="openai",
            model="m\n",
            operation=Operation.CHAT,
            prompt="",
        )
        for reason in SkipReason:
            metrics.slot_skipped(target, reason)
    listener = listen("127.0.0.1", 0)
    app = FastAPI()
    app.router.routes.append(Route("/metrics", Scrapes(metrics, limit_s=limit_s)))
    server = WebServer(app, listener)
    with listener:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.run())
            yield Served(listener.getsockname()[1], metrics)
            server.stop()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_reader_gets_all_of_it(encoding: str) -> None:
    """Many chunks arrive as one text promtool has nothing to say about; then HEAD, then again."""
    async with serving(TARGETS // 10, 20.0) as served, httpx2.AsyncClient(trust_env=False) as http:
        headers = {"Accept-Encoding": encoding}
        answer = await http.get(served.url, headers=headers)
        head = await http.head(served.url, headers=headers)
        again = await http.get(served.url, headers=headers)
    assert len(answer.text) > CHUNK_CHARS
    assert answer.text.count("sonde_probe_skipped_total{") == TARGETS // 10 * len(SkipReason)
    assert again.text.count("\n") >= answer.text.count("\n")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == answer.headers["content-type"]
    assert check_metrics(answer.text) == (0, "")


async def test_a_reader_that_does_not_read_is_cut_off() -> None:
    """Its text has no end, which it can tell; others are served meanwhile and afterwards."""
    async with serving(TARGETS, 2.0) as served, httpx2.AsyncClient(trust_env=False) as http:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: sonde\r\n\r\n")
        async with asyncio.timeout(20):
            while not served.failed("slow"):  # noqa: ASYNC110 - a counter has no event
                await asyncio.sleep(0.05)
        body = await reader.read()
        assert body.startswith(b"HTTP/1.1 200")
        assert not body.endswith(b"0\r\n\r\n")
        writer.close()
        assert (await http.head(served.url)).status_code == 200
    assert served.failed("slow") == 1


async def test_a_reader_that_takes_nothing_for_long_is_dropped_by_the_kernel() -> None:
    """Connections have the listener's TCP_USER_TIMEOUT, so what waits for the dead is let go."""
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            with connection:
                option = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert option == STALLED_MS
