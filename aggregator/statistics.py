"""One statistic's samples to its Distribution, by the definitions of `aggregator.summary`."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from aggregator.summary import QUANTILES, Distribution, enough


def distribution(
    values: NDArray[np.float64], censored: NDArray[np.bool_] | None = None
) -> Distribution | None:
    """Describe finite samples; None without any.

    `censored` marks those that are only lower bounds (None: none is). They take part with the
    value they have: a quantile can only rise when a sample turns out censored, never fall because
    it was left out.
    """
    n = len(values)
    if n == 0:
        return None
    ordered = np.sort(values)
    ordered.flags.writeable = False  # it is handed on
    # The sum of equal floats divided by their number may miss them by a rounding; a mean outside
    # its samples would be shown as better or worse than everything measured.
    mean = min(max(float(np.add.reduce(ordered)) / n, float(ordered[0])), float(ordered[-1]))
    deviations = ordered - mean
    return Distribution(
        n=n,
        mean=mean,
        std=math.sqrt(float(deviations.dot(deviations)) / n),
        max=float(ordered[-1]),
        quantiles={q: float(ordered[math.floor(q * (n - 1))]) for q in QUANTILES if enough(n, q)},
        censored_from=_lowest(values, censored),
        # An array is a sequence in all that counting asks of it, at a quarter of a tuple's memory.
        samples=cast("Sequence[float]", ordered),
    )


def _lowest(values: NDArray[np.float64], censored: NDArray[np.bool_] | None) -> float | None:
    if censored is None or not censored.any():
        return None
    return float(values[censored].min())
