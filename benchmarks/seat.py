"""The process of one client under test: `python -m benchmarks.seat NAME`, orders on its stdin.

Each client has a process of its own, so that nobody pays for another's imports, garbage or
threads. An order is a line of JSON, and so is what came of it.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from importlib import import_module
from typing import Any, Final, Protocol

from benchmarks.cells import BLOCK_S, LEAD_S, Cell, Findings, Order, Pattern, Sample

DRAIN_S: Final = 5.0
"""How long probes may go on after the last one began: an overloaded client loses what is left."""


class Client(Protocol):
    """A thing that probes."""

    async def probe(self, number: int) -> Sample:
        """Probe once. `number` is different for each probe of a run."""

    def cpu_s(self) -> float:
        """Return the CPU time it has used so far."""


Opening = Callable[[Order], AbstractAsyncContextManager[Client]]
"""`opened(order)` of each module in benchmarks/clients."""


class Turn:
    """One run of a cell."""

    def __init__(self, client: Client, cell: Cell) -> None:
        self._client = client
        self._cell = cell
        self._samples: list[Sample] = []
        self._blocked_s = 0.0

    async def run(self) -> Findings:
        """Probe as the cell says, and wait for what is in flight."""
        probes: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group:
            began = time.monotonic()
            blocker = group.create_task(self._block(began), name="other work")
            cpu_before, counted = self._client.cpu_s(), 0
            for number, offset_s in enumerate(offsets(self._cell)):
                await asyncio.sleep(max(0.0, began + offset_s - time.monotonic()))
                counts = offset_s >= LEAD_S
                if counts and not counted:
                    cpu_before, self._blocked_s = self._client.cpu_s(), 0.0
                counted += counts
                probes.append(group.create_task(self._probe(number, counts), name=f"{number}"))
            _, unfinished = await asyncio.wait(probes, timeout=DRAIN_S)
            blocker.cancel()
            cpu_s = self._client.cpu_s() - cpu_before - self._blocked_s
            for probe in unfinished:
                probe.cancel()
        samples = tuple(self._samples)
        return Findings(samples=samples, lost=len(unfinished), cpu_s=cpu_s, probes=counted)

    async def _probe(self, number: int, counts: bool) -> None:
        sample = await self._client.probe(number)
        if counts:
            self._samples.append(sample)

    async def _block(self, began: float) -> None:
        """Hold the loop once a second, at a moment that is no probe's own."""
        at = began + 0.137
        while self._cell.blocked:
            at += 1.0
            await asyncio.sleep(at - time.monotonic())
            until, before = time.monotonic() + BLOCK_S, time.process_time()
            while time.monotonic() < until:
                pass
            self._blocked_s += time.process_time() - before


def offsets(cell: Cell) -> Iterator[float]:
    """Yield when each probe of a cell begins, in seconds from its start, lead and all."""
    seconds = LEAD_S + cell.seconds
    for number in range(round(seconds * cell.rate)):
        at_s = number / cell.rate
        yield float(int(at_s)) if cell.pattern is Pattern.BURST else at_s


async def _serve(opened: Opening, order: Order) -> Findings:
    # Imports are in nobody's way here; a long-running daemon freezes them once it has started.
    gc.collect()
    gc.freeze()
    async with opened(order) as client:
        return await Turn(client, order.cell).run()


def read_order(line: str) -> Order:
    """Return the order a line of JSON stands for."""
    order: dict[str, Any] = json.loads(line)
    cell: dict[str, Any] = order["cell"]
    cell["pattern"] = Pattern(cell["pattern"])
    return Order(**(order | {"cell": Cell(**cell)}))


def main(name: str) -> None:
    opened: Opening = import_module(f"benchmarks.clients.{name}").opened
    for line in sys.stdin:
        findings = asyncio.run(_serve(opened, read_order(line)))
        print(json.dumps(asdict(findings)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
