"""The truth server's log against the grid of slots: how late probes came, and which did not. Pure.

A target's number is its id in the log; `target_name` is the name whose phase the grid takes.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from benchmarks.truth_log import Row
from monitor.schedule import Grid
from probes.target import Slot

EARLY_S: Final = 0.05
"""A wall clock that is being corrected may make a request seem to come before its slot, by less
than this."""


def target_name(number: int) -> str:
    """Return the name of the target with this number."""
    return f"t-truth-{number}"


def latenesses_s(rows: Iterable[Row], interval_s: float, wall_offset_s: float) -> list[float]:
    """Return how long after its slot each request arrived: everything of ours, connecting too.

    `wall_offset_s` is wall time less monotonic time.
    """
    return [row.arrived + wall_offset_s - _slot(row, interval_s, wall_offset_s).at for row in rows]


def missed(rows: Iterable[Row], interval_s: float, wall_offset_s: float) -> int:
    """Return how many slots between a target's first and last request had none."""
    seen: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        seen[row.id].append(_slot(row, interval_s, wall_offset_s).number)
    return sum(max(each) - min(each) + 1 - len(set(each)) for each in seen.values())


def _slot(row: Row, interval_s: float, wall_offset_s: float) -> Slot:
    grid = Grid.of(target_name(row.id), interval_s)
    return grid.current(row.arrived + wall_offset_s + EARLY_S)
