"""Slots that are not probed: whose it is to count them.

Alone, every skipped slot is counted at once. Among replicas the others are given the time to probe
it: who could not, for want of money or because it came too late, asks whether it is on it to count.
"""

import asyncio
from typing import Final

from monitor.cluster.protocol import Cluster
from monitor.pipeline import Pipeline
from probes.result import SkipReason
from probes.target import Slot, Target

MOST: Final = 10_000
"""Skipped slots that wait to be asked for; one more is counted unasked."""
MOST_AT_ONCE: Final = 1000
"""Those that are asked for together: each waits a moment for the others, and none in a queue."""

_Skipped = tuple[Target, Slot, SkipReason]


class ClaimedSlots:
    """The scheduler's observer."""

    def __init__(self, pipeline: Pipeline, cluster: Cluster) -> None:
        self._pipeline = pipeline
        self._cluster = cluster
        self._waiting: asyncio.Queue[_Skipped] = asyncio.Queue(MOST)

    def slot_started(self, target: Target, slot: Slot, lateness_s: float) -> None:
        """Note that a slot is being run, or asked for."""
        self._pipeline.slot_started(target, slot, lateness_s)

    def slot_skipped(self, target: Target, slot: Slot, reason: SkipReason) -> None:
        """Count a slot that gets no probe here, unless another replica does with it what it can."""
        if self._cluster.alone:
            self._pipeline.slot_skipped(target, slot, reason)
            return
        try:
            self._waiting.put_nowait((target, slot, reason))
        except asyncio.QueueFull:
            self.count(target, slot, reason)

    def target_crashed(self, target: Target) -> None:
        """Count a bug of ours at one target's edge."""
        self._pipeline.target_crashed(target)

    def count(self, target: Target, slot: Slot, reason: SkipReason) -> None:
        """Count a slot that is ours and gets no probe, and tell the others."""
        skip = self._pipeline.slot_skipped(target, slot, reason)
        self._cluster.tell(skip)

    async def settle(self) -> None:
        """Ask whose skipped slots are, for ever."""
        while True:
            skipped = [await self._waiting.get()]
            while len(skipped) < MOST_AT_ONCE and not self._waiting.empty():
                skipped.append(self._waiting.get_nowait())
            async with asyncio.TaskGroup() as group:
                for each in skipped:
                    group.create_task(self._settle(*each), name=f"skipped slot of {each[0].name}")

    async def _settle(self, target: Target, slot: Slot, reason: SkipReason) -> None:
        if await self._cluster.claim_skip(target, slot, reason):
            self.count(target, slot, reason)
