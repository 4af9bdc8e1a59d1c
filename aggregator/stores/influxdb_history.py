"""The past as InfluxDB remembers it."""

from typing import Final

from aggregator.stores.history import MOST_RESULTS, HistoryError, Minute, Sample, minutes
from aggregator.stores.influxql import Influxql, QueryError, Row

PAGE_ROWS: Final = 10_000
"""Rows of one answer, one megabyte or so; InfluxDB's own limit was this for years."""

LONGEST_MS: Final = 86_400_000.0
"""No probe lasts a day: a latency beyond it, or no number at all, is not one of ours."""

_SELECT: Final = (
    "SELECT latency_ms, latency_tainted, verdict FROM api_probe"
    " WHERE target = $target AND location = $location AND attempt = '1' AND fault <> 'monitor'"
    " AND time >= $since AND time < $until ORDER BY time"
)
_TIMED: Final = ("ok", "content_mismatch", "timeout")


class InfluxdbHistory:
    """History from the points of `api_probe`."""

    def __init__(self, influxql: Influxql, location: str) -> None:
        self._influxql = influxql
        self._location = location

    async def per_minute(self, target: str, since: int, until: int) -> list[Minute]:
        """See `History`."""
        samples: list[Sample] = []
        offset = 0
        while len(samples) <= MOST_RESULTS:
            rows = await self._page(target, since, until, offset)
            samples += map(_sample, rows)
            offset += PAGE_ROWS
            if len(rows) < PAGE_ROWS:
                break
        return minutes(sorted(samples, key=lambda sample: sample.at_us), since, until)

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


def _sample(row: Row) -> Sample:
    """Read one point. Raises HistoryError for one that is not ours."""
    try:
        verdict, timed = row["verdict"], row["verdict"] in _TIMED
        usable = timed and not row["latency_tainted"] and row["latency_ms"] is not None
        latency_ms = _latency_ms(row) if usable else None
        return Sample(int(row["time"]) // 1_000, verdict == "ok", latency_ms, verdict == "timeout")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise HistoryError("a point of api_probe is not one of ours") from error


def _latency_ms(row: Row) -> float:
    latency_ms = float(row["latency_ms"])
    if not 0.0 <= latency_ms <= LONGEST_MS:  # nor is NaN
        raise ValueError("not a latency")
    return latency_ms
