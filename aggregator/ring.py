"""Samples of one series in arrival order, in NumPy arrays: no object per sample.

A sample is a time and some figures. The ring starts small and doubles while the sample it would
overwrite is still young enough to be asked for; an aged one is simply overwritten. At `LIMIT` it
stops growing: then the oldest sample goes although it is wanted, and `overwritten` counts it. So
a ring always holds at least the newest `SMALLEST` samples, however old they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from aggregator.summary import RECENT_FAULTS

Scalar = TypeVar("Scalar", bound=np.generic)

SMALLEST: Final = RECENT_FAULTS
"""Samples a new ring has room for: as many as a summary looks back on, however old they are."""

LIMIT: Final = 65_536
"""Samples a ring may hold: a day at one every 1.3 s, about 3 MB with every column in use."""


@dataclass(frozen=True, slots=True)
class Column:
    """How one figure is kept, and what stands where a sample does not have it."""

    dtype: DTypeLike
    absent: float


class Ring:
    """A bounded run of samples, oldest first; positions are counted from the oldest.

    A column takes no memory until the first sample that has it.
    """

    __slots__ = ("_arrays", "_columns", "_head", "_keep_s", "_size", "_times", "overwritten")

    def __init__(self, keep_s: float, columns: Mapping[str, Column]) -> None:
        self._keep_s = keep_s
        self._columns = columns
        self._times: NDArray[np.float64] = np.empty(SMALLEST, np.float64)
        self._arrays: dict[str, NDArray[Any]] = {}  # Any: every column has a dtype of its own
        self._head = 0
        self._size = 0
        self.overwritten = 0
        """Samples lost to `LIMIT` while a window could still ask for them."""

    def __len__(self) -> int:
        return self._size

    def append(self, at: float, figures: Mapping[str, float]) -> None:
        """Add a sample; `at` must not lie before the newest one's."""
        for name in figures:
            if name not in self._arrays:
                column = self._columns[name]
                self._arrays[name] = np.full(len(self._times), column.absent, column.dtype)
        place = self._place(at)
        self._times[place] = at
        for name, array in self._arrays.items():
            array[place] = figures.get(name, self._columns[name].absent)

    def _place(self, at: float) -> int:
        """Make room for one more sample and return its index in the arrays."""
        if self._size == len(self._times):
            wanted = bool(self._times[self._head] > at - self._keep_s)
            if wanted and self._size < LIMIT:
                self._grow()
            else:
                self.overwritten += wanted
                self._head = (self._head + 1) % len(self._times)
                self._size -= 1
        place = (self._head + self._size) % len(self._times)
        self._size += 1
        return place

    def _grow(self) -> None:
        self._times = np.concatenate((self._cut(self._times, 0, self._size), self._times))
        for name, array in self._arrays.items():
            self._arrays[name] = np.concatenate((self._cut(array, 0, self._size), array))
        self._head = 0

    def rank(self, at: float) -> int:
        """Return how many samples lie at or before `at`."""
        first = self._times[self._head : self._head + self._size]
        found = int(first.searchsorted(at, side="right"))
        if found < len(first) or len(first) == self._size:
            return found
        rest = self._times[: self._size - len(first)]
        return found + int(rest.searchsorted(at, side="right"))

    def times(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return the times at these positions, valid until the next append."""
        return self._cut(self._times, start, stop)

    def figures(self, name: str, start: int, stop: int) -> NDArray[Any] | None:
        """Return one column at these positions, valid until the next append.

        None: no sample of this ring ever had that figure. Any: its dtype is its Column's.
        """
        array = self._arrays.get(name)
        return None if array is None else self._cut(array, start, stop)

    def _cut(self, array: NDArray[Scalar], start: int, stop: int) -> NDArray[Scalar]:
        low, high, end = self._head + start, self._head + stop, len(array)
        if high <= end:
            return array[low:high]
        if low >= end:
            return array[low - end : high - end]
        return np.concatenate((array[low:], array[: high - end]))
