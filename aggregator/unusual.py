"""Whether what a target does now is unusual for it, and why that is said.

A window is unusual when its statistic lies so many spreads beyond what the hour usually has, and so
much beyond it at all, on the side that is worse. A target is once most of its newest windows were:
three of four, five minutes apart. The figures here were chosen on the development seeds of
`benchmarks.anomaly.corpus`, for at most one false alarm a target and month.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aggregator.baseline import Baseline, Learning, Usual

EVERY_S: Final = 300.0
"""Between two looks at a target: faster ones would look at much the same samples."""
WINDOWS_S: Final = (900.0, 3600.0)
"""The first of these that holds LEAST_SAMPLES is looked at."""
LEAST_SAMPLES: Final = 12
WORST_OF: Final = 3
OF: Final = 4

MEDIAN_SPREADS: Final = 4.5
TAIL_SPREADS: Final = 6.0
"""Beyond the 90th percentile, where a few samples make the figure and noise has its heavy tail."""
TAIL_FROM: Final = 0.9
LEAST_RATIO: Final = 1.2
"""A fifth worse than usual: less is nothing to wake anybody for, however sure it is."""

_MEDIAN_SCATTER: Final = 1.25
_TAIL_SCATTER: Final = 2.1
"""Standard deviation of a median, and of a 95th percentile, of normal noise: so many of its own,
divided by the root of the number of samples. https://en.wikipedia.org/wiki/Quantile#Discussion"""
_P95_SPREADS: Final = 1.645
"""Where the 95th percentile of normal noise lies, in its standard deviations."""
_DAYS: Final = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")
"""Hour 0 of the epoch was on a Thursday."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """Which figure is watched."""

    q: float
    more_is_worse: bool = True

    @property
    def spreads(self) -> float:
        """Beyond so many spreads a window is unusual."""
        return TAIL_SPREADS if self.q > TAIL_FROM else MEDIAN_SPREADS


@dataclass(frozen=True, slots=True)
class Hour:
    """What a statistic was in a whole hour."""

    number: int
    """Hours since the epoch, UTC."""
    value: float
    n: int
    noise: float | None
    """Standard deviation of the logarithm of its samples; None: too few to say. See `noise`."""


def noise(p50: float | None, p95: float | None) -> float | None:
    """Return the standard deviation of samples' logarithms, as their percentiles tell it."""
    if p50 is None or p95 is None or p50 <= 0:
        return None
    return math.log(p95 / p50) / _P95_SPREADS


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of a target's newest window."""

    value: float
    hour: int
    usual: Usual | Learning
    spreads: float
    unusual: bool | None
    """Of the newest windows together; None while learning."""

    def explained(self, unit: str) -> str:
        """Say why, for people: `8.2 s; usual for Fri 14h UTC: 1.9-3.1 s`."""
        if isinstance(self.usual, Learning):
            return str(self.usual)
        low, high = self.usual.between(self.spreads)
        when = f"{_DAYS[self.hour // 24 % 7]} {self.hour % 24}h UTC"
        return f"{self.value:.2g} {unit}; usual for {when}: {low:.2g}-{high:.2g} {unit}"


class Watch:
    """One statistic of one target. Hours teach it, windows are judged by it."""

    def __init__(self, statistic: Statistic) -> None:
        self._statistic = statistic
        self._baseline = Baseline()
        self._newest: deque[bool] = deque(maxlen=OF)
        self._samples = 0.0
        self._noise: float | None = None
        """Of an hour as they usually are, followed slowly."""

    def learn(self, hours: Iterable[Hour]) -> None:
        """Take in whole hours, the oldest first. Some milliseconds when a day is among them."""
        found = [hour for hour in hours if hour.value > 0]
        self._baseline.learn([(hour.number, hour.value) for hour in found])
        for hour in found:
            self._samples = _followed(self._samples or None, float(hour.n))
            if hour.noise is not None:
                self._noise = _followed(self._noise, hour.noise)

    def judge(self, at: float, value: float, n: int) -> Finding:
        """Judge the window of `n` samples that ends at a wall time; each window once."""
        number = math.ceil(at / 3600) - 1
        usual = self._baseline.usual(number, self._scatter(n))
        unusual = None
        if isinstance(usual, Usual):
            self._newest.append(self._beyond(usual, value))
            unusual = sum(self._newest) >= WORST_OF
        return Finding(value, number, usual, self._statistic.spreads, unusual)

    def _beyond(self, usual: Usual, value: float) -> bool:
        worse = 1 if self._statistic.more_is_worse else -1
        deviation = worse * usual.deviation(value)
        return deviation > self._statistic.spreads and deviation * usual.spread > math.log(
            LEAST_RATIO
        )

    def _scatter(self, n: int) -> float:
        """Return by how much a window of `n` samples scatters beyond an hour's."""
        if self._noise is None or not 0 < n < self._samples:
            return 0.0
        one = _TAIL_SCATTER if self._statistic.q > TAIL_FROM else _MEDIAN_SCATTER
        return one * self._noise * math.sqrt(1 / n - 1 / self._samples)


_FOLLOWING: Final = 0.05
"""The weight of an hour: its noise and number of samples are those of the last day, roughly."""


def _followed(known: float | None, new: float) -> float:
    return new if known is None else known + _FOLLOWING * (new - known)
