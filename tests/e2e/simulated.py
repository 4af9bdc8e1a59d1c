"""The simulator as a process, for daemons under test."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass(frozen=True)
class Simulated:
    """A provider that follows a script."""

    url: str
    process: asyncio.subprocess.Process

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def log(self) -> list[dict[str, Any]]:
        """Its own record of every request."""
        async with httpx2.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"{self.url}/log", timeout=10)).text
        return [json.loads(line) for line in text.splitlines()]


@asynccontextmanager
async def simulated(script: str, seconds: float = 60.0) -> AsyncIterator[Simulated]:
    """Run the simulator with a script on a free port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor.simulator", "--script", script),
        *("--seconds", str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            ready = json.loads(await process.stdout.readline())
        yield Simulated(ready["url"], process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # The transport of a pipe is closed by the loop, one turn later.
        await asyncio.sleep(0)
