"""The past as InfluxDB remembers it: the points of `api_probe`, of which it is told no skips."""

import math
from collections import defaultdict
from typing import ClassVar, Final

from aggregator.rollup.bucket import Attempt, Bucket, Point
from aggregator.stores.history import (
    Events,
    History,
    HistoryError,
    Outcome,
    refuse_beyond,
    troubles,
    whole_steps,
)
from aggregator.stores.influxql import Influxql, QueryError, Row
from probes.result import Fault, Verdict

PAGE_ROWS: Final = 10_000
"""Rows of one answer, one megabyte or two; InfluxDB's own limit was this for years."""

_SELECT: Final = (
    "SELECT attempt, verdict, fault, latency_ms, latency_tainted, first_token_ms, inter_token_ms,"
    " output_tokens_per_s, tokens_input, tokens_output, tokens_cached, cost_usd FROM api_probe"
    " WHERE target = $target AND location = $location AND time >= $since AND time < $until"
    " ORDER BY time"
)
_ANSWERED: Final = (Verdict.OK, Verdict.CONTENT_MISMATCH)
_WORDS: Final = frozenset(Verdict), frozenset(Fault)


class InfluxdbHistory(History):
    """History from the points of `api_probe`."""

    knows_skips: ClassVar[bool] = False

    def __init__(self, influxql: Influxql, location: str) -> None:
        self._influxql = influxql
        self._location = location

    async def range(self, target: str, since: int, until: int, step_s: int) -> list[Point]:
        """See `History`."""
        steps: defaultdict[int, Bucket] = defaultdict(Bucket)
        ends = whole_steps(since, until, step_s)
        try:
            for row in await self._rows(target, *ends):
                at = row["time"] // 10**9 // step_s * step_s
                steps[at].add(_attempt(row))
        except _NOT_OURS as error:
            raise HistoryError(_STRANGE) from error
        return [Point(at, step_s, steps[at]) for at in sorted(steps)]

    async def events(self, target: str, since: int, until: int) -> Events:
        """See `History`; points carry no request ids, and drift is not written."""
        try:
            outcomes = [
                Outcome(row["time"] // 1_000 / 1e6, Fault(row["fault"]))
                for row in await self._rows(target, since, until)
                if row["attempt"] == "1" and row["fault"] != Fault.MONITOR
            ]
        except _NOT_OURS as error:
            raise HistoryError(_STRANGE) from error
        return Events(list(troubles(outcomes)), [])

    async def _rows(self, target: str, since: int, until: int) -> list[Row]:
        """Return all points in the order of their times, but those with a newer version's words."""
        rows: list[Row] = []
        offset = 0
        while len(rows) == offset:
            rows += await self._page(target, since, until, offset)
            refuse_beyond(len(rows))
            offset += PAGE_ROWS
        verdicts, faults = _WORDS
        known = (row for row in rows if row["verdict"] in verdicts and row["fault"] in faults)
        return sorted(known, key=_time)

    async def _page(self, target: str, since: int, until: int, offset: int) -> list[Row]:
        try:
            return await self._influxql.rows(
                f"{_SELECT} LIMIT {PAGE_ROWS} OFFSET {offset}",
                target=target,
                location=self._location,
                since=since * 10**9,
                until=until * 10**9,
            )
        except QueryError as error:
            raise HistoryError(str(error)) from error


_NOT_OURS: Final = (KeyError, TypeError, ValueError, OverflowError)
"""What a point of another's making leads to."""
_STRANGE: Final = "a point of api_probe is not one of ours"


def _time(row: Row) -> int:
    if not isinstance(row["time"], int):
        raise TypeError("not a time")
    return row["time"]


def _attempt(row: Row) -> Attempt:
    """Read one point as `aggregator.rollup.folding` reads a row; raises some of _NOT_OURS."""
    verdict, tainted = Verdict(row["verdict"]), bool(row["latency_tainted"])
    first = row["attempt"] == "1" and row["fault"] != Fault.MONITOR
    answered = first and not tainted and verdict in _ANSWERED
    timed = answered or (first and not tainted and verdict is Verdict.TIMEOUT)
    return Attempt(
        first=row["attempt"] == "1",
        verdict=verdict,
        fault=Fault(row["fault"]),
        tainted=tainted,
        figures=(
            _number(row["latency_ms"], 1e-3) if timed else None,
            _number(row["first_token_ms"], 1e-3) if answered else None,
            _number(row["inter_token_ms"], 1e-3) if answered else None,
            _number(row["output_tokens_per_s"]) if answered else None,
        ),
        tokens=(
            _whole(row["tokens_input"]),
            _whole(row["tokens_output"]),
            _whole(row["tokens_cached"]),
        ),
        cost_usd=_number(row["cost_usd"]),
    )


def _number(value: float | None, unit: float = 1.0) -> float | None:
    if value is None:
        return None
    number = float(value) * unit
    if not (math.isfinite(number) and number >= 0.0):
        raise ValueError("not a figure")
    return number


def _whole(value: float | None) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
