"""The slot grid: which target is due when. Pure.

A slot's number is floor((wall - phase) / interval), so every replica names the same slot alike
without talking to another. The phase comes from the target's name: probes are spread over the
interval instead of all leaving at once, and stay where they are over restarts.
"""

import math
from dataclasses import dataclass
from hashlib import blake2s

from probes.target import Slot


def phase_s(name: str, interval_s: float) -> float:
    """Return the target's place within its interval, 0 <= phase < interval, from its name."""
    digest = blake2s(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * interval_s


@dataclass(frozen=True, slots=True)
class Grid:
    """The slots of one target."""

    interval_s: float
    phase_s: float

    @classmethod
    def of(cls, name: str, interval_s: float) -> "Grid":
        """Return the grid of the target with this name."""
        return cls(interval_s, phase_s(name, interval_s))

    def slot(self, number: int) -> Slot:
        """Return the slot with this number."""
        return Slot(number, self._at(number))

    def _at(self, number: int) -> float:
        return number * self.interval_s + self.phase_s

    def current(self, wall: float) -> Slot:
        """Return the newest slot that is due at `wall`."""
        number = math.floor((wall - self.phase_s) / self.interval_s)
        # The division may round either way at a boundary; the grid's own times decide.
        while self._at(number) > wall:
            number -= 1
        while self._at(number + 1) <= wall:
            number += 1
        return self.slot(number)

    def following(self, wall: float) -> Slot:
        """Return the first slot that is due after `wall`."""
        return self.slot(self.current(wall).number + 1)


@dataclass(frozen=True, slots=True)
class Due:
    """What to do about a target whose slot has come."""

    slot: Slot
    """The slot to run now, or the newest one missed. Those between the expected one and this one
    went by unseen and are lost."""
    lateness_s: float
    run: bool
    """False: we came too late, and the slot is skipped."""


def due(grid: Grid, expected: Slot, wall: float) -> Due:
    """Decide about the slot `expected` at `wall`, a moment at or after it.

    Slots are never caught up in a burst: of those that have gone by only the newest may still be
    run, and only in the first half of its interval.
    """
    # As a rule the next one is still to come, and there is nothing to work out.
    slot = expected if wall < grid.slot(expected.number + 1).at else grid.current(wall)
    lateness_s = max(0.0, wall - slot.at)
    return Due(slot, lateness_s, lateness_s <= grid.interval_s / 2)


def off_schedule(at: float) -> Slot:
    """Return what stands for a slot in a probe somebody asked for at this wall time.

    Its number is negative, as no slot's is, and another one each millisecond: the request's nonce,
    which no cache may know, is made of it.
    """
    return Slot(-round(at * 1000.0), at)
