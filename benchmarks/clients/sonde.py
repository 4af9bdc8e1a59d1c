"""Sonde's own prober, as the daemon uses it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.cells import KEY, PROMPT, Order, Sample
from probes.lag import LagMeter
from probes.prober import Prober
from probes.result import Operation, ProbeResult
from probes.secret import Secret, SecretSource
from probes.target import Connection, Provider, Slot, Target


@dataclass(frozen=True, slots=True)
class Sonde:
    prober: Prober
    target: Target

    async def probe(self, number: int) -> Sample:
        return sample(await self.prober.probe(self.target, Slot(number, time.time())))

    def cpu_s(self) -> float:
        return time.process_time()


def sample(result: ProbeResult) -> Sample:
    """Return what a result claims."""
    request_id, sent_s = result.request_id, result.sent_s
    if request_id is None or sent_s is None:
        return Sample(id=None, ok=False)
    first_s = result.first_token_s
    return Sample(
        id=int(request_id.removeprefix("req_")),
        ok=result.ok,
        whole_s=result.latency_s,
        answer_s=result.latency_s - sent_s,
        first_token_s=None if first_s is None else first_s - sent_s,
        inter_token_s=result.inter_token_s,
        tainted=result.latency_tainted,
        stream_tainted=result.stream_tainted,
        stamps=result.stamps.value,
    )


@asynccontextmanager
async def opened(order: Order) -> AsyncIterator[Sonde]:
    cell, lag = order.cell, LagMeter()
    lag.watch(asyncio.get_running_loop()._selector)  # type: ignore[attr-defined] # noqa: SLF001
    provider = Provider(
        name="truth",
        preset="openai",
        base_url=order.url,
        api_key=SecretSource(Secret(KEY)),
        max_concurrency=10_000,
    )
    target = Target(
        name="bench",
        provider="truth",
        preset="openai",
        model="truth",
        operation=Operation.CHAT,
        prompt=PROMPT,
        stream=cell.chunks > 0,
        connection=Connection.FRESH if cell.fresh else Connection.REUSE,
    )
    prober = Prober(provider, location="bench", wall=time.time, lag=lag)
    try:
        yield Sonde(prober, target)
    finally:
        await prober.close()
