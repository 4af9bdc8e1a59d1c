"""What is usual for a target at this hour of the week, learnt from its own past weeks.

Everything is on a logarithmic scale, so that twice as slow is as far off for a fast target as for a
slow one, and everything is a median, so that what was odd for a while teaches nothing:

- the *season* of each hour of the week: how far it lies from its week's level, the median over four
  weeks and both neighbouring hours. Until three weeks of an hour are known, the hour of the day.
- the *level*: the median of the last three days without their season. It follows a slow drift, and
  a change that lasts is usual once it makes up half of those days: after a day and a half.
- the *spread*: by how much hours missed what the level before them foretold, as the median absolute
  deviation (https://en.wikipedia.org/wiki/Median_absolute_deviation), made comparable with a
  standard deviation. A window of fewer samples than an hour has scatters more: that is added.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

WEEK_H: Final = 168
WEEKS: Final = 4
LEVEL_H: Final = 72
WARM_UP_H: Final = WEEK_H
"""A week: before that no weekend was seen."""
SEEN_RATIO: Final = 0.5
"""So much of the hours since the first must have had a value."""
LEVEL_NEEDS_H: Final = 12
"""Fewer hours than that of the last three days tell no level, nor do days that are over."""
WEEKS_FOR_AN_HOUR: Final = 3
"""Of two weeks one may be odd, and nobody knows which."""
SIGMA: Final = 1.4826
"""Standard deviations in a median absolute deviation of normal noise."""
LEAST_SPREAD: Final = 0.03
"""A target that never varies is not alarming at a hair's breadth."""

Hours = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Learning:
    """Too little is known yet."""

    hours: int
    """How many are known, of the week it takes."""

    def __str__(self) -> str:
        return f"learning: {self.hours // 24} of {WARM_UP_H // 24} days"


@dataclass(frozen=True, slots=True)
class Usual:
    """What a statistic usually is at some hour. In the statistic's unit."""

    centre: float
    spread: float
    """Standard deviation of the logarithm, of a window of so many samples as asked."""

    def deviation(self, value: float) -> float:
        """Return how many spreads a value lies above the centre, negative: below."""
        return math.log(max(value, _TINY) / self.centre) / self.spread

    def between(self, spreads: float) -> tuple[float, float]:
        """Return the lowest and highest value within so many spreads."""
        factor = math.exp(spreads * self.spread)
        return self.centre / factor, self.centre * factor


_TINY: Final = 1e-9


class Baseline:
    """One statistic of one target over the last four weeks, by the hour. Some 3.5 KB."""

    def __init__(self) -> None:
        self._logs: Hours = np.full(WEEKS * WEEK_H, np.nan, np.float32)
        """A ring: the hour's number since the epoch modulo its length."""
        self._newest = -1
        self._first = -1
        self._season: Hours = np.zeros(WEEK_H, np.float32)
        """By the hour's number modulo a week."""
        self._spread = LEAST_SPREAD
        self._level = math.nan

    def learn(self, hours: Iterable[tuple[int, float]]) -> None:
        """Take in what the statistic was in whole hours, by their numbers since the epoch.

        The oldest first. Hours may be missing; one not newer than the newest is left out. The
        season is worked out anew where a day has passed, which takes some milliseconds.
        """
        before = self._newest
        for hour, value in hours:
            if hour > self._newest:
                self._take(hour, value)
        if before // 24 != self._newest // 24:
            self._refresh()
        self._level = self._latest_level()

    def _take(self, hour: int, value: float) -> None:
        self._first = hour if self._first < 0 else self._first
        for missing in range(max(self._newest + 1, hour - len(self._logs) + 1), hour):
            self._logs[missing % len(self._logs)] = np.nan
        self._logs[hour % len(self._logs)] = math.log(max(value, _TINY))
        self._newest = hour

    def _refresh(self) -> None:
        """Work the season and the spread out anew: some milliseconds, so once a day."""
        logs = self._ordered()
        self._season = _season(logs, (self._newest + 1) % WEEK_H)
        plain = logs - np.tile(np.roll(self._season, -((self._newest + 1) % WEEK_H)), WEEKS)
        levels = _medians(np.lib.stride_tricks.sliding_window_view(plain, LEVEL_H))
        missed = np.abs(plain[LEVEL_H:] - levels[:-1])
        spread = float(_medians(missed[None, :])[0])
        self._spread = LEAST_SPREAD if math.isnan(spread) else max(SIGMA * spread, LEAST_SPREAD)

    def _ordered(self) -> Hours:
        """Return the hours in the order of time, the newest last."""
        return np.roll(self._logs, -((self._newest + 1) % len(self._logs)))

    def _latest_level(self) -> float:
        hours = np.arange(self._newest - LEVEL_H + 1, self._newest + 1)
        plain = self._logs[hours % len(self._logs)] - self._season[hours % WEEK_H]
        known = plain[~np.isnan(plain)]
        return float(np.median(known)) if len(known) >= LEVEL_NEEDS_H else math.nan

    def usual(self, hour: int, scatter: float = 0.0) -> Usual | Learning:
        """Say what is usual in an hour, as far as is known now.

        `scatter` is the standard deviation of the logarithm that a window has beyond an hour's, for
        having fewer samples.
        """
        since = hour - self._first if self._first >= 0 else 0
        known = int(np.count_nonzero(~np.isnan(self._logs)))
        stale = hour - self._newest > LEVEL_H or math.isnan(self._level)
        if since < WARM_UP_H or known < SEEN_RATIO * WARM_UP_H or stale:
            return Learning(min(since, known, WARM_UP_H - 1))
        centre = math.exp(self._level + float(self._season[hour % WEEK_H]))
        return Usual(centre, math.hypot(self._spread, scatter))


def _season(logs: Hours, start: int) -> Hours:
    """Return how far each hour of the week lies from its week's level.

    `start` is the hour of the week of the first of `logs`.
    """
    weeks = logs.reshape(WEEKS, WEEK_H)
    plain = (weeks - _medians(weeks)[:, None]).ravel()
    around = np.stack([np.roll(plain, shift) for shift in (-1, 0, 1)])
    by_week = around.reshape(3, WEEKS, WEEK_H).transpose(2, 0, 1).reshape(WEEK_H, -1)
    by_day = around.reshape(3, WEEKS * 7, 24).transpose(2, 0, 1).reshape(24, -1)
    known = np.count_nonzero(~np.isnan(plain.reshape(WEEKS, WEEK_H)), axis=0)
    daily = np.tile(_medians(by_day), 7)
    season = np.where(known >= WEEKS_FOR_AN_HOUR, _medians(by_week), daily)
    rolled: Hours = np.roll(np.nan_to_num(season), start)
    return rolled


def _medians(rows: Hours) -> Hours:
    """Return each row's lower median without its unknown values; NaN for a row without any."""
    ordered = np.sort(rows, axis=1)  # NaN last
    known = np.count_nonzero(~np.isnan(rows), axis=1)
    found: Hours = ordered[np.arange(len(rows)), np.maximum(known - 1, 0) // 2]
    return found
