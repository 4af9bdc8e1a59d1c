"""Results to rolling windows: one ring of samples per target, every window a view of it.

What counts where:

- Only first attempts count; a confirming one stands beside its slot, not for it.
- A result whose fault is `monitor` says nothing about the API: its slot counts as missed.
- latency: complete answers, and timeouts at the deadline that cut them short. Leaving timeouts
  out would let the percentiles improve while the provider dies. An error that came back at once is
  in the error rate, not in the latency.
- first_token, inter_token, tokens_per_s: complete answers of streams that were not tainted.
- cost: whatever is known.

Times are the steady ones at which results were had, passed in; a window is (now - over, now].
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from aggregator.ring import Column, Ring
from aggregator.statistics import distribution
from aggregator.summary import RECENT_FAULTS, Distribution, Summary
from probes.result import Fault, ProbeResult, Verdict

PLAUSIBLE: Final = 1e12
"""Figures beyond this are refused like infinity: nothing measured is near it (it is 30,000 years
or a trillion dollars), and squared and summed it still stays finite."""

RATE_FROM_S: Final = 60.0
"""A rate per minute is stated once a series was watched this long (or for its whole window)."""

CACHED: Final = 65_536
"""Summaries kept by default; beyond that all are let go. Ten windows of 5,000 targets fit, so only
someone asking for arbitrary windows ever fills it."""

_VERDICTS: Final = tuple(Verdict)
_FAULTS: Final = tuple(Fault)
_VERDICT_CODES: Final = {verdict: code for code, verdict in enumerate(_VERDICTS)}
_FAULT_CODES: Final = {fault: code for code, fault in enumerate(_FAULTS)}
_TIMEOUT: Final = _VERDICT_CODES[Verdict.TIMEOUT]

Kind = TypeVar("Kind", Fault, Verdict)

_CODE: Final = Column(np.int8, -1)
_FIGURE: Final = Column(np.float64, math.nan)
_COLUMNS: Final = MappingProxyType(
    {
        "verdict": _CODE,
        "fault": _CODE,
        "latency": _FIGURE,
        "first_token": _FIGURE,
        "inter_token": _FIGURE,
        "tokens_per_s": _FIGURE,
        "cost": _FIGURE,
    }
)


class _Series:
    """What is known of one target."""

    __slots__ = ("first_at", "last_at", "missed", "results", "version")

    def __init__(self, keep_s: float) -> None:
        self.results = Ring(keep_s, _COLUMNS)
        self.missed = Ring(keep_s, {})
        self.first_at: float | None = None
        self.last_at = -math.inf
        self.version = 0
        """Differs whenever the content does, and from every other series' at any time."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The samples of one series that lie in a window."""

    series: _Series
    start: int
    stop: int
    missed_start: int
    missed_stop: int

    def figures(self, name: str) -> NDArray[Any] | None:  # Any: columns differ in dtype
        return self.series.results.figures(name, self.start, self.stop)

    def oldest(self) -> float:
        """Return the time of the first sample that will leave the window; inf if it is empty."""
        results = self.series.results.times(self.start, min(self.start + 1, self.stop))
        missed = self.series.missed.times(
            self.missed_start, min(self.missed_start + 1, self.missed_stop)
        )
        return min((*results.tolist(), *missed.tolist()), default=math.inf)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A summary that was computed, and what it stays true on."""

    summary: Summary
    """Its rate is that of a window that was watched from end to end."""
    versions: tuple[int, ...]
    now: float
    oldest: float
    first_at: float

    def holds(self, versions: tuple[int, ...], now: float) -> bool:
        """Say whether nothing came into the window or left it since."""
        return (
            self.versions == versions
            and self.now <= now
            and self.oldest > now - self.summary.over_s
        )

    def rated(self, now: float) -> Summary:
        """Return the summary with the rate over the part of the window that was watched."""
        over_s, watched_s = self.summary.over_s, now - self.first_at
        if watched_s >= over_s or self.summary.n == 0:
            return self.summary
        if watched_s < RATE_FROM_S:
            return replace(self.summary, rate_per_min=None)
        return replace(self.summary, rate_per_min=60.0 * self.summary.n / watched_s)


class Windows:
    """The rolling windows of all targets.

    Feed it in the order in which results are had. A time before the newest one of its series is
    taken for that one (clocks that step back do not reorder samples). At most `cached` summaries
    are kept for being asked again.
    """

    def __init__(self, longest_s: float, *, cached: int = CACHED) -> None:
        self._longest_s = longest_s
        self._cached = cached
        self._series: dict[str, _Series] = {}
        self._cache: dict[tuple[tuple[str, ...], float], _Kept] = {}
        self._changes = 0
        self.rejected = 0
        """Figures left out because they were not finite, negative or beyond `PLAUSIBLE`. The
        result they came with still counts by its verdict; one without a finite time does not."""

    @property
    def overwritten(self) -> int:
        """Samples that were lost because a ring was full while they could still be asked for."""
        return sum(s.results.overwritten + s.missed.overwritten for s in self._series.values())

    def ingest(self, result: ProbeResult, at: float) -> None:
        """Count one result that was had at steady time `at`."""
        if result.attempt != 1:
            return
        if result.fault is Fault.MONITOR:
            self.missed(result.target, at)
        elif (series := self._changed(result.target, at)) is not None:
            if series.first_at is None:
                series.first_at = series.last_at
            series.results.append(series.last_at, self._figures(result))

    def missed(self, target: str, at: float) -> None:
        """Count a slot that should have had a result and has none."""
        series = self._changed(target, at)
        if series is not None:
            series.missed.append(series.last_at, {})

    def _changed(self, target: str, at: float) -> _Series | None:
        """Return the series that gets a sample, its clock set; None if there is no such time."""
        if not math.isfinite(at):
            self.rejected += 1
            return None
        series = self._series.get(target)
        if series is None:
            series = self._series[target] = _Series(self._longest_s)
        self._changes += 1
        series.version = self._changes
        series.last_at = max(series.last_at, at)
        return series

    def _figures(self, result: ProbeResult) -> dict[str, float]:
        figures: dict[str, float] = {
            "verdict": _VERDICT_CODES[result.verdict],
            "fault": _FAULT_CODES[result.fault],
        }
        for name, value in _measured(result):
            if value is None:
                continue
            if 0.0 <= value <= PLAUSIBLE:  # false for NaN too
                figures[name] = value
            else:
                self.rejected += 1
        return figures

    def summary(self, targets: Sequence[str], over_s: float, now: float) -> Summary:
        """Describe the window (now - over_s, now] of these targets taken together.

        A target nothing is known of adds nothing; one named twice counts once. Raises ValueError
        for a window longer than the samples are kept, or not longer than 0.
        """
        if not 0.0 < over_s <= self._longest_s:
            raise ValueError(f"no window of {over_s} s: samples are kept for {self._longest_s} s")
        key = (tuple(targets), over_s)
        series = [s for name in dict.fromkeys(targets) if (s := self._series.get(name)) is not None]
        versions = tuple([s.version for s in series])
        kept = self._cache.get(key)
        if kept is None or not kept.holds(versions, now):
            kept = _computed(series, versions, over_s, now)
            if all(s.last_at <= now for s in series):
                self._keep(key, kept)
        return kept.rated(now)

    def _keep(self, key: tuple[tuple[str, ...], float], kept: _Kept) -> None:
        if len(self._cache) >= self._cached:
            self._cache.clear()
        self._cache[key] = kept


def _measured(result: ProbeResult) -> Iterator[tuple[str, float | None]]:
    if result.answered or result.censored:
        yield "latency", result.latency_s
    if result.answered and not result.stream_tainted:
        yield "first_token", result.first_token_s
    try:
        yield "inter_token", result.inter_token_s
        yield "tokens_per_s", result.tokens_per_s
    except OverflowError:  # a token count no float can hold: the provider's word, not a speed
        yield "tokens_per_s", math.inf
    yield "cost", result.cost_usd


def _part(series: _Series, after: float, until: float) -> _Part:
    results, missed = series.results, series.missed
    return _Part(
        series, results.rank(after), results.rank(until), missed.rank(after), missed.rank(until)
    )


def _computed(
    series: Sequence[_Series], versions: tuple[int, ...], over_s: float, now: float
) -> _Kept:
    parts = [_part(s, now - over_s, now) for s in series]
    return _Kept(
        summary=_summary(parts, over_s),
        versions=versions,
        now=now,
        oldest=min((part.oldest() for part in parts), default=math.inf),
        first_at=min((s.first_at for s in series if s.first_at is not None), default=math.inf),
    )


def _summary(parts: Sequence[_Part], over_s: float) -> Summary:
    n = sum(part.stop - part.start for part in parts)
    missed = sum(part.missed_stop - part.missed_start for part in parts)
    recent = _recent_faults(parts)
    if n == 0:
        return Summary(over_s=over_s, missed=missed, recent_faults=recent)
    costs = _known(parts, "cost")
    return Summary(
        over_s=over_s,
        n=n,
        missed=missed,
        by_fault=_counts(_FAULTS, parts, "fault"),
        by_verdict=_counts(_VERDICTS, parts, "verdict"),
        latency=_latency(parts),
        first_token=distribution(_known(parts, "first_token")),
        inter_token=distribution(_known(parts, "inter_token")),
        tokens_per_s=distribution(_known(parts, "tokens_per_s")),
        rate_per_min=60.0 * n / over_s,
        cost_usd=math.fsum(costs.tolist()) if len(costs) else None,
        recent_faults=recent,
    )


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:  # Any: columns differ in dtype
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty(0)


def _figures(parts: Sequence[_Part], name: str) -> list[NDArray[Any]]:
    return [figures for part in parts if (figures := part.figures(name)) is not None]


def _known(parts: Sequence[_Part], name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = _joined(_figures(parts, name))
    known: NDArray[np.float64] = values[~np.isnan(values)]
    return known


def _counts(kinds: tuple[Kind, ...], parts: Sequence[_Part], name: str) -> Mapping[Kind, int]:
    numbers = np.bincount(_joined(_figures(parts, name))).tolist()
    return MappingProxyType(
        {kind: number for kind, number in zip(kinds, numbers, strict=False) if number}
    )


def _latency(parts: Sequence[_Part]) -> Distribution | None:
    timed = [part for part in parts if part.figures("latency") is not None]
    values = _joined(_figures(timed, "latency"))
    censored = _joined(_figures(timed, "verdict")) == _TIMEOUT
    known = ~np.isnan(values)
    return distribution(values[known], censored[known])


def _recent_faults(parts: Sequence[_Part]) -> tuple[Fault, ...]:
    """Return the newest faults up to the window's end; equal times stay in the targets' order."""
    tails = [(part.series.results, max(0, part.stop - RECENT_FAULTS), part.stop) for part in parts]
    codes = _joined([f for r, *span in tails if (f := r.figures("fault", *span)) is not None])
    if len(parts) > 1:
        times = np.concatenate([results.times(*span) for results, *span in tails])
        codes = codes[times.argsort(kind="stable")[-RECENT_FAULTS:]]
    return tuple([_FAULTS[code] for code in codes.tolist()])
