"""A target's last 24 hours and 30 days as the overview draws them, kept up to date. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aggregator.rollup.bucket import Bucket, Figure, Point
from probes.result import Fault

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
HOURS: Final = 24
DAYS: Final = 30
OPEN_HOURS: Final = 2
"""The newest hours keep their samples, for results come in late: a probe counts for the hour in
which it was sent. What comes later still counts, without a figure, until all is read anew."""

_DIGITS: Final = 6

Counts = tuple[int, int, int, int]
"""Outcomes; those failed by the provider, and by others; slots without a result."""
Quantiles = tuple[float | None, float | None, float | None]
"""p50 and p95 of the latency, p50 of the first token, seconds; None: not known."""

NONE: Final[Counts] = (0, 0, 0, 0)
UNKNOWN: Final[Quantiles] = (None, None, None)


@dataclass(frozen=True, slots=True)
class Steps:
    """A stretch of the past in equal steps, the oldest first."""

    since: int
    """When the first begins, seconds since the epoch."""
    step_s: int
    counts: tuple[Counts, ...]
    quantiles: tuple[Quantiles, ...] = ()


class Past:
    """Hours and days of one target."""

    def __init__(self, hours: Iterable[Point] = (), days: Iterable[Point] = ()) -> None:
        """Take what roll-ups know: `days` may be without figures."""
        self._open: dict[int, Bucket] = {}
        self._hours: dict[int, tuple[Counts, Quantiles]] = {}
        self._days: dict[int, Counts] = {}
        for point in days:
            self._days[point.at // DAY_S] = counts_of(point.bucket)
        for point in sorted(hours, key=lambda point: point.at):
            self._count(point.at // HOUR_S, point.bucket)

    def add(self, minutes: Mapping[int, Bucket]) -> None:
        """Count what happened in these minutes, by their numbers since the epoch, in addition."""
        for number, bucket in sorted(minutes.items()):
            day = number * 60 // DAY_S
            self._days[day] = _sum(self._days.get(day, NONE), counts_of(bucket))
            self._count(number * 60 // HOUR_S, bucket)

    def _count(self, hour: int, bucket: Bucket) -> None:
        held = self._open.get(hour)
        if held is None and hour > max(self._hours, default=-1) - OPEN_HOURS:
            held = self._open[hour] = Bucket()
        if held is not None:
            held.merge(bucket)
            self._hours[hour] = counts_of(held), quantiles_of(held)
        else:
            counts, quantiles = self._hours.get(hour, (NONE, UNKNOWN))
            self._hours[hour] = _sum(counts, counts_of(bucket)), quantiles
        newest = max(self._hours)
        for closed in [each for each in self._open if each <= newest - OPEN_HOURS]:
            del self._open[closed]

    def day(self, wall: float) -> Steps:
        """Return the last 24 hours, the one that goes on being the last."""
        first = int(wall // HOUR_S) - HOURS + 1
        found = [self._hours.get(first + each, (NONE, UNKNOWN)) for each in range(HOURS)]
        counts, quantiles = zip(*found, strict=True)
        return Steps(first * HOUR_S, HOUR_S, counts, quantiles)

    def month(self, wall: float) -> Steps:
        """Return the last 30 days of UTC, today being the last."""
        first = int(wall // DAY_S) - DAYS + 1
        found = tuple(self._days.get(first + each, NONE) for each in range(DAYS))
        return Steps(first * DAY_S, DAY_S, found)

    def forget(self, wall: float) -> None:
        """Let go of what is shown no more."""
        first_hour, first_day = wall // HOUR_S - HOURS, wall // DAY_S - DAYS
        for hour in [each for each in self._hours if each < first_hour]:
            del self._hours[hour]
            self._open.pop(hour, None)
        for day in [each for each in self._days if each < first_day]:
            del self._days[day]


def counts_of(bucket: Bucket) -> Counts:
    """Return what a strip shows of a bucket."""
    n = sum(bucket.outcomes.values())
    provider = bucket.count(Fault.PROVIDER)
    return n, provider, n - provider - bucket.count(Fault.NONE), bucket.missed


def quantiles_of(bucket: Bucket) -> Quantiles:
    """Return what a sparkline shows of a bucket."""
    latency = bucket.distribution(Figure.LATENCY)
    first = bucket.distribution(Figure.FIRST_TOKEN)
    return (
        None if latency is None else _rounded(latency.quantile(0.5)),
        None if latency is None else _rounded(latency.quantile(0.95)),
        None if first is None else _rounded(first.quantile(0.5)),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _sum(one: Counts, other: Counts) -> Counts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]
