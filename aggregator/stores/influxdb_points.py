"""The points of `api_probe`, read back a page at a time, the newest first.

A page begins where the one before ended, by time: an offset would make InfluxDB go through all that
it skips once more for every page. Words of a newer version are left out.
"""

from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Final, NamedTuple, Protocol

from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.stores.history import HistoryError
from aggregator.stores.influxql import QueryError, Row
from aggregator.stores.lines import tag_as_stored
from probes.result import Fault, Operation, ProbeResult, Verdict

NS: Final = 10**9
PAGE_ROWS: Final = 250
"""Points of one answer: decoded and counted in some 5 ms, for which the event loop stands still."""

_SELECT: Final = (
    "SELECT target, provider, model, operation, attempt, verdict, fault, latency_ms,"
    " latency_tainted, first_token_ms, inter_token_ms, output_tokens_per_s, tokens_input,"
    " tokens_output, tokens_cached, cost_usd FROM api_probe"
    " WHERE {}location = $location AND time >= $since AND time < $until"
    " ORDER BY time DESC LIMIT {}"
)
_OF_TARGET: Final = "target = $target AND "
_ANSWERED: Final = (Verdict.OK, Verdict.CONTENT_MISMATCH)
_VERDICTS: Final = frozenset(Verdict)
_FAULTS: Final = frozenset(Fault)
_OPERATIONS: Final = frozenset(Operation)


class Asked(Protocol):
    """Who answers in InfluxQL: `Influxql`, or what stands for it."""

    async def rows(self, query: str, **params: str | int) -> list[Row]:
        """Return the rows of one statement; `$name` in it is bound. Raises QueryError."""
        ...


class Page(NamedTuple):
    """Points of a stretch of time, all that are there."""

    rows: Sequence[Row]
    since_ns: int
    """When that stretch began; it ended where the question did. The end of the next question."""
    number: int
    """How many points were read for it, those left out among them."""


@dataclass(frozen=True, slots=True)
class Points:
    """What an InfluxDB has of one location."""

    influxql: Asked
    location: str

    async def newest(
        self, since_ns: int, until_ns: int, target: str | None = None, limit: int = PAGE_ROWS
    ) -> Page | None:
        """Return the newest points from `since_ns` until before `until_ns`; None: there is none.

        Of one target, or of all. Raises HistoryError.
        """
        bound: dict[str, str | int] = {
            "location": tag_as_stored(self.location),
            "since": since_ns,
            "until": until_ns,
        }
        if target is not None:
            bound["target"] = tag_as_stored(target)
        asked = _SELECT.format("" if target is None else _OF_TARGET, limit)
        try:
            rows = await self.influxql.rows(asked, **bound)
        except QueryError as error:
            raise HistoryError(str(error)) from error
        if not rows:
            return None
        with ours():
            return _page(rows, since_ns, until_ns, limit)


def _page(rows: Sequence[Row], since_ns: int, until_ns: int, limit: int) -> Page:
    times = [row["time"] for row in rows]
    oldest = min(times)
    if not all(isinstance(time, int) for time in times):
        raise TypeError("not a time")
    if not since_ns <= oldest <= max(times) < until_ns:
        raise ValueError("not asked for")
    if len(rows) >= limit:
        # The page may have been cut between two points of one moment: all of that come next.
        rows = [row for row in rows if row["time"] > oldest]
        oldest += 1
        if not rows:
            raise ValueError("too many at one moment")
    return Page([row for row in rows if _known(row)], oldest, len(times))


def _known(row: Row) -> bool:
    return row["verdict"] in _VERDICTS and row["fault"] in _FAULTS


@contextmanager
def ours() -> Iterator[None]:
    """Tell what a point of another's making leads to, as HistoryError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise HistoryError("a point of api_probe is not one of ours") from error


def fold(steps: MutableMapping[int, Bucket], rows: Iterable[Row], step_s: int) -> None:
    """Count points in the buckets of their steps, by number since the epoch. Raises HistoryError.

    What is not there yet is made by the mapping: hand in a `defaultdict`.
    """
    with ours():
        for row in rows:
            steps[row["time"] // (NS * step_s)].add(_attempt(row))


def results(rows: Iterable[Row], location: str) -> list[ProbeResult]:
    """Return what windows need of points, in the same order. Raises HistoryError.

    Slots are not known: they are those of the time of sending, one for each second.
    """
    with ours():
        return [_result(row, location) for row in rows if row["operation"] in _OPERATIONS]


def _attempt(row: Row) -> Attempt:
    """Read one point as `aggregator.rollup.folding` reads a row."""
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


def _result(row: Row, location: str) -> ProbeResult:
    at = row["time"] // 1_000 / 1e6
    latency_s = _number(row["latency_ms"], 1e-3)
    first_token_s = _number(row["first_token_ms"], 1e-3)
    if latency_s is None:
        raise ValueError("no latency")
    return ProbeResult(
        target=str(row["target"]),
        provider=str(row["provider"]),
        model=str(row["model"]),
        operation=Operation(row["operation"]),
        location=location,
        slot=int(at),
        slot_at=at,
        attempt=int(row["attempt"]),
        at=at,
        verdict=Verdict(row["verdict"]),
        fault=Fault(row["fault"]),
        first_token_s=first_token_s,
        last_token_s=None if first_token_s is None else latency_s,
        total_s=latency_s,
        input_tokens=_whole(row["tokens_input"]),
        output_tokens=_whole(row["tokens_output"]),
        cost_usd=_number(row["cost_usd"]),
        latency_tainted=bool(row["latency_tainted"]),
    )


def _number(value: float | None, unit: float = 1.0) -> float | None:
    if value is None:
        return None
    number = float(value) * unit
    if not (isfinite(number) and number >= 0.0):
        raise ValueError("not a figure")
    return number


def _whole(value: float | None) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
