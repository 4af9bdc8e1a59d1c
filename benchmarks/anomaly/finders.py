"""Who says that something is unusual: Sonde's watch, and two that are often built instead."""

import math
from collections import deque
from collections.abc import Callable
from statistics import fmean, pstdev
from typing import Protocol

from aggregator.unusual import OF, WORST_OF, Hour, Statistic, Watch
from benchmarks.anomaly.corpus import START, WEEK_S


class Finder(Protocol):
    """Hears of every hour that is over, then judges windows one after another."""

    def learn(self, hour: Hour) -> None:
        """Take in an hour that is over."""
        ...

    def unusual(self, at: float, value: float, n: int, /) -> bool | None:
        """Judge a window that ends then; None while learning."""
        ...


class Sonde:
    """What is shipped, without anything between."""

    def __init__(self, q: float) -> None:
        self._watch = Watch(Statistic(q))

    def learn(self, hour: Hour) -> None:
        """See `Finder`."""
        self._watch.learn([hour])

    def unusual(self, at: float, value: float, n: int) -> bool | None:
        """See `Finder`."""
        return self._watch.judge(at, value, n).unusual


class Fixed:
    """A threshold somebody worked out once: so many times the median hour of the first week."""

    def __init__(self, times: float) -> None:
        self._times = times
        self._week: list[float] = []
        self._newest: deque[bool] = deque(maxlen=OF)

    def learn(self, hour: Hour) -> None:
        """See `Finder`."""
        if hour.number * 3600 < START + WEEK_S:
            self._week.append(hour.value)

    def unusual(self, at: float, value: float, _n: int) -> bool | None:
        """See `Finder`."""
        if at < START + WEEK_S or not self._week:
            return None
        middle = sorted(self._week)[len(self._week) // 2]
        self._newest.append(value > self._times * middle)
        return sum(self._newest) >= WORST_OF


class LastHour:
    """So many standard deviations above the mean of the windows of the hour before."""

    def __init__(self, deviations: float) -> None:
        self._deviations = deviations
        self._hour: deque[float] = deque(maxlen=12)
        self._newest: deque[bool] = deque(maxlen=OF)

    def learn(self, hour: Hour) -> None:
        """See `Finder`; it needs none."""

    def unusual(self, at: float, value: float, _n: int) -> bool | None:
        """See `Finder`."""
        known = list(self._hour)
        self._hour.append(value)
        if at < START + WEEK_S or len(known) < 12:
            return None
        spread = pstdev(known) or math.inf
        self._newest.append(value > fmean(known) + self._deviations * spread)
        return sum(self._newest) >= WORST_OF


Make = Callable[[float], Finder]
"""A finder for a quantile."""
