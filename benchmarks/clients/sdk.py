"""The openai SDK, one client for all probes, timed as everybody does: a clock before and after."""

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from openai import DEFAULT_CONNECTION_LIMITS, APIError, AsyncOpenAI, DefaultAsyncHttpxClient

from benchmarks.cells import KEY, PROMPT, Order, Sample


@dataclass(frozen=True, slots=True)
class Sdk:
    client: AsyncOpenAI
    streamed: bool

    async def probe(self, number: int) -> Sample:
        try:
            return await (self._stream(number) if self.streamed else self._whole(number))
        except APIError:
            return Sample(id=None, ok=False)

    def cpu_s(self) -> float:
        return time.process_time()

    async def _whole(self, number: int) -> Sample:
        began = time.perf_counter()
        await self.client.chat.completions.create(
            model=f"truth-{number}",
            messages=[{"role": "user", "content": PROMPT}],
            max_completion_tokens=16,
        )
        return Sample(id=number, whole_s=time.perf_counter() - began)

    async def _stream(self, number: int) -> Sample:
        began = time.perf_counter()
        stream = await self.client.chat.completions.create(
            model=f"truth-{number}",
            messages=[{"role": "user", "content": PROMPT}],
            max_completion_tokens=16,
            stream=True,
            stream_options={"include_usage": True},
        )
        times = [
            time.perf_counter()
            async for chunk in stream
            if chunk.choices and chunk.choices[0].delta.content
        ]
        return Sample(
            id=number,
            whole_s=times[-1] - began,
            first_token_s=times[0] - began,
            inter_token_s=(times[-1] - times[0]) / (len(times) - 1),
        )


@asynccontextmanager
async def opened(order: Order) -> AsyncIterator[Sdk]:
    kept = 0 if order.cell.fresh else DEFAULT_CONNECTION_LIMITS.max_keepalive_connections
    http = DefaultAsyncHttpxClient(
        verify=ssl.create_default_context(cafile=order.ca),
        limits=httpx2.Limits(
            max_connections=DEFAULT_CONNECTION_LIMITS.max_connections,
            max_keepalive_connections=kept,
        ),
    )
    async with AsyncOpenAI(
        base_url=order.url, api_key=KEY, max_retries=0, http_client=http
    ) as client:
        yield Sdk(client, order.cell.chunks > 0)
