"""What a target's past was, minute by minute, whichever store is asked.

The stores give samples and the statistics are ours, for the same question must not have two
answers: InfluxQL's percentile() takes another rank than ours (the nearest one, which in small
groups is the maximum: https://docs.influxdata.com/influxdb/v1/query_language/functions/#percentile)
and knows neither too few samples nor lower bounds. Definitions are those of `aggregator.summary`:
first attempts only; results whose fault is `monitor` are in nothing; a latency is that of a
complete answer or of a timeout, and none that our own process spoiled; quantiles are nearest-rank
with the lower neighbour, and unknown below `samples_for` samples.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple, Protocol

from aggregator.summary import enough

MOST_RESULTS: Final = 100_000
"""Results one question may look at: a day of a target probed every second, some 20 MB."""


class HistoryError(Exception):
    """The past could not be told. The text is for people and holds no secret."""


class Sample(NamedTuple):
    """One first attempt."""

    at_us: int
    """Wall time when it was sent, microseconds since the epoch."""
    ok: bool
    latency_ms: float | None
    """None when it has none that counts."""
    censored: bool = False
    """Whether the latency is a lower bound, because a deadline cut the exchange short."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of one target. Latencies are in milliseconds and None where unknown."""

    at: int
    """When it began, seconds since the epoch."""
    n: int
    errors: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    censored_from: float | None
    """The smallest timeout in it: a figure at or above it is a lower bound."""


class History(Protocol):
    """A store that remembers results."""

    async def per_minute(self, target: str, since: int, until: int) -> list[Minute]:
        """Return the minutes with results from `since` up to, but not including, `until`.

        Both are seconds since the epoch. Raises HistoryError, also when there are more than
        MOST_RESULTS results in between.
        """
        ...


def minutes(samples: Sequence[Sample], since: int, until: int) -> list[Minute]:
    """Summarise the samples from `since` until before `until`, given in the order of their times.

    Raises HistoryError when there are too many.
    """
    if len(samples) > MOST_RESULTS:
        raise HistoryError(f"more than {MOST_RESULTS} results in that time: ask for less of it")
    return list(_minutes(s for s in samples if since * 10**6 <= s.at_us < until * 10**6))


def _minutes(samples: Iterable[Sample]) -> Iterator[Minute]:
    for number, group in groupby(samples, key=lambda sample: sample.at_us // 60_000_000):
        found = list(group)
        timed = sorted(s.latency_ms for s in found if s.latency_ms is not None)
        yield Minute(
            at=number * 60,
            n=len(found),
            errors=sum(not sample.ok for sample in found),
            mean=math.fsum(timed) / len(timed) if timed else None,
            p50=_quantile(timed, 0.5),
            p95=_quantile(timed, 0.95),
            p99=_quantile(timed, 0.99),
            censored_from=min(
                (s.latency_ms for s in found if s.censored and s.latency_ms is not None),
                default=None,
            ),
        )


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    return ordered[math.floor(q * (len(ordered) - 1))] if enough(len(ordered), q) else None
