"""What a window of results says: the only thing rules, pages and metrics look at.

Quantiles are nearest-rank with the lower neighbour: the sample at index floor(q * (n - 1)) of the
sorted ones (Hyndman & Fan's discontinuous kind, numpy's `method="lower"`). It is always a value
that was measured, and with few samples it is never the maximum alone: one outlier among fifteen
does not make a p95.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from probes.result import Fault, Verdict

QUANTILES: Final = (0.5, 0.95, 0.99, 0.999)
"""The quantiles every distribution carries."""


RECENT_FAULTS: Final = 64
"""Newest results whose faults a summary tells: more in a row than any rule needs to count."""


def samples_for(q: float) -> int:
    """Return how many samples it takes to state quantile `q` at all.

    At least five, and at least a fifth of the 1 / (1 - q) samples of which one is expected beyond
    it: p95 from 5, p99 from 20, p99.9 from 200. Below that the figure would be the luck of one
    sample under a name that promises more.
    """
    return max(5, round(0.2 / (1.0 - q)))


def enough(n: int, q: float) -> bool:
    """Say whether `n` samples are enough to state quantile `q`."""
    return n >= samples_for(q)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A statistic over the samples of one window. Units are the statistic's own."""

    n: int
    mean: float
    std: float
    """Population standard deviation."""
    max: float
    quantiles: Mapping[float, float]
    """By q; a q without enough samples is absent."""
    censored_from: float | None = None
    """The smallest censored sample (a timeout, counted at its deadline), or None without any. A
    quantile, mean or maximum at or above it is a lower bound, shown as ">="."""
    samples: Sequence[float] = field(default=(), compare=False, repr=False)
    """The samples themselves in ascending order; empty when they were not kept."""

    def quantile(self, q: float) -> float | None:
        """Return quantile `q`, or None when there are too few samples for it."""
        return self.quantiles.get(q)

    def lower_bound(self, value: float) -> bool:
        """Say whether `value`, taken from this distribution, is only a lower bound."""
        return self.censored_from is not None and value >= self.censored_from

    def above(self, value: float) -> int | None:
        """Count the samples greater than `value`; None when the samples were not kept."""
        return self.n - bisect_right(self.samples, value) if len(self.samples) else None

    def below(self, value: float) -> int | None:
        """Count the samples smaller than `value`; None when the samples were not kept."""
        return bisect_left(self.samples, value) if len(self.samples) else None


def _no_faults() -> Mapping[Fault, int]:
    return MappingProxyType({})


def _no_verdicts() -> Mapping[Verdict, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One series (or several taken together) over one window that ends now.

    Only first attempts are in it. Results whose fault is `monitor` are in no rate: they count as
    missed. An empty window has n = 0 and every statistic None.
    """

    over_s: float
    n: int = 0
    """Measured results in the window."""
    missed: int = 0
    """Slots that should have had a result and have none (skipped, or spoiled by ourselves)."""
    by_fault: Mapping[Fault, int] = field(default_factory=_no_faults)
    by_verdict: Mapping[Verdict, int] = field(default_factory=_no_verdicts)
    latency: Distribution | None = None
    """Seconds: complete answers, and timeouts at their deadline. Other failures are not in it."""
    first_token: Distribution | None = None
    inter_token: Distribution | None = None
    tokens_per_s: Distribution | None = None
    rate_per_min: float | None = None
    """Results per minute over the window, or over the part of it since the first result. None
    until that part is a minute (or the whole window) long: a rate per minute of less is a guess."""
    cost_usd: float | None = None
    """Sum of known costs; None when no cost in the window is known."""
    tainted: int = 0
    """Results in the window whose times our own lateness spoiled: none of those is in a statistic
    above, or not those between tokens."""
    recent_faults: tuple[Fault, ...] = ()
    """Faults of the newest results (up to `RECENT_FAULTS`, oldest first), whatever window they
    fall in."""

    @property
    def failures(self) -> int:
        """Results that are not ok."""
        return self.n - self.by_fault.get(Fault.NONE, 0)

    @property
    def error_rate(self) -> float | None:
        """Part of the results that are not ok, 0..1; None without results."""
        return self.failures / self.n if self.n else None

    @property
    def coverage(self) -> float | None:
        """Results / slots that should have had one, 0..1; None when no slot fell due."""
        due = self.n + self.missed
        return self.n / due if due else None

    def count(self, *kinds: Fault | Verdict) -> int:
        """Results with any of these faults or verdicts (do not mix the two)."""
        number = 0
        for kind in kinds:
            if isinstance(kind, Fault):
                number += self.by_fault.get(kind, 0)
            else:
                number += self.by_verdict.get(kind, 0)
        return number

    def consecutive(self, *faults: Fault) -> int:
        """Length of the run of newest results that all have one of these faults."""
        run = 0
        for fault in reversed(self.recent_faults):
            if fault not in faults:
                break
            run += 1
        return run
