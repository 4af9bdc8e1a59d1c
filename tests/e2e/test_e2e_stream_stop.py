"""Stopping while somebody looks at the dashboard."""

import asyncio
import time
from pathlib import Path

import httpx2

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess
from tests.e2e.simulated import simulated

PROMISED_S = 20.0
CHAT = ["name: chat, provider: p, model: gpt-4o-mini, operation: chat"]


async def test_open_streams_hold_up_no_stop(tmp_path: Path) -> None:
    """SIGTERM with one stream that is read and one that is not: both end, exit 0 in time."""
    async with simulated("answer") as provider:
        text = configs.head() + configs.providers({"p": provider.base_url}) + configs.targets(CHAT)
        async with DaemonProcess(tmp_path, text) as daemon:
            async with httpx2.AsyncClient(base_url=daemon.url, timeout=30) as http:
                async with (
                    http.stream("GET", "/api/v1/stream") as read,
                    http.stream("GET", "/api/v1/stream"),
                ):
                    lines = read.aiter_lines()
                    while not (await anext(lines)).startswith("data: "):
                        pass
                    before = time.monotonic()
                    stopping = asyncio.create_task(daemon.stop(), name="stop")
                    async for _line in lines:
                        continue
                    assert await stopping == 0
            assert time.monotonic() - before < PROMISED_S
            assert daemon.events("daemon.stopped")
