"""What is known of one target, all of it at once: any window of it is two searches away.

The daemon's windows are fed result by result and forget. Here the whole past is in one block, cut
by the same `Part` into the same summaries.
"""

import math
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregator.part import FAULT, VERDICT, Part, rated, together, whole
from aggregator.summary import Summary
from aggregator.trail import Block
from alerting.series import View

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class History:
    """The samples of one target, in the order they were had. Times in seconds, ascending."""

    results: Block
    missed: Block
    first_at: float
    """When the first result was had; inf for none."""

    @property
    def times(self) -> Floats:
        """When each result was had."""
        return np.frombuffer(self.results.times, np.float64)

    @property
    def missed_times(self) -> Floats:
        """When each slot was missed."""
        return np.frombuffer(self.missed.times, np.float64)

    @property
    def verdicts(self) -> Bytes:
        """Places in `aggregator.part.VERDICTS`."""
        return np.frombuffer(self.results.codes[VERDICT], np.uint8)

    @property
    def faults(self) -> Bytes:
        """Places in `aggregator.part.FAULTS`."""
        return np.frombuffer(self.results.codes[FAULT], np.uint8)

    def figures(self, column: int) -> Floats:
        """Return one column of figures, NaN for what is not there."""
        known = self.results.figures[column]
        if known is None:
            return np.full(len(self.results.times), math.nan)
        return np.frombuffer(known, np.float64)

    def part(self, over_s: float, now: float) -> Part:
        """Return what lies in (now - over_s, now]."""
        return Part(self.results, self.missed, self.first_at, over_s, now)

    def changes_at(self, part: Part) -> float:
        """Return when the window next holds something else than this part; inf for never."""
        at = part.oldest + part.over_s
        for times in (self.results.times, self.missed.times):
            later = bisect_right(times, part.now)
            if later < len(times):
                at = min(at, times[later])
        return at


def history(
    times: Floats,
    codes: Sequence[Bytes],
    figures: Sequence[Floats | None],
    missed: Floats,
) -> History:
    """Return the history of columns as `aggregator.part` numbers them; times ascend."""
    block = Block(
        _flat(times),
        tuple(bytearray(column.astype(np.uint8).tobytes()) for column in codes),
        [None if column is None or np.isnan(column).all() else _flat(column) for column in figures],
    )
    first_at = float(times[0]) if len(times) else math.inf
    return History(block, Block(_flat(missed), (), []), first_at)


def _flat(column: Floats) -> "array[float]":
    flat = array("d")
    flat.frombytes(column.astype(np.float64).tobytes())
    return flat


@dataclass(slots=True)  # not frozen: it lives for a moment, and there are thousands
class Look:
    """A window at one moment."""

    summary: Summary
    changes_at: float
    """When it next holds something else; inf for never."""
    first_at: float
    """When its first result ever was had: until the window is that old its rates move with time."""


def look(histories: Mapping[str, History], view: View, now: float) -> Look:
    """Describe the window of a view; a target nothing is known of adds nothing."""
    known = [histories[name] for name in view.targets if name in histories]
    parts = [each.part(view.over_s, now) for each in known]
    changes = [each.changes_at(part) for each, part in zip(known, parts, strict=True)]
    first_at = min([each.first_at for each in known], default=math.inf)
    made = whole(parts[0]) if len(parts) == 1 else together(parts, view.over_s)
    return Look(rated(made, first_at, now), min(changes, default=math.inf), first_at)
