"""What replicas pay for sharing: claims through one Redis, beside a Sonde that is alone.

Claims are asked in waves, as slots come due, or one by one at a steady pace, which is what a slot's
lateness is made of. CPU is that of the process that asks; Redis' own is read from it.
"""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.table import Table

from benchmarks.report import drawn
from monitor.clock import Clock
from monitor.cluster.claims import Claims
from monitor.cluster.link import Link
from monitor.cluster.protocol import Turn
from monitor.cluster.ways import Source
from probes.result import Operation
from probes.secret import Secret, SecretSource
from probes.target import Slot, Target
from probes.wire.trust import Papers
from tests.servers.redis import RedisServer, redis_started

WAVE: Final = 500
WAVES: Final = 20
PACED: Final = 2000
PACE_S: Final = 0.002
CLOCK: Final = Clock()

Claim = Callable[[Target, Slot], Awaitable[Turn]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What claims cost, one way of asking for them."""

    way: str
    per_s: float
    """In waves."""
    cpu_us: float
    """A claim and its release here."""
    redis_us: float | None
    late_s: Sequence[float]
    """How long each of those at a steady pace took, in order of length."""


def target(number: int) -> Target:
    return Target(
        name=f"target-{number}",
        provider="p",
        preset="compatible",
        model="m",
        operation=Operation.CHAT,
        prompt="hi",
    )


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@asynccontextmanager
async def joined(server: RedisServer, name: str) -> AsyncIterator[Claims]:
    """Let one replica claim."""
    source = Source(SecretSource(value=Secret(server.url)), Papers())
    link = Link(source.open(), "benchmark", source)
    claims = Claims(link, CLOCK, replica=name, location="here", members=lambda: ())
    await link.look()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each()) for each in (link.run, claims.run)]
        try:
            yield claims
        finally:
            for task in tasks:
                task.cancel()
    await link.close()


async def measured(
    way: str, claim: Claim, release: Callable[[Target], None], redis_s: Callable[[], float | None]
) -> Measured:
    """Have slots claimed: in waves, then one by one."""
    targets = [target(number) for number in range(WAVE)]
    await _wave(claim, release, targets, 0)  # connections, scripts
    began, cpu_s, server_s = time.monotonic(), _cpu_s(), redis_s()
    for number in range(1, WAVES + 1):
        await _wave(claim, release, targets, number)
    took_s, cpu_s, after_s = time.monotonic() - began, _cpu_s() - cpu_s, redis_s()
    asked = WAVE * WAVES
    late_s = []
    for number in range(PACED):
        await asyncio.sleep(PACE_S)
        one = targets[number % WAVE]
        before = time.monotonic()
        await claim(one, Slot(10_000 + number, CLOCK.wall()))
        late_s.append(time.monotonic() - before)
        release(one)
    spent_us = None if server_s is None or after_s is None else 1e6 * (after_s - server_s) / asked
    return Measured(way, asked / took_s, 1e6 * cpu_s / asked, spent_us, sorted(late_s))


async def _wave(
    claim: Claim, release: Callable[[Target], None], targets: Sequence[Target], number: int
) -> None:
    async with asyncio.TaskGroup() as group:
        for one in targets:
            group.create_task(_claimed(claim, release, one, Slot(number, CLOCK.wall())))


async def _claimed(
    claim: Claim, release: Callable[[Target], None], one: Target, slot: Slot
) -> None:
    if await claim(one, slot) in {Turn.OURS, Turn.UNASKED}:
        release(one)


def _redis_s(server: RedisServer) -> float:
    with server.client() as client:
        told = client.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


async def _alone(_target: Target, _slot: Slot) -> Turn:
    return Turn.OURS


async def _measure(server: RedisServer) -> list[Measured]:
    found = [await measured("alone", _alone, lambda _target: None, lambda: None)]
    async with joined(server, "a") as first:
        found.append(
            await measured("through Redis", first.claim, first.release, lambda: _redis_s(server))
        )
        async with joined(server, "b") as second:

            async def both(one: Target, slot: Slot) -> Turn:
                turn = await first.claim(one, slot)
                await second.claim(one, slot)
                return turn

            server.client().flushall()
            found.append(
                await measured(
                    "through Redis, by two replicas", both, first.release, lambda: _redis_s(server)
                )
            )
    return found


def table() -> Table:
    """Run it."""
    with TemporaryDirectory() as folder, redis_started(Path(folder) / "redis") as server:
        found = asyncio.run(_measure(server))
    alone = found[0]
    return drawn(
        f"Claims: {WAVES} waves of {WAVE}, then {PACED} at {1 / PACE_S:.0f} a second",
        [
            "way:",
            "claims/s",
            "CPU here, µs",
            "beside alone",
            "CPU of Redis, µs",
            "p50 ms",
            "p99 ms",
        ],
        (
            (
                each.way,
                f"{each.per_s:,.0f}",
                f"{each.cpu_us:.1f}",
                f"+{each.cpu_us - alone.cpu_us:.1f}",
                "–" if each.redis_us is None else f"{each.redis_us:.1f}",
                f"{1000 * each.late_s[len(each.late_s) // 2]:.3f}",
                f"{1000 * each.late_s[int(len(each.late_s) * 0.99)]:.3f}",
            )
            for each in found
        ),
    )
