"""Results to rolling windows: one trail of samples per target, every window a stretch of it.

What counts where:

- Only first attempts count; a confirming one stands beside its slot, not for it.
- A result whose fault is `monitor` says nothing about the API: its slot counts as missed.
- A slot that was skipped counts as missed too, but for two kinds. One refused by an open breaker is
  a failure like the one that opened it, without any figure: not asking is no better news than
  asking in vain. Nor is it where a 429 asked for a long wait. Any other one we held back (a budget,
  a rate limit) was never due.
- latency: complete answers, and timeouts at the deadline that cut them short. Leaving timeouts
  out would let the percentiles improve while the provider dies. An error that came back at once is
  in the error rate, not in the latency.
- first_token, inter_token, tokens_per_s: complete answers of streams that were not tainted.
- A result whose latency is tainted (its receive times are from our own clock, and our loop was
  late) is in none of these four: it would tell of us. In every count and rate it is a result like
  any other, and `tainted` says how many there are, those with tainted streams among them.
- cost: whatever is known.

Times are the steady ones at which results were had, passed in; a window is (now - over, now].
"""

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from aggregator.part import FAULTS, VERDICTS, Part, Whole, rated, together, whole
from aggregator.summary import Summary
from aggregator.trail import ABSENT, Trail
from probes.result import Failing, Fault, ProbeResult, SkipReason

PLAUSIBLE: Final = 1e12
"""Figures beyond this are refused like infinity: nothing measured is near it (it is 30,000 years
or a trillion dollars), and squared and summed it still stays finite."""

KEPT: Final = 16
"""Windows of one series that are kept for being asked again; one more, and all are let go. Rules
and pages use a handful, so only someone asking for arbitrary windows ever fills it."""

HELD_BACK: Final = frozenset({SkipReason.BUDGET, SkipReason.THROTTLED_BY_US})
"""Slots we chose not to use: neither missing nor, unless it is said so, a failure."""

OUT_OF_ORDER_S: Final = 60.0
"""How much older than the newest sample one may be that other replicas tell of: their clocks are
not ours. An outage of an hour ago that is heard of late is not one of now."""

_VERDICT_CODES: Final = {verdict: code for code, verdict in enumerate(VERDICTS)}
_FAULT_CODES: Final = {fault: code for code, fault in enumerate(FAULTS)}
_NO_FIGURES: Final = (ABSENT,) * 5


_EMPTY: Final = Trail(0.0)
"""Of samples of before: there are none."""


class _Series:
    """What is known of one target."""

    __slots__ = ("first_at", "kept", "last_at", "missed", "parts", "results")

    def __init__(self, keep_s: float) -> None:
        self.results = Trail(keep_s, codes=3, figures=5)
        self.missed = Trail(keep_s)
        self.first_at = math.inf
        """When the first result was had; inf before."""
        self.last_at = -math.inf
        self.parts: dict[float, Part] = {}
        self.kept: dict[float, Whole] = {}
        """What lay in windows since the newest sample, and the summaries of that, by length."""

    def part(self, over_s: float, now: float) -> Part:
        """Return what lies in (now - over_s, now]: the same as before while nothing changed."""
        part = self.parts.get(over_s)
        if part is None or not part.holds(now):
            part = Part(self.results.block, self.missed.block, self.first_at, over_s, now)
            self.kept.pop(over_s, None)
            if self.last_at <= now:
                if len(self.parts) >= KEPT:
                    self.forget()
                self.parts[over_s] = part
        return part

    def summary(self, over_s: float, now: float) -> Summary:
        """Describe it: the very same summary as before while nothing changed."""
        part = self.part(over_s, now)
        found = self.kept.get(over_s)
        if found is None:
            found = whole(part)
            if self.parts.get(over_s) is part:
                self.kept[over_s] = found
        return rated(found, part.first_at, now)

    def forget(self) -> None:
        """Let go of what lay in windows: it may have changed."""
        self.parts.clear()
        self.kept.clear()


class Windows:
    """The rolling windows of all targets.

    Feed it in the order in which results are had. A time before the newest one of its series is
    taken for that one (clocks that step back do not reorder samples).
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._series: dict[str, _Series] = {}
        self.rejected = 0
        """Figures left out because they were not finite, negative or beyond `PLAUSIBLE`. The
        result they came with still counts by its verdict; one without a finite time does not."""

    @property
    def longest_s(self) -> float:
        """How long samples are kept: no window may be longer."""
        return self._longest_s

    def keep_only(self, targets: AbstractSet[str]) -> None:
        """Forget all other targets."""
        for name in self._series.keys() - targets:
            del self._series[name]

    def reach_back(self, past: "Windows", before: float) -> None:
        """Keep samples for as long as `past` does; those up to `before` are those it has.

        For a longer window while samples go on coming in: what is older than ours is read
        meanwhile, and joined in one step.
        """
        self._longest_s = past.longest_s
        for name, older in past._series.items():  # noqa: SLF001 - another of our own class
            series = self._series.setdefault(name, _Series(self._longest_s))
            series.results.reach_back(older.results, before, self._longest_s)
            series.missed.reach_back(older.missed, before, self._longest_s)
            series.first_at = min(series.first_at, older.first_at)
            series.last_at = max(series.last_at, min(before, older.last_at))
            series.forget()
        for series in self._series.values():
            series.results.reach_back(_EMPTY, before, self._longest_s)
            series.missed.reach_back(_EMPTY, before, self._longest_s)

    def outdated(self, target: str, at: float) -> bool:
        """Say whether a sample of then would be taken for one of much later."""
        series = self._series.get(target)
        return series is not None and at < series.last_at - OUT_OF_ORDER_S

    @property
    def overwritten(self) -> int:
        """Samples that were lost because a trail was full while they could still be asked for."""
        return sum(s.results.overwritten + s.missed.overwritten for s in self._series.values())

    def ingest(self, result: ProbeResult, at: float) -> None:
        """Count one result that was had at steady time `at`."""
        if result.attempt != 1:
            return
        if result.fault is Fault.MONITOR:
            self.missed(result.target, at)
        elif (series := self._changed(result.target, at)) is not None:
            series.first_at = min(series.first_at, series.last_at)
            tainted = result.tainted
            codes = (_VERDICT_CODES[result.verdict], _FAULT_CODES[result.fault], tainted)
            series.results.append(series.last_at, codes, self._figures(result))

    def skipped(
        self, target: str, reason: SkipReason, at: float, failing: Failing | None = None
    ) -> None:
        """Count a slot without a probe by why it has none; `failing` is what a refused one is."""
        if failing is not None:
            self.refused(target, failing, at)
        elif reason not in HELD_BACK:
            self.missed(target, at)

    def refused(self, target: str, failing: Failing, at: float) -> None:
        """Count a slot that was refused at `at` as a failure, but not a measured one."""
        series = self._changed(target, at)
        if series is not None:
            series.first_at = min(series.first_at, series.last_at)
            codes = (_VERDICT_CODES[failing.verdict], _FAULT_CODES[failing.fault], False)
            series.results.append(series.last_at, codes, _NO_FIGURES)

    def missed(self, target: str, at: float) -> None:
        """Count a slot that should have had a result and has none."""
        series = self._changed(target, at)
        if series is not None:
            series.missed.append(series.last_at)

    def _changed(self, target: str, at: float) -> _Series | None:
        """Return the series that gets a sample, its clock set; None if there is no such time."""
        if not math.isfinite(at):
            self.rejected += 1
            return None
        series = self._series.get(target)
        if series is None:
            series = self._series[target] = _Series(self._longest_s)
        series.forget()
        series.last_at = max(series.last_at, at)
        return series

    def _figures(self, result: ProbeResult) -> list[float]:
        figures: list[float] = []
        for value in _measured(result):
            if value is None:
                figures.append(ABSENT)
            elif 0.0 <= value <= PLAUSIBLE:  # false for NaN too
                figures.append(value)
            else:
                self.rejected += 1
                figures.append(ABSENT)
        return figures

    def summary(self, targets: Sequence[str], over_s: float, now: float) -> Summary:
        """Describe the window (now - over_s, now] of these targets taken together.

        A target nothing is known of adds nothing; one named twice counts once. Raises ValueError
        for a window longer than the samples are kept, or not longer than 0.
        """
        if not 0.0 < over_s <= self._longest_s:
            raise ValueError(f"no window of {over_s} s: samples are kept for {self._longest_s} s")
        if len(targets) == 1:
            series = self._series.get(targets[0])
            if series is not None:
                return series.summary(over_s, now)
        names = dict.fromkeys(targets)
        parts = [self._series[name].part(over_s, now) for name in names if name in self._series]
        first_at = min([part.first_at for part in parts], default=math.inf)
        return rated(together(parts, over_s), first_at, now)


def _measured(result: ProbeResult) -> tuple[float | None, ...]:
    """Return a result's figures in the order of their columns; None for what it does not have."""
    answered = result.answered
    latency_s = first_token_s = inter_token_s = tokens_per_s = None
    if not result.latency_tainted:
        if answered or result.censored:
            latency_s = result.latency_s
        if answered and not result.stream_tainted and result.first_token_s is not None:
            first_token_s = result.first_token_s
            try:
                inter_token_s, tokens_per_s = result.inter_token_s, result.tokens_per_s
            except OverflowError:  # a count no float can hold: the provider's word, not a speed
                tokens_per_s = math.inf
    return latency_s, first_token_s, inter_token_s, tokens_per_s, result.cost_usd
