"""One statistic's samples to its Distribution, by the definitions of `aggregator.summary`.

What most readers ask of a distribution (its quantiles) is worked out at once; the mean, the spread
and the samples themselves when somebody reads them. Nothing sorted is kept for that: the samples
are asked for again.
"""

import math
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.summary import QUANTILES, Distribution, samples_for


class Source(Protocol):
    """Where samples come from."""

    def figures(self, column: int, /) -> NDArray[np.float64] | None:
        """Return a column's samples in any order, NaN for those that lack the figure; None of none.

        The same ones each time, in an array that is the caller's to sort.
        """


_NEEDED: Final = tuple((q, samples_for(q)) for q in QUANTILES)


def distribution(
    source: Source, column: int, censored_from: float | None = None
) -> Distribution | None:
    """Describe one column of a source; None when it has no samples.

    `censored_from` is the smallest of those that are only lower bounds. They take part with the
    value they have: a quantile can only rise when a sample turns out censored, never fall because
    it was left out.
    """
    ordered = _ordered(source, column)
    n = len(ordered)
    if n == 0:
        return None
    made = _Distribution.__new__(_Distribution)
    fill = object.__setattr__
    fill(made, "_source", source)
    fill(made, "_column", column)
    fill(made, "n", n)
    fill(made, "max", ordered.item(n - 1))
    quantiles = {q: ordered.item(int(q * (n - 1))) for q, needed in _NEEDED if n >= needed}
    fill(made, "quantiles", quantiles)
    fill(made, "censored_from", censored_from)
    return made


class _Distribution(Distribution):
    """A distribution some of whose slots are filled when they are first read.

    Python asks `__getattr__` only for what is not there.
    """

    __slots__ = ("_column", "_source")
    _column: int
    _source: Source

    def __getattr__(self, name: str) -> object:
        if name not in ("mean", "std", "samples"):
            raise AttributeError(name)
        ordered = _ordered(self._source, self._column)
        if name == "samples":
            ordered.flags.writeable = False  # it is handed on
            object.__setattr__(self, name, ordered)
            return ordered
        mean, std = _moments(ordered)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "std", std)
        return mean if name == "mean" else std


def _ordered(source: Source, column: int) -> NDArray[np.float64]:
    values = source.figures(column)
    if values is None:
        return _NOTHING
    values.sort()
    n = len(values)
    if n and math.isnan(values.item(n - 1)):
        return values[: int(values.searchsorted(math.nan))]
    return values


_NOTHING: Final = np.empty(0, np.float64)


def _moments(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and the population standard deviation."""
    n, lowest, highest = len(ordered), float(ordered[0]), float(ordered[-1])
    # The sum of equal floats divided by their number may miss them by a rounding; a mean outside
    # its samples would be shown as better or worse than everything measured.
    mean = min(max(float(np.add.reduce(ordered)) / n, lowest), highest)
    deviations = ordered - mean
    return mean, math.sqrt(float(deviations.dot(deviations)) / n)
