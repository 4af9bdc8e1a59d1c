"""Slots that another replica took: what comes of them is waited for, and not for ever.

The replica that took one may be killed before its probe ends. Nobody else probes that slot any
more, so what is left is to count it, once, as lost.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final

from probes.target import Slot, Target

TOLD_S: Final = 7.0
"""How long after its deadline the end of a probe may be told: two graces of a second at most for it
to begin, and 5 s for news that take milliseconds when all is well. Beyond that the slot counts as
lost, and what comes of it later changes no figure any more."""
MOST: Final = 100_000
"""Slots awaited at once; one more is not, and counted. Each target has one or two."""

Key = tuple[str, int]
"""Target and number of the slot."""


class Awaited:
    """The slots of this location that others took; times are monotonic."""

    def __init__(self) -> None:
        self._slots: dict[Key, Slot] = {}
        self._due: list[tuple[float, Key]] = []
        self.overlooked = 0
        """Slots that were not awaited because too many were."""

    def __len__(self) -> int:
        return len(self._slots)

    def expect(self, target: Target, slot: Slot, now: float) -> None:
        """Await news of a slot that was refused us now; again is once."""
        key = target.name, slot.number
        if key in self._slots:
            return
        if len(self._slots) >= MOST:
            self.overlooked += 1
            return
        self._slots[key] = slot
        heappush(self._due, (now + target.deadline_s + TOLD_S, key))

    def heard(self, target: str, number: int) -> None:
        """Await a slot no longer: its news have come."""
        self._slots.pop((target, number), None)

    def lost(self, now: float) -> Iterator[tuple[str, Slot]]:
        """Give up the slots of which news should have come by now, and yield them."""
        while self._due and self._due[0][0] <= now:
            _, key = heappop(self._due)
            slot = self._slots.pop(key, None)
            if slot is not None:
                yield key[0], slot
