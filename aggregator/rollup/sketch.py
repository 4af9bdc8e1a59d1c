"""A distribution in logarithmic bins: quantiles within 1 %, and two of them add up exactly.

The bins are DDSketch's (https://arxiv.org/abs/1908.10693): a sample x is counted in bin
ceil(log(x) / log(gamma)), and the bin's middle is no further than 1 % from any sample in it.
Samples are whole numbers of a small unit, so that sums have no rounding: in whatever order and
grouping sketches are merged, the result is the same to the last bit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from aggregator.rollup.packing import Unpacking, pack
from aggregator.summary import QUANTILES, Distribution, enough

ERROR_RATIO: Final = 0.01
"""How far a quantile may be from the sample it stands for."""

_GAMMA: Final = (1 + ERROR_RATIO) / (1 - ERROR_RATIO)
_LOG_GAMMA: Final = math.log(_GAMMA)


def bin_of(sample: int) -> int:
    """Return the bin of a sample; bin 0 holds nothing but zeros."""
    return 1 + math.ceil(math.log(sample) / _LOG_GAMMA) if sample else 0


def middle(number: int) -> float:
    """Return the value that is at most ERROR_RATIO away from any sample in a bin."""
    return 2.0 * _GAMMA ** (number - 1) / (_GAMMA + 1) if number else 0.0


@dataclass(slots=True)
class Sketch:
    """Samples of one figure, none of them negative. It grows by `add` and `merge`."""

    n: int = 0
    total: int = 0
    squares: int = 0
    """Sum of the squares, for the standard deviation."""
    least: int = 0
    most: int = 0
    censored_from: int | None = None
    """The smallest sample that is only a lower bound; None without any."""
    bins: dict[int, int] = field(default_factory=dict)

    def add(self, sample: int, *, censored: bool = False) -> None:
        """Count a sample."""
        self._gain(1, sample, sample * sample, sample, sample)
        number = bin_of(sample)
        self.bins[number] = self.bins.get(number, 0) + 1
        if censored:
            self._censor(sample)

    def merge(self, other: "Sketch") -> None:
        """Count every sample of another sketch."""
        if other.n == 0:
            return
        self._gain(other.n, other.total, other.squares, other.least, other.most)
        bins = self.bins
        for number, count in other.bins.items():
            bins[number] = bins.get(number, 0) + count
        if other.censored_from is not None:
            self._censor(other.censored_from)

    def _gain(self, n: int, total: int, squares: int, least: int, most: int) -> None:
        self.least = min(self.least, least) if self.n else least
        self.most = max(self.most, most)
        self.n += n
        self.total += total
        self.squares += squares

    def _censor(self, sample: int) -> None:
        known = self.censored_from
        self.censored_from = sample if known is None else min(known, sample)

    def distribution(self, unit: float) -> Distribution | None:
        """Describe the samples, each of them `unit` large; None without any.

        Count, mean, deviation and maximum are exact. `censored_from` is lowered to the middle of
        its bin where that is smaller: what is in the bin of a lower bound may be one.
        """
        if self.n == 0:
            return None
        censored = self.censored_from
        return Distribution(
            n=self.n,
            mean=self.total / self.n * unit,
            std=math.sqrt(self.n * self.squares - self.total**2) / self.n * unit,
            max=self.most * unit,
            quantiles=self._quantiles(unit),
            censored_from=None
            if censored is None
            else min(float(censored), self._value(bin_of(censored))) * unit,
        )

    def _quantiles(self, unit: float) -> Mapping[float, float]:
        """Find the bins of the lower neighbours at each rank, as `aggregator.summary` has them."""
        found: dict[float, float] = {}
        ordered = iter(sorted(self.bins.items()))
        number, seen = next(ordered)
        for q in QUANTILES:
            if not enough(self.n, q):
                break
            rank = math.floor(q * (self.n - 1))
            while seen <= rank:
                number, count = next(ordered)
                seen += count
            found[q] = self._value(number) * unit
        return found

    def _value(self, number: int) -> float:
        return min(max(middle(number), float(self.least)), float(self.most))

    def pack(self, into: bytearray) -> None:
        """Append the sketch, which is not empty: a lone sample takes little more than itself."""
        known = self.censored_from
        pack((self.n << 1 | (known is not None), self.least), into)
        if self.n == 1:
            return
        n, least = self.n, self.least
        pack((self.most - least, self.total - n * least, self.squares), into)
        if known is not None:
            pack((known - least,), into)
        numbers = sorted(self.bins)
        steps = [after - before for before, after in zip([0, *numbers], numbers, strict=False)]
        pack((len(numbers), *steps, *map(self.bins.__getitem__, numbers)), into)

    @classmethod
    def unpack(cls, packed: Unpacking) -> "Sketch":
        """Return the next sketch."""
        head, least = packed.numbers(2)
        n, censored = head >> 1, bool(head & 1)
        if n == 1:
            lone = cls()
            lone.add(least, censored=censored)
            return lone
        spread, above, squares = packed.numbers(3)
        known = least + packed.number() if censored else None
        count = packed.number()
        number, bins = 0, {}
        steps = packed.numbers(count)
        for step, held in zip(steps, packed.numbers(count), strict=True):
            number += step
            bins[number] = held
        return cls(n, above + n * least, squares, least, least + spread, known, bins)
