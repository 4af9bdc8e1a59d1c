"""What lies in a window, and the summary of it.

A `Part` is the samples of one series in a window, `Parts` are those of several taken together. Of a
summary only the numbers of results and of missed slots are worked out at once. The rest is when
somebody reads it: most rules look at one or two figures, and pages and metrics ask far less often
than rules are evaluated. As samples never change, it does not matter when, nor in which thread.

With thousands of targets these objects are what the garbage collector has to look at. So there are
few of them for each window, and no cycles among them.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from aggregator.statistics import distribution
from aggregator.summary import RECENT_FAULTS, Distribution, Summary
from aggregator.trail import Block
from probes.result import Fault, Verdict

RATE_FROM_S: Final = 60.0
"""A rate per minute is stated once a series was watched this long (or for its whole window)."""

VERDICT, FAULT, TAINTED = range(3)
"""The columns of codes: places in `VERDICTS` and `FAULTS`, and 1 for a tainted result."""
LATENCY, FIRST_TOKEN, INTER_TOKEN, TOKENS_PER_S, COST = range(5)
"""The columns of figures."""

VERDICTS: Final = tuple(Verdict)
FAULTS: Final = tuple(Fault)
_TIMEOUT: Final = VERDICTS.index(Verdict.TIMEOUT)

Kind = TypeVar("Kind", Fault, Verdict)


class Content(ABC):
    """What a summary may be asked of the samples in a window."""

    __slots__ = ()

    @abstractmethod
    def codes(self, column: int) -> bytes:
        """Return one column of codes."""

    @abstractmethod
    def figures(self, column: int) -> NDArray[np.float64] | None:
        """Return a copy of one column of figures, `ABSENT` among them; None if nobody has it."""

    @property
    @abstractmethod
    def recent_faults(self) -> tuple[Fault, ...]:
        """Return the newest faults up to the window's end, the oldest first."""

    @property
    def by_fault(self) -> Mapping[Fault, int]:
        """Return the results by fault."""
        return _counts(FAULTS, self.codes(FAULT))

    @property
    def by_verdict(self) -> Mapping[Verdict, int]:
        """Return the results by verdict."""
        return _counts(VERDICTS, self.codes(VERDICT))

    @property
    def tainted(self) -> int:
        """Return how many results our own lateness spoiled."""
        return self.codes(TAINTED).count(1)

    @property
    def latency(self) -> Distribution | None:
        """Describe the latencies; timeouts are lower bounds."""
        return distribution(self, LATENCY, self._cut_from())

    @property
    def first_token(self) -> Distribution | None:
        """Describe the times to the first token."""
        return distribution(self, FIRST_TOKEN)

    @property
    def inter_token(self) -> Distribution | None:
        """Describe the mean times between tokens."""
        return distribution(self, INTER_TOKEN)

    @property
    def tokens_per_s(self) -> Distribution | None:
        """Describe the speeds."""
        return distribution(self, TOKENS_PER_S)

    @property
    def cost_usd(self) -> float | None:
        """Return the sum of known costs; None without any."""
        costs = self.figures(COST)
        known = [] if costs is None else costs[~np.isnan(costs)].tolist()
        return math.fsum(known) if known else None

    def _cut_from(self) -> float | None:
        """Return the smallest latency of a timeout; None without any."""
        verdicts = self.codes(VERDICT)
        latencies = self.figures(LATENCY) if _TIMEOUT in verdicts else None
        if latencies is None:
            return None
        cut = latencies[np.frombuffer(verdicts, np.uint8) == _TIMEOUT]
        return min(cut[~np.isnan(cut)].tolist(), default=None)


class Part(Content):
    """The samples of one series in (now - over_s, now]: they never change, whatever comes later."""

    __slots__ = ("block", "first_at", "missed", "now", "oldest", "over_s", "start", "stop")

    def __init__(
        self, results: Block, missed: Block, first_at: float, over_s: float, now: float
    ) -> None:
        times, after = results.times, now - over_s
        self.block: Final = results
        self.start: Final = bisect_right(times, after)
        self.stop: Final = bisect_right(times, now, self.start)
        oldest = times[self.start] if self.start < self.stop else math.inf
        number = 0
        if away := missed.times:
            start = bisect_right(away, after)
            number = bisect_right(away, now, start) - start
            oldest = min(oldest, away[start]) if number else oldest
        self.missed: Final = number
        self.oldest: Final = oldest
        """The time of the first sample, or missed slot, that will leave the window; inf if none."""
        self.first_at: Final = first_at
        """When the series' first result ever was had; inf for none yet."""
        self.over_s: Final = over_s
        self.now: Final = now

    def holds(self, now: float) -> bool:
        """Say whether nothing has left the window since."""
        return self.now <= now and self.oldest > now - self.over_s

    def codes(self, column: int) -> bytes:
        """Return one column of codes."""
        return bytes(self.block.codes[column][self.start : self.stop])

    def figures(self, column: int) -> NDArray[np.float64] | None:
        """Return a copy of one column of figures; None if the series never had one."""
        known = self.block.figures[column]
        # Over the buffer of a slice: a copy that nothing else refers to.
        return None if known is None else np.frombuffer(known[self.start : self.stop], np.float64)

    @property
    def recent_faults(self) -> tuple[Fault, ...]:
        """Return the newest faults up to the window's end."""
        newest = self.block.codes[FAULT][max(0, self.stop - RECENT_FAULTS) : self.stop]
        return tuple(map(FAULTS.__getitem__, newest))


class Parts(Content):
    """Several series taken together, over the same window."""

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts: Final = parts

    def codes(self, column: int) -> bytes:
        """Return one column of codes, series after series."""
        return b"".join([p.block.codes[column][p.start : p.stop] for p in self.parts])

    def figures(self, column: int) -> NDArray[np.float64] | None:
        """Return one column of figures, as long as the codes; None if no series ever had one."""
        columns = [part.figures(column) for part in self.parts]
        if all(known is None for known in columns):
            return None
        return np.concatenate(
            [
                np.full(part.stop - part.start, math.nan) if known is None else known
                for part, known in zip(self.parts, columns, strict=True)
            ]
        )

    @property
    def recent_faults(self) -> tuple[Fault, ...]:
        """Return the newest faults by time; those of one moment in the order of the series."""
        lasts = sorted(part.block.times[part.stop - 1] for part in self.parts if part.stop)
        # As many series as faults are wanted have a sample at or after this: older ones are not.
        since = lasts[-RECENT_FAULTS] if len(lasts) >= RECENT_FAULTS else -math.inf
        timed: list[tuple[float, int]] = []
        for part in self.parts:
            times, stop = part.block.times, part.stop
            start = max(bisect_left(times, since, 0, stop), stop - RECENT_FAULTS, 0)
            timed += zip(times[start:stop], part.block.codes[FAULT][start:stop], strict=True)
        timed.sort(key=itemgetter(0))
        return tuple([FAULTS[code] for _, code in timed[-RECENT_FAULTS:]])


class Whole(Summary):
    """A summary whose rate is that of a window that was watched from end to end.

    Most of its slots are filled when they are first read: Python asks `__getattr__` only for what
    is not there.
    """

    __slots__ = ("content",)
    content: Content

    def __getattr__(self, name: str) -> object:
        return _later(self, name, self.content)


class _Rated(Summary):
    """The same summary with another rate; what is read of either is worked out once."""

    __slots__ = ("whole",)
    whole: Whole

    def __getattr__(self, name: str) -> object:
        return _later(self, name, self.whole)


_LATER: Final = frozenset(name for name, of in vars(Content).items() if isinstance(of, property))


def _later(summary: Whole | _Rated, name: str, source: Content | Whole) -> object:
    if name not in _LATER:
        raise AttributeError(name)
    value = getattr(source, name)
    object.__setattr__(summary, name, value)
    return value


def whole(part: Part) -> Whole:
    """Describe one series in its window."""
    return _whole(part, part.over_s, part.stop - part.start, part.missed)


def together(parts: Sequence[Part], over_s: float) -> Whole:
    """Describe several series in the same window, taken together."""
    n = sum([part.stop - part.start for part in parts])
    return _whole(Parts(parts), over_s, n, sum([part.missed for part in parts]))


def rated(of: Whole, first_at: float, now: float) -> Summary:
    """Return the summary with the rate over the part of its window since the first result ever."""
    over_s, n, watched_s = of.over_s, of.n, now - first_at
    if watched_s >= over_s or n == 0:
        return of
    made = _Rated.__new__(_Rated)
    object.__setattr__(made, "whole", of)
    rate_per_min = 60.0 * n / watched_s if watched_s >= RATE_FROM_S else None
    _fill(made, over_s, n, of.missed, rate_per_min)
    return made


def alike(one: Summary, other: Summary) -> bool:
    """Say whether two summaries are of the very same samples: they differ in their rate at most."""
    return _unrated(one) is _unrated(other)


def _unrated(summary: Summary) -> Summary:
    return summary.whole if isinstance(summary, _Rated) else summary


def _whole(content: Content, over_s: float, n: int, missed: int) -> Whole:
    made = Whole.__new__(Whole)
    object.__setattr__(made, "content", content)
    _fill(made, over_s, n, missed, 60.0 * n / over_s if n else None)
    return made


def _fill(made: Summary, over_s: float, n: int, missed: int, rate_per_min: float | None) -> None:
    fill = object.__setattr__
    fill(made, "over_s", over_s)
    fill(made, "n", n)
    fill(made, "missed", missed)
    fill(made, "rate_per_min", rate_per_min)


def _counts(kinds: tuple[Kind, ...], codes: bytes) -> Mapping[Kind, int]:
    left = len(codes)
    if left and codes.count(codes[0]) == left:
        return _alike(kinds[codes[0]], left)
    counts: dict[Kind, int] = {}
    for code, kind in enumerate(kinds):
        if number := codes.count(code):
            counts[kind] = number
    return MappingProxyType(counts)


@lru_cache(maxsize=4_096)  # the usual case, results that are all ok: shared by all windows
def _alike(kind: Kind, number: int) -> Mapping[Kind, int]:
    return MappingProxyType({kind: number})
