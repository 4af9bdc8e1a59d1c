"""What happened to one target in a stretch of time, as something that adds up.

What counts where is as in `aggregator.window`: outcomes and figures are those of first attempts
whose fault is not `monitor`, slots refused as failing are failures without a figure, and
times that our own lateness spoiled are in no figure. Beside them stands what those rules leave out.
Tokens and money are of every attempt: they were spent.

Everything is a whole number, so merging is exact: the bucket of two heaps of results is the two
heaps' buckets merged.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from aggregator.rollup.packing import Unpacking, pack
from aggregator.rollup.sketch import Sketch
from aggregator.summary import Distribution, Summary
from aggregator.window import HELD_BACK, PLAUSIBLE
from probes.result import Failing, Fault, SkipReason, Verdict

PLAIN: Final = 1
DEFLATED: Final = 2
"""First byte of a packed bucket: its version. New sums, figures and words need no new one."""

DEFLATED_FROM_BYTES: Final = 128
"""Sketches of an hour shrink by a third; a minute's would grow."""

COST_UNIT_USD: Final = 1e-10
"""Prices of up to four decimals for a million tokens are whole numbers of it for each token."""


class Sum(IntEnum):
    """What is summed up. The numbers are written to the disk: add at the end, change none."""

    INPUT_TOKENS = 0
    OUTPUT_TOKENS = 1
    COST = 2
    """In COST_UNIT_USD; absent when no cost is known."""
    CACHED_TOKENS = 3
    CONFIRMING = 4
    """Attempts beyond a slot's first: in no rate."""
    SPOILED = 5
    """First attempts that failed through us (fault `monitor`): in no rate, their slots missed."""
    TAINTED = 6
    """Results with a time that our own lateness spoiled: it is in no figure."""
    REFUSED = 7
    """Slots we refused that count as failures: among the outcomes, and no attempts."""
    MISSED = 8
    """Slots that should have had a probe and had none."""
    IMPLAUSIBLE = 9
    """Figures left out because they were not finite, negative or beyond `PLAUSIBLE`."""


class Figure(IntEnum):
    """What has a distribution. The numbers are written to the disk, as those of `Sum`."""

    LATENCY = 0
    FIRST_TOKEN = 1
    INTER_TOKEN = 2
    TOKENS_PER_S = 3


UNITS: Final = MappingProxyType(
    {
        # A microsecond is finer than any receive stamp is true; between fast tokens lie hundreds.
        # A unit ten times finer is a byte more in most minutes.
        Figure.LATENCY: 1e-6,
        Figure.FIRST_TOKEN: 1e-6,
        Figure.INTER_TOKEN: 1e-7,
        Figure.TOKENS_PER_S: 1e-4,
    }
)
"""What a figure's samples are counted in: parts of a second, or of a token a second."""

# Words are written as their places here: add at the end, change none.
VERDICT_CODES: Final = (
    Verdict.OK,
    Verdict.CONTENT_MISMATCH,
    Verdict.TRUNCATED,
    Verdict.EMPTY,
    Verdict.STREAM_ERROR,
    Verdict.PROTOCOL_ERROR,
    Verdict.REFUSED,
    Verdict.TIMEOUT,
    Verdict.THROTTLED,
    Verdict.OVERLOADED,
    Verdict.SERVER_ERROR,
    Verdict.AUTH,
    Verdict.FORBIDDEN,
    Verdict.QUOTA,
    Verdict.INVALID_REQUEST,
    Verdict.MODEL_NOT_FOUND,
    Verdict.DNS_ERROR,
    Verdict.CONNECT_ERROR,
    Verdict.TLS_ERROR,
    Verdict.RESET,
    Verdict.REDIRECTED,
    Verdict.OVERSIZED,
    Verdict.MONITOR_ERROR,
)
FAULT_CODES: Final = (
    Fault.NONE,
    Fault.PROVIDER,
    Fault.ACCOUNT,
    Fault.REQUEST,
    Fault.NETWORK,
    Fault.MONITOR,
)
SKIP_CODES: Final = (
    SkipReason.IN_FLIGHT,
    SkipReason.LATE,
    SkipReason.PAUSED,
    SkipReason.BUDGET,
    SkipReason.THROTTLED_BY_US,
    SkipReason.BREAKER,
    SkipReason.NOT_CLAIMED,
)
_FAULTS_AT_MOST: Final = 8
_OUTCOMES: Final = MappingProxyType(
    {
        _FAULTS_AT_MOST * verdict_code + fault_code: Failing(verdict, fault)
        for verdict_code, verdict in enumerate(VERDICT_CODES)
        for fault_code, fault in enumerate(FAULT_CODES)
    }
)
_CODES: Final = MappingProxyType({(of.verdict, of.fault): code for code, of in _OUTCOMES.items()})

Key = TypeVar("Key")


class Attempt(NamedTuple):
    """What of a result is rolled up. Seconds, tokens, dollars; None where there is none."""

    first: bool
    """Whether it is its slot's own, not a confirming one."""
    verdict: Verdict
    fault: Fault
    tainted: bool
    figures: tuple[float | None, ...]
    """In the order of `Figure`; None also where a figure is not to be counted."""
    tokens: tuple[int | None, ...]
    """Input, output, cached."""
    cost_usd: float | None


@dataclass(slots=True)
class Bucket:
    """Results and skipped slots of one target in one stretch of time."""

    outcomes: dict[int, int] = field(default_factory=dict)
    """How often each verdict came with each fault: read them through `summary`."""
    skips: dict[SkipReason, int] = field(default_factory=dict)
    """Slots without a probe, by why, the refused ones among them."""
    sums: dict[Sum, int] = field(default_factory=dict)
    figures: dict[Figure, Sketch] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        """Probes that were made, whatever came of them."""
        counted = sum(self.outcomes.values()) - self.sums.get(Sum.REFUSED, 0)
        return counted + self.sums.get(Sum.CONFIRMING, 0) + self.sums.get(Sum.SPOILED, 0)

    def count(self, fault: Fault) -> int:
        """Return how many of the outcomes had this fault, without reading the figures."""
        return sum(
            number for code, number in self.outcomes.items() if _OUTCOMES[code].fault is fault
        )

    @property
    def missed(self) -> int:
        """Slots that should have had a result and have none, as windows count them."""
        return self.sums.get(Sum.MISSED, 0) + self.sums.get(Sum.SPOILED, 0)

    @property
    def cost_usd(self) -> float | None:
        """Sum of the known costs of all attempts; None when none is known."""
        cost = self.sums.get(Sum.COST)
        return None if cost is None else cost * COST_UNIT_USD

    def add(self, attempt: Attempt) -> None:
        """Count a result."""
        for kind, tokens in zip(
            (Sum.INPUT_TOKENS, Sum.OUTPUT_TOKENS, Sum.CACHED_TOKENS), attempt.tokens, strict=True
        ):
            self._count(kind, max(tokens or 0, 0))
        cost_usd = attempt.cost_usd
        if cost_usd is not None and (cost := self._whole(cost_usd, COST_UNIT_USD)) >= 0:
            _add(self.sums, Sum.COST, cost)
        if not attempt.first:
            self._count(Sum.CONFIRMING, 1)
        elif attempt.fault is Fault.MONITOR:
            self._count(Sum.SPOILED, 1)
        else:
            self._outcome(attempt.verdict, attempt.fault)
            self._count(Sum.TAINTED, int(attempt.tainted))
            self._measure(attempt)

    def _measure(self, attempt: Attempt) -> None:
        timeout = attempt.verdict is Verdict.TIMEOUT
        for figure, value in zip(Figure, attempt.figures, strict=True):
            if value is None:
                continue
            if (sample := self._whole(value, UNITS[figure])) >= 0:
                self.figures.setdefault(figure, Sketch()).add(
                    sample, censored=timeout and figure is Figure.LATENCY
                )

    def _whole(self, value: float, unit: float) -> int:
        """Return a value in whole units; -1, counted, for one that nothing measured can be."""
        if 0.0 <= value <= PLAUSIBLE:  # false for NaN too
            return round(value / unit)
        self._count(Sum.IMPLAUSIBLE, 1)
        return -1

    def skip(self, reason: SkipReason, failing: Failing | None = None) -> None:
        """Count a slot that got no probe; `failing` is what a refused one counts as."""
        _add(self.skips, reason, 1)
        if failing is not None:
            self._count(Sum.REFUSED, 1)
            self._outcome(failing.verdict, failing.fault)
        elif reason not in HELD_BACK:
            self._count(Sum.MISSED, 1)

    def _outcome(self, verdict: Verdict, fault: Fault) -> None:
        _add(self.outcomes, _CODES[verdict, fault], 1)

    def _count(self, kind: Sum, number: int) -> None:
        if number:
            _add(self.sums, kind, number)

    def merge(self, other: "Bucket") -> None:
        """Count all that another bucket holds, which stays as it is."""
        for code, number in other.outcomes.items():
            _add(self.outcomes, code, number)
        for reason, number in other.skips.items():
            _add(self.skips, reason, number)
        for kind, number in other.sums.items():
            _add(self.sums, kind, number)
        for figure, sketch in other.figures.items():
            self.figures.setdefault(figure, Sketch()).merge(sketch)

    def distribution(self, figure: Figure) -> Distribution | None:
        """Describe a figure, in seconds or tokens a second; None without a sample."""
        sketch = self.figures.get(figure)
        return None if sketch is None else sketch.distribution(UNITS[figure])

    def summary(self, over_s: float) -> Summary:
        """Describe the bucket as windows are described; it is `over_s` long.

        The cost is that of all attempts, and which faults came last is not known.
        """
        faults: dict[Fault, int] = {}
        verdicts: dict[Verdict, int] = {}
        for code, number in self.outcomes.items():
            _add(faults, _OUTCOMES[code].fault, number)
            _add(verdicts, _OUTCOMES[code].verdict, number)
        n = sum(faults.values())
        return Summary(
            over_s=over_s,
            n=n,
            missed=self.missed,
            by_fault=MappingProxyType(faults),
            by_verdict=MappingProxyType(verdicts),
            latency=self.distribution(Figure.LATENCY),
            first_token=self.distribution(Figure.FIRST_TOKEN),
            inter_token=self.distribution(Figure.INTER_TOKEN),
            tokens_per_s=self.distribution(Figure.TOKENS_PER_S),
            rate_per_min=60.0 * n / over_s if n else None,
            cost_usd=self.cost_usd,
            tainted=self.sums.get(Sum.TAINTED, 0),
        )

    def pack(self) -> bytes:
        """Return the bucket as few bytes; equal buckets are equal bytes."""
        packed = bytearray((PLAIN,))
        codes = sorted(self.outcomes)
        pack((len(codes), *codes, *map(self.outcomes.__getitem__, codes)), packed)
        skipped = {SKIP_CODES.index(reason): n for reason, n in self.skips.items()}
        sums = {int(kind): n for kind, n in self.sums.items()}
        for numbers in (skipped, sums):
            pack((_mask(numbers), *(numbers[bit] for bit in sorted(numbers))), packed)
        pack((_mask(self.figures),), packed)
        for figure in sorted(self.figures):
            self.figures[figure].pack(packed)
        if len(packed) < DEFLATED_FROM_BYTES:
            return bytes(packed)
        return bytes((DEFLATED,)) + zlib.compress(packed)

    @classmethod
    def unpack(cls, packed: bytes, *, figures: bool = True) -> "Bucket":
        """Return the bucket that was packed; ValueError when this version cannot read it.

        Without its `figures` it costs a tenth.
        """
        try:
            plain = zlib.decompress(packed[1:]) if packed[0] == DEFLATED else packed
            return cls._unpack(Unpacking(plain), figures)
        except (IndexError, zlib.error) as error:
            raise ValueError(
                "a bucket that ends too early, or with words of a newer version"
            ) from error

    @classmethod
    def _unpack(cls, packed: Unpacking, figures: bool) -> "Bucket":
        if (version := packed.number()) != PLAIN:
            raise ValueError(f"a bucket of version {version}, which this version does not know")
        count = packed.number()
        codes = packed.numbers(count)
        outcomes = dict(zip(codes, packed.numbers(count), strict=True))
        skips = {SKIP_CODES[bit]: packed.number() for bit in _bits(packed.number())}
        sums = {_SUMS[bit]: packed.number() for bit in _bits(packed.number())}
        sketches = {}
        if figures:
            sketches = {_FIGURES[bit]: Sketch.unpack(packed) for bit in _bits(packed.number())}
        if (figures and not packed.done) or not outcomes.keys() <= _OUTCOMES.keys():
            raise ValueError("a bucket with more in it than this version knows")
        return cls(outcomes, skips, sums, sketches)


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a chart."""

    at: int
    """When it began, seconds since the epoch."""
    over_s: int
    bucket: Bucket

    @property
    def summary(self) -> Summary:
        """Describe it as a window; worked out at each reading."""
        return self.bucket.summary(self.over_s)


_SUMS: Final = tuple(Sum)
_FIGURES: Final = tuple(Figure)


def _add(counts: dict[Key, int], key: Key, number: int) -> None:
    counts[key] = counts.get(key, 0) + number


def _mask(bits: Iterable[int]) -> int:
    return sum(1 << bit for bit in bits)


def _bits(mask: int) -> Iterator[int]:
    return (bit for bit in range(mask.bit_length()) if mask >> bit & 1)
