"""Skipped slots: whose it is to count them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from aggregator.results import SkippedSlot
from monitor.cluster import claimed
from monitor.cluster.claimed import ClaimedSlots
from monitor.cluster.protocol import Cluster, News
from monitor.pipeline import Pipeline
from probes.result import SkipReason
from probes.target import Slot, Target
from tests.unit.monitor.kindness.attempts import target

pytestmark = pytest.mark.looptime

A = target("a")


@dataclass
class Others:
    """A group, as far as skipped slots go, and a pipeline that counts."""

    alone: bool = False
    theirs: set[int] = field(default_factory=set)
    """Slots that another replica probes."""
    counted: list[int] = field(default_factory=list)
    told: list[News] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    async def claim_skip(self, _target: Target, slot: Slot, _reason: SkipReason) -> bool:
        await asyncio.sleep(0.3)
        return slot.number not in self.theirs

    def tell(self, news: News) -> None:
        self.told.append(news)

    def slot_skipped(self, target: Target, slot: Slot, reason: SkipReason) -> SkippedSlot:
        self.counted.append(slot.number)
        return SkippedSlot(target.name, "fra1", slot, reason, 0.0)

    def slot_started(self, target: Target, _slot: Slot, _lateness_s: float) -> None:
        self.seen.append(f"started {target.name}")

    def target_crashed(self, target: Target) -> None:
        self.seen.append(f"crashed {target.name}")


@asynccontextmanager
async def settling(others: Others) -> AsyncIterator[ClaimedSlots]:
    slots = ClaimedSlots(cast("Pipeline", others), cast("Cluster", others))
    task = asyncio.create_task(slots.settle())
    yield slots
    task.cancel()
    await asyncio.wait([task])


async def test_alone_it_is_counted_at_once() -> None:
    """Nobody is asked and nobody told."""
    others = Others(alone=True)
    async with settling(others) as slots:
        slots.slot_skipped(A, Slot(1, 0.0), SkipReason.LATE)
        assert (others.counted, others.told) == ([1], [])


async def test_what_another_replica_has_is_not_counted() -> None:
    """Of slots that could not be probed here, those are counted and told that nobody has."""
    others = Others(theirs={2})
    async with settling(others) as slots:
        for number in (1, 2, 3):
            slots.slot_skipped(A, Slot(number, 0.0), SkipReason.BUDGET)
        assert others.counted == []
        await asyncio.sleep(1.0)
    assert others.counted == [1, 3]
    assert [news.slot.number for news in others.told] == [1, 3]


async def test_slots_do_not_wait_for_each_other() -> None:
    """A thousand that come together are asked for together."""
    others = Others()
    async with settling(others) as slots:
        for number in range(1000):
            slots.slot_skipped(A, Slot(number, 0.0), SkipReason.BUDGET)
        await asyncio.sleep(0.4)
        assert len(others.counted) == 1000


async def test_one_too_many_is_counted_unasked() -> None:
    """What waits is bounded; a slot that nobody counts would be one that never was."""
    others = Others()
    slots = ClaimedSlots(cast("Pipeline", others), cast("Cluster", others))
    for number in range(claimed.MOST + 1):
        slots.slot_skipped(A, Slot(number, 0.0), SkipReason.BUDGET)
    assert others.counted == [claimed.MOST]


async def test_the_rest_passes_through() -> None:
    """What the scheduler tells of starts and of bugs goes to the pipeline as it is."""
    others = Others()
    async with settling(others) as slots:
        slots.slot_started(A, Slot(1, 0.0), 0.0)
        slots.target_crashed(A)
    assert others.seen == ["started a", "crashed a"]
