"""What single results say beside their outcomes: limits that headers stated, and their timing.

One pass over the results that are kept; what is in memory is the limits, of which there are few.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.report.figures import StatedLimit, Timing
from probes.result import StampQuality

LIMITS_AT_MOST: Final = 20
"""Limits shown of a target: they are numbers of a provider, which may state a new one each time."""
DIFFERENT_AT_MOST: Final = 1_000
"""Limits told apart; what comes new after so many is not counted."""
_READ: Final = json.JSONDecoder().raw_decode
"""`json.loads` without what it looks for around a text, which takes it a third of its time and a
report a tenth. What is in the ledger was checked; imported texts may begin with white space."""


@dataclass(slots=True)
class _Tally:
    """How a limit was stated so far, heard of in the order of time."""

    first_at: float
    last_at: float
    least_remaining: int | None = None
    times: int = 0

    def count(self, at: float, remaining: int | None) -> None:
        self.times += 1
        self.last_at = at
        least = self.least_remaining
        if remaining is not None and (least is None or remaining < least):
            self.least_remaining = remaining


def answers(
    connection: sqlite3.Connection,
    target: str,
    locations: Sequence[str],
    since: float,
    until: float,
) -> tuple[tuple[StatedLimit, ...], Timing]:
    """Return a target's stated limits, the most frequent ones, and how its results were timed."""
    marks = ", ".join("?" * len(locations))
    rows = connection.execute(
        "SELECT at, rate_limits, stamps, interrupted FROM results"  # noqa: S608 - question marks
        f" WHERE target = ? AND at >= ? AND at < ? AND location IN ({marks}) ORDER BY at",
        (target, since, until, *locations),
    )
    return _folded(rows)


def _folded(
    rows: Iterable[tuple[float, str | None, str, int]],
) -> tuple[tuple[StatedLimit, ...], Timing]:
    tallies: dict[tuple[str, int | None], _Tally] = {}
    stamps = dict.fromkeys((each.value for each in StampQuality), 0)
    interrupted = 0
    for at, stated, quality, was_interrupted in rows:
        stamps[quality] = stamps.get(quality, 0) + 1
        interrupted += was_interrupted
        if stated is None:
            continue
        for bucket, limit, remaining, _reset_s in _READ(stated.lstrip())[0]:
            tally = tallies.get((bucket, limit))
            if tally is None:
                if len(tallies) == DIFFERENT_AT_MOST:
                    continue
                tally = tallies[bucket, limit] = _Tally(at, at)
            tally.count(at, remaining)
    timing = Timing(
        stamps[StampQuality.KERNEL],
        stamps[StampQuality.USER],
        stamps[StampQuality.NONE],
        interrupted,
    )
    return _shown(tallies), timing


def _shown(tallies: Mapping[tuple[str, int | None], _Tally]) -> tuple[StatedLimit, ...]:
    frequent = sorted(tallies.items(), key=lambda item: -item[1].times)[:LIMITS_AT_MOST]
    limits = (
        StatedLimit(*key, tally.least_remaining, tally.times, tally.first_at, tally.last_at)
        for key, tally in frequent
    )
    return tuple(sorted(limits, key=lambda each: (each.bucket, each.first_at)))
