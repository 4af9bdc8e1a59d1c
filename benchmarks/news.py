"""What replicas pay for telling each other: a result told, and one taken in.

Both sides are the daemon's own, with a Redis and a ledger on this machine's disk. A replica of a
group of N tells one N-th of all results and takes in the rest.
"""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.table import Table

from aggregator.ledger import Ledger
from benchmarks.report import drawn
from monitor.clock import Clock
from monitor.cluster.awaited import Awaited
from monitor.cluster.link import Link
from monitor.cluster.publisher import Publisher
from monitor.cluster.reader import Reader
from monitor.cluster.ways import open_client
from monitor.config.load import load
from monitor.config.redis_url import parse_redis_url
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.road import Observers, Road
from probes.lag import LagMeter
from probes.result import Fault, Operation, ProbeResult, RateLimit, StampQuality, Verdict
from probes.target import Slot, Target
from tests.servers.redis import RedisServer, redis_started

TARGETS: Final = 2_000
SLOTS: Final = 10
PACED: Final = 400
PACE_S: Final = 0.005
"""One at a time, 200 a second: as a group of 6,000 targets at 30 s has them."""
LIMITS: Final = (RateLimit("requests", 10_000, 9_999, 6.0), RateLimit("tokens", 10**6, 10**6, 0.0))


def found(target: str, slot: int, at: float) -> ProbeResult:
    """Return a streamed answer with all that providers say."""
    return ProbeResult(
        target=target,
        provider="openai",
        model="gpt-4o-mini",
        operation=Operation.CHAT,
        location="here",
        slot=slot,
        slot_at=at,
        at=at,
        verdict=Verdict.OK,
        fault=Fault.NONE,
        status=200,
        finish_reason="stop",
        sent_s=0.05123,
        first_byte_s=0.31234,
        first_token_s=0.34567,
        first_visible_token_s=0.34567,
        last_token_s=0.61234,
        total_s=0.6234,
        reused=True,
        input_tokens=17,
        output_tokens=12,
        prompt_chars=60,
        response_chars=48,
        cost_usd=0.00001,
        rate_limits=LIMITS,
        request_id="req_0123456789abcdef0123456789abcdef",
        returned_model="gpt-4o-mini-2024-07-18",
        fingerprint="fp_0123456789",
        stamps=StampQuality.KERNEL,
        loop_lag_s=0.00123,
    )


def configured(folder: Path) -> Config:
    """Return what somebody has who set a key, with many targets."""
    environ = {"OPENAI_API_KEY": "sk-test-0123456789abcdef", "HOME": str(folder)}
    config = load(None, environ, cwd=folder, strict=True).config
    one = config.targets[0]
    targets = tuple(replace(one, name=f"target-{number}") for number in range(TARGETS))
    return replace(config, location="here", targets=targets, slos=())


async def _never(_target: Target, _slot: Slot, _attempt: int) -> ProbeResult:
    raise AssertionError("nothing is probed here")


def _link(server: RedisServer) -> Link:
    return Link(open_client(parse_redis_url(server.url), None), "benchmark")


async def _measure(server: RedisServer, folder: Path) -> list[tuple[str, ...]]:
    config, clock = configured(folder), Clock()
    ledger = Ledger.open(folder / "sonde.db", SCHEMAS)
    road = Road(config, ledger, {}, _never, clock, LagMeter(), Observers())
    link = _link(server)
    await link.look()
    publisher = Publisher(link, "b", b"other", clock.monotonic)
    reader = Reader(link, ledger, b"own", "here", Awaited(), clock.monotonic)
    await _tell(publisher, config, 0, clock.wall() - 120.0)
    await _heard(reader, road, TARGETS)  # what a target's first result makes
    rows = [await _told(publisher, config, clock, server)]
    began, cpu_s = time.monotonic(), time.process_time()
    await _heard(reader, road, TARGETS * (SLOTS + 1))
    took_s, cpu_s = time.monotonic() - began, time.process_time() - cpu_s
    rows.append(_row("taken in, as many as there are", TARGETS * SLOTS, cpu_s, took_s, 0.0))
    rows.append(await _paced(publisher, reader, road, clock))
    await link.close()
    await ledger.close()
    return rows


async def _told(
    publisher: Publisher, config: Config, clock: Clock, server: RedisServer
) -> tuple[str, ...]:
    at = clock.wall() - 60.0
    began, cpu_s = time.monotonic(), time.process_time()
    for slot in range(1, SLOTS + 1):
        await _tell(publisher, config, slot, at + slot)
    took_s, cpu_s = time.monotonic() - began, time.process_time() - cpu_s
    with server.client() as client:
        size = float(client.info("memory")["used_memory_dataset"]) / publisher.told
    return _row("told, as many as there are", TARGETS * SLOTS, cpu_s, took_s, size)


async def _tell(publisher: Publisher, config: Config, slot: int, at: float) -> None:
    for target in config.targets:
        publisher.tell(found(target.name, slot, at))
    while publisher.waiting:
        await publisher.flush()


async def _heard(reader: Reader, road: Road, rows: int) -> None:
    while reader.heard["new"] < rows:
        await reader.start(road)


async def _paced(publisher: Publisher, reader: Reader, road: Road, clock: Clock) -> tuple[str, ...]:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(publisher.run()),
            group.create_task(reader.run(lambda: road)),
        ]
        before, cpu_s, began = reader.heard["new"], time.process_time(), time.monotonic()
        for number in range(PACED):
            publisher.tell(found(f"target-{number}", SLOTS + 1, clock.wall()))
            await asyncio.sleep(PACE_S)
        await asyncio.sleep(1.0)
        if reader.heard["new"] < before + PACED:
            raise RuntimeError("news are on their way for more than a second")
        took_s, cpu_s = time.monotonic() - began - 1.0, time.process_time() - cpu_s
        for task in tasks:
            task.cancel()
    return _row(f"told and taken in, {1 / PACE_S:.0f} a second", PACED, cpu_s, took_s, 0.0)


def _row(what: str, items: int, cpu_s: float, took_s: float, size: float) -> tuple[str, ...]:
    kept = f"{size:,.0f}" if size else "–"
    return what, f"{items:,}", f"{1e6 * cpu_s / items:.1f}", f"{items / took_s:,.0f}", kept


def table() -> Table:
    """Run it."""
    with TemporaryDirectory() as folder, redis_started(Path(folder) / "redis") as server:
        rows = asyncio.run(_measure(server, Path(folder)))
    return drawn(
        f"News: results of {TARGETS:,} targets",
        ["what:", "results", "CPU each, µs", "a second", "bytes each in Redis"],
        rows,
    )
