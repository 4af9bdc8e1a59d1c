"""Objectives over weeks: how many answers were bad, how sure that is, what is left of the budget.

Good are answers without a fault, bad those whose fault is the provider's, refused slots that count
as such among them. Whatever else failed (our key, our request, our network) says nothing of the
provider and is in neither.

Minutes are kept for the windows that page, hours for the period: sums of whole buckets, so a window
of five minutes is the minute under way and the four before it.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
MINUTES: Final = 361
"""The longest window that is told by the minute, six hours, and the minute under way."""
HOURS: Final = 90 * 24 + 1
"""The longest period, ninety days, and the hour under way."""

SURE_Z: Final = 1.645
"""A bound that the true ratio is above in 19 of 20 cases (one-sided)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted in a stretch of time."""

    bad: int = 0
    n: int = 0
    """Good and bad."""

    @property
    def ratio(self) -> float | None:
        """The bad among all, 0..1; None without any."""
        return self.bad / self.n if self.n else None

    def at_least(self) -> float:
        """Return what the true ratio is above as far as this sample can tell; 0 without one.

        The lower end of Wilson's score interval, which holds for few samples and for ratios near 0,
        where the textbook's does not. Wilson, JASA 22 (1927), https://doi.org/10.2307/2276774; see
        also Brown, Cai, DasGupta, https://doi.org/10.1214/ss/1009213286
        """
        if self.bad == 0:
            return 0.0
        ratio, z2 = self.bad / self.n, SURE_Z * SURE_Z
        middle = ratio + z2 / (2 * self.n)
        spread = SURE_Z * math.sqrt(ratio * (1 - ratio) / self.n + z2 / (4 * self.n * self.n))
        return max((middle - spread) / (1 + z2 / self.n), 0.0)


def budget_left(period: Tally, allowed_ratio: float) -> float | None:
    """Return the part of a period's error budget that is left; negative: overspent, None: no n.

    `allowed_ratio` of the period's answers may be bad. Of an unfinished period the budget is that
    of what was asked so far.
    """
    return 1.0 - period.bad / (allowed_ratio * period.n) if period.n else None


Numbers = NDArray[np.uint32]
Rows = NDArray[np.intp]


class Tallies:
    """Good and bad of some targets by minutes and hours, up to now.

    Each is a ring: a bucket's place is its number modulo the ring's length, and what is passed over
    is wiped. 20 KB for a target, whatever it is probed at.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        self._rows: Mapping[str, int] = MappingProxyType(
            {target: row for row, target in enumerate(targets)}
        )
        self._minutes = _Ring(len(targets), MINUTE_S, MINUTES)
        self._hours = _Ring(len(targets), HOUR_S, HOURS)

    def count(self, target: str, at: float, *, bad: int, n: int) -> None:
        """Count what happened to a target at a wall time; of a target that is not ours nothing."""
        row = self._rows.get(target)
        if row is not None:
            self._minutes.count(row, at, bad, n)
            self._hours.count(row, at, bad, n)

    def count_hour(self, target: str, at: float, *, bad: int, n: int) -> None:
        """Count an hour of which the minutes are not known, or counted apart."""
        row = self._rows.get(target)
        if row is not None:
            self._hours.count(row, at, bad, n)

    def count_minute(self, target: str, at: float, *, bad: int, n: int) -> None:
        """Count a minute whose hour is counted apart."""
        row = self._rows.get(target)
        if row is not None:
            self._minutes.count(row, at, bad, n)

    def forget(self, target: str) -> None:
        """Count a target's past anew. Raises KeyError for a target not ours."""
        for ring in (self._minutes, self._hours):
            ring.wipe(self._rows[target])

    def take_over(self, before: "Tallies") -> None:
        """Copy what others counted of targets that are ours as well; to be called at the start."""
        names = self._rows.keys() & before._rows.keys()
        ours = np.array([self._rows[name] for name in names], np.intp)
        theirs = np.array([before._rows[name] for name in names], np.intp)
        self._minutes.take_over(before._minutes, ours, theirs)
        self._hours.take_over(before._hours, ours, theirs)

    def over(self, targets: Iterable[str], window_s: float, now: float) -> list[Tally]:
        """Return each target's tally of the window that ends at the wall time `now`.

        By the minute up to six hours, else by the hour. Raises KeyError for a target not ours.
        """
        ring = self._minutes if window_s <= (MINUTES - 1) * MINUTE_S else self._hours
        rows = np.array([self._rows[target] for target in targets], np.intp)
        return [Tally(int(bad), int(n)) for bad, n in ring.sums(rows, window_s, now)]


def together(tallies: Iterable[Tally]) -> Tally:
    """Return the tally of all of them."""
    bad = n = 0
    for tally in tallies:
        bad += tally.bad
        n += tally.n
    return Tally(bad, n)


class _Ring:
    """The newest buckets of one length."""

    def __init__(self, rows: int, bucket_s: int, length: int) -> None:
        self._bucket_s = bucket_s
        self._length = length
        self._counts: Numbers = np.zeros((rows, length, 2), np.uint32)
        self._newest = 0
        """The number of the newest bucket."""

    def count(self, row: int, at: float, bad: int, n: int) -> None:
        number = int(at // self._bucket_s)
        self._advance(number)
        if number > self._newest - self._length:  # else it is too old for any window
            self._counts[row, number % self._length] += np.array((bad, n), np.uint32)

    def take_over(self, before: "_Ring", ours: Rows, theirs: Rows) -> None:
        self._newest = before._newest
        self._counts[ours] = before._counts[theirs]

    def wipe(self, row: int) -> None:
        self._counts[row] = 0

    def _advance(self, number: int) -> None:
        """Wipe what lies between the newest bucket and this one."""
        first = max(self._newest + 1, number - self._length + 1)
        for passed in range(first, number + 1):
            self._counts[:, passed % self._length] = 0
        self._newest = max(self._newest, number)

    def sums(self, rows: Rows, window_s: float, now: float) -> Numbers:
        """Return bad and n of the buckets of a window, row by row."""
        last = int(now // self._bucket_s)
        buckets = min(max(round(window_s / self._bucket_s), 1), self._length)
        first = max(last - buckets, self._newest - self._length) + 1
        wanted = np.arange(first, min(last, self._newest) + 1) % self._length
        found: Numbers = self._counts[np.ix_(rows, wanted)].sum(axis=1)
        return found
