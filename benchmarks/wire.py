"""CPU of one probe in this process: raw aiohttp, our wire, our whole prober, the openai SDK.

The server is in a process, and on a core, of its own. All run in turns in one loop; what counts is
the least of several rounds. aiohttp reads a plain answer's bytes; of a stream it takes the events
apart and their JSON, as the SDK and we do.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import aiohttp
import openai
from rich.table import Table

from benchmarks.truth import TruthServer, truth_server
from probes.chat import CHAT
from probes.compile import CompiledRequest, Compiler
from probes.lag import LagMeter
from probes.prober import Prober
from probes.result import Operation
from probes.secret import Secret, SecretSource
from probes.target import Provider, Slot, Target
from probes.wire.exchange import Exchange
from probes.wire.pool import Pool
from probes.wire.request import Request
from probes.wire.timeline import Timeline

KEY = "sk-benchmark-0123456789"
MODEL = "gpt-4o-mini"
PROMPT = "Reply with the word OK."
CHUNKS = 20
CHUNK_US = 1_000
"""Between two chunks, so that each comes in a packet, and a read, of its own."""
AT_ONCE = 8
"""Streams in flight: each waits most of its time."""
ROUNDS = 5

Work = Callable[[], Awaitable[object]]


@asynccontextmanager
async def raw_aiohttp(url: str, compiled: CompiledRequest, stream: bool) -> AsyncIterator[Work]:
    head, _, body = compiled.data("0" * 16).partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    dropped = ("host", "content-length")
    headers = [(name, value) for name, value in lines if name.lower() not in dropped]
    async with aiohttp.ClientSession() as session:

        async def plain() -> None:
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()

        async def streamed() -> None:
            async with session.post(url, data=body, headers=headers) as response:
                rest = b""
                async for data in response.content.iter_any():
                    *events, rest = (rest + data).split(b"\n\n")
                    for event in events:
                        if event != b"data: [DONE]":
                            json.loads(event.removeprefix(b"data: "))

        yield streamed if stream else plain


@asynccontextmanager
async def wire_alone(compiled: CompiledRequest) -> AsyncIterator[Work]:
    pool = Pool(None)
    request = Request(compiled.origin, compiled.data("0" * 16))

    async def exchange() -> None:
        one = Exchange(pool, request, Timeline())
        await one.send()
        while await one.pieces() is not None:
            pass
        await one.finish()

    yield exchange
    await pool.close()


@asynccontextmanager
async def whole_prober(provider: Provider, target: Target) -> AsyncIterator[Work]:
    prober = Prober(provider, location="here", wall=time.time, lag=LagMeter())
    numbers = count(1)

    async def probe() -> None:
        number = next(numbers)
        result = await prober.probe(target, Slot(number, 60.0 * number))
        assert result.ok, result.detail

    yield probe
    await prober.close()


@asynccontextmanager
async def openai_sdk(url: str, stream: bool) -> AsyncIterator[Work]:
    async with openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client:

        async def plain() -> None:
            await client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": PROMPT}]
            )

        async def streamed() -> None:
            async for _ in await client.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": PROMPT}], stream=True
            ):
                pass

        yield streamed if stream else plain


async def cpu_ms(work: Work, times: int, at_once: int) -> float:
    """Return CPU milliseconds of this process for one call."""

    async def some() -> None:
        for _ in range(times // at_once):
            await work()

    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())
    return (time.process_time() - before) * 1e3 / (times // at_once * at_once)


async def measure(server: TruthServer, *, stream: bool) -> dict[str, float]:
    """Return CPU milliseconds for one probe of each kind."""
    url = server.url(chunk_us=CHUNK_US if stream else 0, chunks=CHUNKS)
    key = SecretSource(Secret(KEY))
    provider = Provider(name="p", preset="openai", base_url=url, api_key=key)
    target = Target(
        name="t",
        provider="p",
        preset="openai",
        model=MODEL,
        operation=Operation.CHAT,
        prompt=PROMPT,
        stream=stream,
    )
    compiled = await Compiler(provider).capture(target, CHAT)
    times, at_once = (160, AT_ONCE) if stream else (600, 1)
    best: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        opened = {
            "aiohttp": raw_aiohttp(f"{url}/chat/completions", compiled, stream),
            "wire alone": wire_alone(compiled),
            "whole prober": whole_prober(provider, target),
            "openai SDK": openai_sdk(url, stream),
        }
        works = {name: await stack.enter_async_context(each) for name, each in opened.items()}
        for work in works.values():
            await cpu_ms(work, at_once * 4, at_once)  # connections, imports, caches
        for _ in range(ROUNDS):
            for name, work in works.items():
                fewer = times // 4 if name == "openai SDK" else times
                best[name] = min(best.get(name, float("inf")), await cpu_ms(work, fewer, at_once))
    return best


def table() -> Table:
    """Measure and return the table."""
    drawn = Table(title="one probe over a kept plain connection, CPU ms (x: of raw aiohttp)")
    for heading in ("", "not streamed", "x", f"streamed, {CHUNKS} chunks", "x"):
        drawn.add_column(heading, justify="right")
    with truth_server() as server:
        plain = asyncio.run(measure(server, stream=False))
        streamed = asyncio.run(measure(server, stream=True))
    for name in plain:
        figures = (
            text
            for found in (plain, streamed)
            for text in (f"{found[name]:.3f}", f"{found[name] / found['aiohttp']:.2f}")
        )
        drawn.add_row(name, *figures)
    return drawn
