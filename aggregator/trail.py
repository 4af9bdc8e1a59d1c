"""Samples of one series in arrival order, in flat arrays: no object per sample.

A sample is a time, some codes (a byte each) and some figures. What was written is never written
again: to let aged samples go, the others are copied into a new `Block`, a quarter of them at a time
so that it costs next to nothing. So a block and two positions are a snapshot for ever, without a
copy.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from aggregator.summary import RECENT_FAULTS

ABSENT: Final = math.nan
"""Stands where a sample has no such figure; sorting puts it at the end."""

SMALLEST: Final = RECENT_FAULTS
"""A trail holds at least this many samples, however old: as many as a summary looks back on."""

LIMIT: Final = 65_536
"""Samples a trail holds for certain: a day at one every 1.3 s, under 4 MB with every figure."""


class Block:
    """Samples that are only ever added to, oldest first."""

    __slots__ = ("codes", "figures", "times")

    def __init__(
        self,
        times: "array[float]",
        codes: tuple[bytearray, ...],
        figures: list["array[float] | None"],
    ) -> None:
        self.times = times
        self.codes = codes
        """By column."""
        self.figures = figures
        """By column; None until the first sample that has that figure, to save the memory."""

    def append(self, at: float, codes: Sequence[int], figures: Sequence[float]) -> None:
        """Add one sample with all its codes and figures (`ABSENT` where it has none)."""
        before = len(self.times)
        self.times.append(at)
        for row, code in zip(self.codes, codes, strict=True):
            row.append(code)
        for place, figure in enumerate(figures):
            column = self.figures[place]
            if column is not None:
                column.append(figure)
            elif not math.isnan(figure):
                column = self.figures[place] = array("d", [ABSENT]) * before
                column.append(figure)

    def until(self, alive: int) -> "Block":
        """Return a block of the oldest `alive` samples alone."""
        return Block(
            self.times[:alive],
            tuple([row[:alive] for row in self.codes]),
            [None if column is None else column[:alive] for column in self.figures],
        )

    def followed_by(self, newer: "Block") -> "Block":
        """Return a block of these samples and then those."""
        sizes = len(self.times), len(newer.times)
        return Block(
            self.times + newer.times,
            tuple([row + more for row, more in zip(self.codes, newer.codes, strict=True)]),
            [
                None
                if one is None and other is None
                else _column(one, sizes[0]) + _column(other, sizes[1])
                for one, other in zip(self.figures, newer.figures, strict=True)
            ],
        )

    def without(self, dead: int) -> "Block":
        """Return a block without the oldest `dead` samples; this one stays as it is."""
        return Block(
            self.times[dead:],
            tuple([row[dead:] for row in self.codes]),
            [None if column is None else column[dead:] for column in self.figures],
        )


class Trail:
    """The newest samples of one series: those younger than `keep_s`, and some more.

    Beyond a quarter above `LIMIT` the oldest go although a window could still ask for them, and
    `overwritten` counts them.
    """

    __slots__ = ("_keep_s", "_room", "block", "overwritten")

    def __init__(self, keep_s: float, *, codes: int = 0, figures: int = 0) -> None:
        self._keep_s = keep_s
        self._room = SMALLEST
        self.block = Block(array("d"), tuple([bytearray() for _ in range(codes)]), [None] * figures)
        self.overwritten = 0
        """Samples lost to `LIMIT` while a window could still ask for them."""

    def append(self, at: float, codes: Sequence[int] = (), figures: Sequence[float] = ()) -> None:
        """Add a sample; `at` must not lie before the newest one's."""
        if len(self.block.times) >= self._room:
            self._let_go(at)
        self.block.append(at, codes, figures)

    def reach_back(self, past: "Trail", before: float, keep_s: float) -> None:
        """Keep samples for `keep_s` from now on; those up to `before` are those of `past`."""
        self._keep_s = keep_s
        older = bisect_right(past.block.times, before)
        if older:
            newer = self.block.without(bisect_right(self.block.times, before))
            self.block = past.block.until(older).followed_by(newer)
            self._room = len(self.block.times) + SMALLEST

    def _let_go(self, at: float) -> None:
        size = len(self.block.times)
        aged = bisect_right(self.block.times, at - self._keep_s)
        dead = max(0, min(aged, size - SMALLEST), size - LIMIT)
        if dead:
            self.overwritten += max(0, dead - aged)
            self.block = self.block.without(dead)
        kept = size - dead
        self._room = kept + max(SMALLEST, kept // 4)


def _column(figures: "array[float] | None", size: int) -> "array[float]":
    return array("d", [ABSENT]) * size if figures is None else figures
