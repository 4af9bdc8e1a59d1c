"""The past as InfluxDB remembers it: the points of `api_probe`, of which it is told no skips."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import ClassVar, Final

from aggregator.rollup.bucket import Bucket, Point
from aggregator.stores.history import (
    Events,
    History,
    HistoryError,
    Outcome,
    refuse_beyond,
    troubles,
    whole_steps,
)
from aggregator.stores.influxdb_points import NS, Asked, Points, fold, ours
from aggregator.stores.influxql import Row
from probes.result import Fault

MOST_POINTS: Final = 3_000_000
"""Points one question may look at: a month of a target probed every second. They are folded as they
come, so what grows with them is time, some minutes for so many, and not memory."""


class InfluxdbHistory(History):
    """History from the points of `api_probe`."""

    knows_skips: ClassVar[bool] = False

    def __init__(self, influxql: Asked, location: str, most_points: int = MOST_POINTS) -> None:
        self._points = Points(influxql, location)
        self._most_points = most_points

    async def range(self, target: str, since: int, until: int, step_s: int) -> list[Point]:
        """See `History`; more than MOST_POINTS are refused."""
        steps: defaultdict[int, Bucket] = defaultdict(Bucket)
        async with aclosing(self._pages(target, *whole_steps(since, until, step_s))) as pages:
            async for rows in pages:
                fold(steps, rows, step_s)
        return [Point(number * step_s, step_s, steps[number]) for number in sorted(steps)]

    async def events(self, target: str, since: int, until: int) -> Events:
        """See `History`; points carry no request ids, and drift is not written."""
        failed: list[Outcome] = []
        ended_by: Outcome | None = None
        async with aclosing(self._pages(target, since, until)) as pages:
            async for rows in pages:
                with ours():
                    outcomes = list(map(_outcome, filter(_counts, rows)))
                for outcome in outcomes:  # the newest first
                    if outcome.fault is Fault.NONE:
                        ended_by = outcome
                        continue
                    failed += (outcome,) if ended_by is None else (ended_by, outcome)
                    ended_by = None
                refuse_beyond(len(failed))
        return Events(list(troubles(reversed(failed))), [])

    async def _pages(self, target: str, since: int, until: int) -> AsyncGenerator[Sequence[Row]]:
        """Go through all points, the newest first."""
        until_ns, number = until * NS, 0
        while page := await self._points.newest(since * NS, until_ns, target):
            number += page.number
            if number > self._most_points:
                told = f"more than {self._most_points} results in that time: ask for less"
                raise HistoryError(told)
            yield sorted(page.rows, key=_time, reverse=True)
            until_ns = page.since_ns


def _time(row: Row) -> int:
    return int(row["time"])


def _counts(row: Row) -> bool:
    return bool(row["attempt"] == "1" and row["fault"] != Fault.MONITOR)


def _outcome(row: Row) -> Outcome:
    return Outcome(row["time"] // 1_000 / 1e6, Fault(row["fault"]))
