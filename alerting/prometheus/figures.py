"""A rule's metrics as PromQL over what `/metrics` shows.

Each figure is a vector with the labels of an alert and no others, so that vectors meet without
`on (…)`. What is nowhere exposed raises LeftOut; what can be said only nearly says how in a note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aggregator.summary import samples_for
from alerting.condition import Condition, Operator
from alerting.metric import (
    AnyFact,
    BurnRate,
    Count,
    Counted,
    Measure,
    Measured,
    Metric,
    Percentile,
    Plain,
    Statistic,
    Whose,
    whose,
)
from alerting.prometheus.promql import matcher, number, quoted, selector
from alerting.rule import Subject
from probes.result import Fault, Verdict

SAMPLES: Final = "sonde_window_samples"
SHOWN: Final = (0.5, 0.95, 0.99, 0.999)
"""Quantiles of latency that have a series of their own."""
SLOWEST: Final = 3
"""So many of a window's slowest answers are exposed: as many as the default rules ask for."""
LABELS: Final[Mapping[Subject, tuple[str, ...]]] = {
    Subject.TARGET: ("provider", "target", "model", "operation", "location"),
    Subject.PROVIDER: ("provider", "location"),
    Subject.LOCATION: ("location",),
}
"""What an alert about each subject is named by."""
_HISTOGRAM: Final[Mapping[Measure, str]] = {
    Measure.LATENCY: "sonde_probe_duration_seconds",
    Measure.FIRST_TOKEN: "sonde_probe_time_to_first_token_seconds",
    Measure.INTER_TOKEN: "sonde_probe_inter_token_seconds",
}
_BOUNDS: Final = "the histogram of all answers, which is as exact as its buckets are narrow"


class LeftOut(Exception):  # noqa: N818 - no error: a rule that is not in the file, and why
    """There is no saying this with what is exposed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of each alert, and where it means something."""

    value: str
    known: str = ""
    """A vector that is there where enough is known; empty: the value is absent where it is not."""
    notes: tuple[str, ...] = ()
    """How this differs from what the daemon itself compares."""
    high: str = ""
    """Of a figure that lies between two, the upper one; empty: there is but one."""


@dataclass(frozen=True, slots=True)
class Of:
    """Whose figures, over which window."""

    subject: Subject
    matchers: tuple[str, ...]
    location: str
    window: str
    """As it stands in the label, which is also how PromQL writes the duration."""
    length_s: float
    alone: bool
    """Whether each alert is of one target: what cannot be added up is known of those alone."""
    bounds: Mapping[Measure, Sequence[float]]
    """Where the buckets of the histograms end."""

    @property
    def by(self) -> str:
        """The labels of an alert, in brackets."""
        return f"({', '.join(LABELS[self.subject])})"

    def windowed(self, how: str, name: str, *more: str) -> str:
        """Aggregate a gauge of the window."""
        chosen = (*self.matchers, f"window={quoted(self.window)}", *more)
        return f"{how} by {self.by} ({selector(name, chosen)})"

    def ever(self, how: str, name: str, *more: str) -> str:
        """Aggregate a gauge that is of no window."""
        return f"{how} by {self.by} ({selector(name, (*self.matchers, *more))})"

    def increased(self, how: str, name: str, *more: str, keep: str = "") -> str:
        """Aggregate by how much counters rose over the window's length (`rate`: in a second)."""
        series = selector(name, (*self.matchers, *more))
        by = f"({', '.join((*LABELS[self.subject], keep))})" if keep else self.by
        return f"sum by {by} ({how}({series}[{self.window}]))"

    @property
    def samples(self) -> str:
        """The results in the window."""
        return self.windowed("sum", SAMPLES)


def figure(metric: Metric, of: Of, min_samples: int) -> Figure:
    """Return a metric of these alerts. Raises LeftOut."""
    match metric:
        case Measured():
            return _measured(metric, of, min_samples)
        case Counted():
            found = _counted(metric, of)
        case Plain.NO_DATA:
            # There is a coverage where slots fell due.
            return Figure(
                f"({of.samples} == bool 0)", of.windowed("max", "sonde_window_coverage_ratio")
            )
        case Plain.COVERAGE:
            return _coverage(of, min_samples)
        case Plain():
            found = _plain(metric, of)
        case _:
            return _fact(metric, of)
    return replace(found, known=f"{of.samples} >= {max(1, min_samples)}")


def enough(condition: Condition, of: Of, least: int) -> Figure:
    """Return where `min_failures` results speak for a condition. Raises LeftOut."""
    metric = condition.metric
    match metric:
        case Counted(count=Count.CONSECUTIVE):
            count = _counted(metric, of)
        case Counted():
            count = Figure(failures(metric, of))
        case Measured():
            return _beyond(condition, metric, of, least)
        case _:
            count = Figure(failures(Counted(Count.FAILURES), of))
    return Figure(f"{count.value} >= {least}")


def failures(metric: Counted, of: Of) -> str:
    """Return the number of failures in the window that a metric counts."""
    kinds = metric.kinds
    if kinds and isinstance(kinds[0], Verdict):
        name, which = "sonde_window_verdicts", matcher("verdict", kinds)
    else:
        every = matcher("fault", (Fault.NONE,), without=True)
        name, which = "sonde_window_faults", matcher("fault", kinds) if kinds else every
    # A kind that did not happen has no series.
    return f"({of.windowed('sum', name, which)} or 0 * {of.samples})"


def _counted(metric: Counted, of: Of) -> Figure:
    if metric.last:
        raise LeftOut("which of the newest results failed is not exposed, only how many in a row")
    if metric.count is not Count.CONSECUTIVE:
        count = failures(metric, of)
        return Figure(count if metric.count is Count.FAILURES else f"{count} / {of.samples}")
    if not of.alone:
        raise LeftOut("the order of several targets' results is not exposed")
    counted = [kind for kind in metric.kinds if isinstance(kind, Fault)]
    others = matcher("fault", counted, without=True) if counted else matcher("fault", (Fault.NONE,))
    return Figure(of.ever("min", "sonde_probe_results_since", others))


def _plain(metric: Plain, of: Of) -> Figure:
    match metric:
        case Plain.RATE:
            note = "the rate is over the whole window, a young one's too"
            return Figure(f"{of.samples} / {number(of.length_s / 60)}", notes=(note,))
        case Plain.COST:
            note = "the cost is of every attempt, extrapolated by rate()"
            spent = of.increased("rate", "sonde_probe_cost_usd_total")
            return Figure(f"{spent} * 3600", notes=(note,))
        case _:
            return Figure(of.samples)


def _coverage(of: Of, min_samples: int) -> Figure:
    if not of.alone:
        raise LeftOut("the slots of several targets together are not exposed")
    notes = ("min_samples is not asked for: slots that fell due are not exposed",)
    value = of.windowed("max", "sonde_window_coverage_ratio")
    return Figure(value, notes=notes if min_samples else ())


def _measured(metric: Measured, of: Of, min_samples: int) -> Figure:
    statistic, histogram = metric.statistic, _HISTOGRAM.get(metric.measure)
    if histogram is None:
        raise LeftOut(f"{metric} is not exposed over a window")
    latency = metric.measure is Measure.LATENCY
    if isinstance(statistic, Percentile):
        if latency and of.alone and statistic.q in SHOWN:
            return _shown(statistic, of, min_samples)
        buckets = of.increased("rate", f"{histogram}_bucket", keep="le")
        value = f"histogram_quantile({number(statistic.q)}, {buckets})"
        needed = max(min_samples, samples_for(statistic.q))
    elif statistic is Statistic.MAX and latency:
        known = f"{_latencies(of)} >= {max(1, min_samples)}"
        return Figure(_slowest(of, 1), known)
    elif statistic is not Statistic.MEAN:
        raise LeftOut(f"{metric} is not exposed over a window")
    elif latency:
        return _mean(of, min_samples)
    else:
        total = of.increased("rate", f"{histogram}_sum")
        value = f"{total} / {of.increased('rate', f'{histogram}_count')}"
        needed = max(1, min_samples)
    count = of.increased("increase", f"{histogram}_count")
    return Figure(value, f"{count} >= {needed}", (f"{metric} is taken from {_BOUNDS}",))


def _shown(percentile: Percentile, of: Of, min_samples: int) -> Figure:
    """Return a percentile that is exposed: absent where there are too few samples for it."""
    which = f"quantile={quoted(str(percentile.q))}"
    value = of.windowed("max", "sonde_window_latency_seconds", which)
    if min_samples <= samples_for(percentile.q):
        return Figure(value)
    return Figure(value, f"{_latencies(of)} >= {min_samples}")


def _mean(of: Of, min_samples: int) -> Figure:
    known = f"{_latencies(of)} >= {max(1, min_samples)}"
    if of.alone:
        return Figure(of.windowed("max", "sonde_window_latency_mean_seconds"), known)
    chosen = (*of.matchers, f"window={quoted(of.window)}")
    means = selector("sonde_window_latency_mean_seconds", chosen)
    counts = selector("sonde_window_latency_samples", chosen)
    return Figure(f"sum by {of.by} ({means} * {counts}) / {_latencies(of)}", known)


def _latencies(of: Of) -> str:
    return of.windowed("sum", "sonde_window_latency_samples")


def _beyond(condition: Condition, metric: Measured, of: Of, least: int) -> Figure:
    """Ask for samples above a threshold: whether so many are is what the slowest of them say."""
    operator, threshold = condition.operator, condition.threshold
    histogram = _HISTOGRAM.get(metric.measure)
    if histogram is None or operator not in (Operator.GT, Operator.GE):
        raise LeftOut("min_failures would count samples that are not exposed")
    if metric.measure is Measure.LATENCY and of.alone and least <= SLOWEST:
        return Figure(f"{_slowest(of, least)} {operator} {number(threshold)}")
    every = of.increased("increase", f"{histogram}_count")
    bounds = [bound for bound in of.bounds[metric.measure] if bound <= threshold]
    if not bounds:
        return Figure(f"{every} >= {least}", notes=("min_failures counts every sample",))
    bound = str(max(bounds))
    within = of.increased("increase", f"{histogram}_bucket", f"le={quoted(bound)}")
    note = f"min_failures counts the samples above {bound} s, by increase()"
    return Figure(f"({every} - {within}) >= {least}", notes=(note,))


def _slowest(of: Of, rank: int) -> str:
    which = f'rank="{rank}"'
    return of.windowed("max", "sonde_window_latency_slowest_seconds", which)


def _fact(fact: AnyFact, of: Of) -> Figure:
    """Return a fact, told of each alert's own target, of its provider, or of this instance."""
    holder = _holder(fact, of.subject)
    key = "" if holder is Whose.LOCATION else holder.value
    others = [name for name in ("target", "provider") if name != key]
    which = [f"fact={quoted(str(fact))}", f"location={quoted(of.location)}"]
    which += [f'{name}=""' for name in others]
    if isinstance(fact, BurnRate):
        which.append(f"slo={quoted(fact.slo)}")

    def told(*more: str) -> str:
        series = selector("sonde_fact", (*which, *more))
        one = f"max by ({key}) ({series})"
        return f"0 * {of.samples} + on ({key}) group_left () {one}"

    if not isinstance(fact, BurnRate):
        return Figure(told())
    return Figure(told('bound!="high"'), high=told('bound!="low"'))


def _holder(fact: AnyFact, subject: Subject) -> Whose:
    """Return of whom a fact is asked, as `alerting.series` asks it."""
    known_of = whose(fact)
    if subject is Subject.LOCATION or known_of == (Whose.LOCATION,):
        return Whose.LOCATION
    if subject is Subject.TARGET and Whose.TARGET in known_of:
        return Whose.TARGET
    return Whose.PROVIDER if Whose.PROVIDER in known_of else Whose.LOCATION
