"""A replica that tells and hears, without what probes and alerts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from aggregator.ledger import Ledger
from aggregator.results import SkippedSlot
from aggregator.window import Windows
from monitor.clock import Clock
from monitor.cluster.exchange import Exchange
from monitor.cluster.link import Link
from monitor.cluster.members import About, Busy
from monitor.cluster.protocol import Heard, Keep, Turn
from monitor.cluster.ways import open_client
from monitor.config.redis_url import parse_redis_url
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.elsewhere import Elsewhere
from monitor.hearing import Hearing
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from probes.result import ProbeResult, SkipReason
from probes.target import Slot
from tests.unit.aggregator.samples import embedding_target, result

TARGETS = tuple(
    embedding_target(name=name, provider="openai", deadline_s=0.5) for name in ("chat", "other")
)
GROUP = "group"


class Replica:
    """One ledger, its windows, and the way to the others."""

    def __init__(self, folder: Path, url: str, name: str, location: str = "here") -> None:
        self.name, self.location = name, location
        self.config = Config(
            source="test", location=location, providers=(), rules=(), targets=TARGETS
        )
        self.ledger = Ledger.open(folder / f"{name}.db", SCHEMAS)
        self.clock = clock = Clock()
        self.link = Link(open_client(parse_redis_url(url), None), GROUP)
        about = About(name, location, "1.0", clock.wall())
        self.exchange = Exchange(
            *(self.link, self.ledger, clock, about, lambda: Busy(0, 0.0, 0)),
            turns=lambda: {Turn.OURS: 1},
        )
        self.registry = CollectorRegistry()
        self.exchange.show(self.registry)
        self.windows, self.elsewhere = Windows(3_600.0), Elsewhere(3_600.0)
        self.own: list[ProbeResult] = []
        self.learnt: list[ProbeResult] = []
        self.pipeline = Pipeline(
            *(self.ledger, self.windows, Metrics(location, "1.0"), clock, location),
            self.own.append,
            alone=False,
        )
        self._targets = {target.name: target for target in TARGETS}
        self._hearing = Hearing(
            *(self._targets, location, self.pipeline, self.elsewhere),
            lambda _target, found: self.learnt.append(found),
            clock,
        )

    # What the exchange asks for.

    async def hear(self, heard: Sequence[Heard], keep: Keep) -> Counter[str]:
        """Take in what others tell."""
        return await self._hearing.take(heard, keep)

    async def lost(self, target: str, slot: Slot) -> bool:
        """Count what came to nothing."""
        return await self.pipeline.lost(self._targets[target], slot)

    # What tests ask for.

    async def find(self, slot: int, target: str = "chat", **said: object) -> ProbeResult:
        """Probe a slot, and tell."""
        now = self.clock.wall()
        found = result(
            **{"target": target, "slot": slot, "slot_at": now, "at": now, "location": self.location}
            | said
        )
        await self.pipeline.take(self._targets[target], found)
        self.exchange.tell(found)
        return found

    def skip(self, slot: int, reason: SkipReason = SkipReason.BUDGET) -> SkippedSlot:
        """Give a slot up, and tell."""
        skip = self.pipeline.slot_skipped(TARGETS[0], Slot(slot, self.clock.wall()), reason)
        self.exchange.tell(skip)
        return skip

    def expect(self, slot: int) -> None:
        """Leave a slot to another."""
        self.exchange.expect(TARGETS[0], Slot(slot, self.clock.wall()))

    async def rows(self, table: str = "results") -> list[tuple[str, int, str]]:
        """Return target, slot and teller of what the ledger has, in commit order."""
        query = f"SELECT target, slot, heard_from FROM {table} ORDER BY id"
        return await self.ledger.read(lambda c: c.execute(query).fetchall())

    def counted(self, target: str = "chat") -> tuple[int, int]:
        """Return the results and missed slots of its window."""
        summary = self.windows.summary((target,), 3_600.0, self.clock.steady() + 1.0)
        return summary.n, summary.missed

    def figure(self, name: str, **labels: str) -> float:
        """Return what /metrics says."""
        return self.registry.get_sample_value(f"sonde_cluster_{name}", labels) or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Replica"]:
        """Be there meanwhile, as the daemon is."""
        try:
            await self.link.look()
            await self.exchange.start(self)
            async with asyncio.TaskGroup() as group:
                works = [self.link.run, *self.exchange.running(lambda: self).values()]
                works.append(self.pipeline.record_skips)
                tasks = [group.create_task(_for_ever(work)) for work in works]
                try:
                    yield self
                finally:
                    for task in tasks:
                        task.cancel()
        finally:
            await self.leave()

    async def leave(self) -> None:
        """Go in order."""
        await self.exchange.close()
        await self.link.close()
        await self.ledger.close()


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    await work()
    raise AssertionError("it ended")
