"""One comparison against one summary or one fact: true, false or unknown, and why.

Unknown (None) is not false: it leaves an alert as it stands. Whatever the summary holds there is
an answer; nothing raises.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import Final

from aggregator.summary import Distribution, Summary, enough
from alerting.condition import Condition, Operator
from alerting.metric import (
    Between,
    Count,
    Counted,
    Measure,
    Measured,
    Metric,
    Percentile,
    Plain,
    Statistic,
    Value,
)
from probes.result import Fault

FEW: Final = 3
"""Below so many results a window of failures of another kind does not say that those a firing
alert is about are over: it is as many as the rule Down takes for an outage."""

_FAILED: Final = tuple(fault for fault in Fault if fault is not Fault.NONE)


class Reason(StrEnum):
    """Why an evaluation came out as it did."""

    BREACHED = "breached"
    """The condition is true."""
    WITHIN = "within"
    """The condition is false."""
    TOO_FEW_FAILURES = "too_few_failures"
    """The value is beyond the threshold, but on fewer failures than `min_failures`: false."""
    NO_DATA = "no_data"
    """The window holds no result, or nobody knows the fact: unknown."""
    TOO_FEW_SAMPLES = "too_few_samples"
    """Fewer samples than `min_samples`, or than the percentile needs to mean anything: unknown."""
    UNDEFINED = "undefined"
    """There are results, but none with this figure (an error has no latency): unknown."""
    STILL_FAILING = "still_failing"
    """Too little for the alert to begin, and no sign that it is over: unknown to one that fires."""
    CENSORED = "censored"
    """The value is a lower bound, and the true one may lie on either side: unknown."""
    UNSURE = "unsure"
    """The fact is known to lie between two values, with the threshold between them: unknown."""
    NOT_CLEAR = "not_clear"
    """The condition is false, but what `clear` asks for is not so yet: true to one that fires."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one comparison, or the whole rule, says."""

    breached: bool | None
    """None: unknown."""
    value: float | None
    """The value that was compared, in the metric's unit; None when there was none."""
    lower_bound: bool
    """Whether the true value is at least this one, because deadlines cut some samples short."""
    reason: Reason
    about: Condition | None = None
    """The comparison that `value` was compared in, where a rule has several; None: its only one."""


@dataclass(slots=True)  # not frozen: it lives for a moment, and freezing triples what it costs
class Reading:
    """The number a metric names, with what it stands on."""

    value: float | None
    """None: too few samples for the percentile asked for."""
    samples: int
    lower_bound: bool = False


def compare(
    condition: Condition, summary: Summary, min_samples: int, min_failures: int
) -> Evaluation:
    """Say whether a comparison is true of the summary. Never raises.

    A fact is in no summary: unknown.
    """
    reading = read(condition.metric, summary)
    if reading is None:
        return unknown(Reason.NO_DATA if summary.n == 0 else Reason.UNDEFINED)
    value = reading.value
    if value is None or reading.samples < min_samples:
        return unknown(Reason.TOO_FEW_SAMPLES)
    if not isfinite(value):
        return unknown(Reason.UNDEFINED)
    lower_bound = reading.lower_bound
    breached, reason = _judge(condition, summary, value, min_failures, lower_bound=lower_bound)
    return Evaluation(breached, value, lower_bound, reason)


def of_fact(condition: Condition, known: Value) -> Evaluation:
    """Say whether a comparison is true of a fact; one that is no number is unknown.

    Of one that lies between two values the upper one is told: it is the best guess.
    """
    low, high = (known.low, known.high) if isinstance(known, Between) else (known, known)
    if not (isfinite(low) and isfinite(high)):
        return unknown(Reason.UNDEFINED)
    operator, threshold = condition.operator, condition.threshold
    breached = operator.holds(high, threshold)
    if low != high and (breached is not operator.holds(low, threshold) or low <= threshold <= high):
        return Evaluation(None, high, lower_bound=False, reason=Reason.UNSURE)
    reason = Reason.BREACHED if breached else Reason.WITHIN
    return Evaluation(breached, high, lower_bound=False, reason=reason)


def of_firing(condition: Condition, summary: Summary, evaluation: Evaluation) -> Evaluation:
    """Return what an evaluation means to an alert that fires already.

    An alert is over when there are good samples, not when the bad ones became few: after a gap in
    the data a window may hold a single result, and that one bad. What is false only for want of
    failures, or without anything good having come since, is unknown to it. Failures of another
    kind do end it once they are what the window is full of: then that is what there is to tell.
    """
    if evaluation.breached is not False:
        return evaluation
    if evaluation.reason is Reason.TOO_FEW_FAILURES or _goes_on(condition, summary):
        return replace(evaluation, breached=None, reason=Reason.STILL_FAILING)
    return evaluation


def _goes_on(condition: Condition, summary: Summary) -> bool:
    """Say whether a count of failures fell without a sign that what it counted is over."""
    metric = condition.metric
    if not isinstance(metric, Counted) or condition.operator not in (Operator.GT, Operator.GE):
        return False
    if summary.recent_faults[-1:] in ((), (Fault.NONE,)):
        return False
    return _in_window(metric, summary) > 0 or summary.n < FEW


def unknown(reason: Reason) -> Evaluation:
    """Return the evaluation of what nobody knows."""
    return Evaluation(None, None, lower_bound=False, reason=reason)


def _judge(
    condition: Condition, summary: Summary, value: float, min_failures: int, *, lower_bound: bool
) -> tuple[bool | None, Reason]:
    operator, threshold = condition.operator, condition.threshold
    if lower_bound and _either_side(operator, value, threshold):
        return None, Reason.CENSORED
    if not operator.holds(value, threshold):
        return False, Reason.WITHIN
    speaking = _speaking(condition, summary) if min_failures else None
    if speaking is not None and speaking < min_failures:
        return False, Reason.TOO_FEW_FAILURES
    return True, Reason.BREACHED


def _either_side(operator: Operator, bound: float, threshold: float) -> bool:
    """Say whether a value that is at least `bound` may or may not satisfy the comparison.

    `>` and `>=` are judged by the bound itself, as nobody waits beyond the deadline: otherwise one
    timeout in the window would keep a mean unknown, and its alert firing, long after recovery.
    """
    match operator:
        case Operator.LT:
            return bound < threshold
        case Operator.LE | Operator.EQ:
            return bound <= threshold
        case _:
            return False


def read(metric: Metric, summary: Summary) -> Reading | None:
    """Return the metric's reading; None when the summary holds nothing it could be made of."""
    if metric is Plain.COVERAGE:
        coverage = summary.coverage
        return None if coverage is None else Reading(coverage, summary.n + summary.missed)
    if metric is Plain.NO_DATA and summary.n + summary.missed:
        return Reading(float(summary.n == 0), sys.maxsize)  # no minimum stands in its way
    if summary.n == 0:
        return None
    match metric:
        case Measured():
            distribution = _distribution(metric.measure, summary)
            return None if distribution is None else _measured(metric.statistic, distribution)
        case Counted(count=Count.ERROR_RATE):
            return Reading(_counted(metric, summary) / summary.n, summary.n)
        case Counted():
            return Reading(float(_counted(metric, summary)), summary.n)
        case Plain():
            return _plain(metric, summary)
        case _:
            return None


def _plain(metric: Plain, summary: Summary) -> Reading | None:
    rate = summary.rate_per_min
    match metric:
        case Plain.RATE:
            return None if rate is None else Reading(rate, summary.n)
        case Plain.COST:
            cost_usd = summary.cost_usd
            if rate is None or cost_usd is None:
                return None
            return Reading(cost_usd / summary.n * rate * 60.0, summary.n)
        case _:
            return Reading(float(summary.n), summary.n)


def _measured(statistic: Statistic | Percentile, of: Distribution) -> Reading:
    """Read one statistic. A mean or a spread is a lower bound with any censored sample in it."""
    match statistic:
        case Statistic.MEAN:
            return Reading(of.mean, of.n, of.censored_from is not None)
        case Statistic.STD:
            return Reading(of.std, of.n, of.censored_from is not None)
        case Statistic.MAX:
            return Reading(of.max, of.n, of.lower_bound(of.max))
        case Statistic.MIN:
            value = float(of.samples[0]) if len(of.samples) else None
        case _:
            value = _percentile(statistic, of)
    return Reading(value, of.n, value is not None and of.lower_bound(value))


def _percentile(percentile: Percentile, of: Distribution) -> float | None:
    """Return a percentile by the definition of `aggregator.summary`; None with too few samples."""
    q = percentile.q
    value = of.quantile(q)
    if value is None and enough(of.n, q) and of.n == len(of.samples):
        return float(of.samples[int(q * (of.n - 1))])
    return value


def _distribution(measure: Measure, summary: Summary) -> Distribution | None:
    match measure:
        case Measure.LATENCY:
            return summary.latency
        case Measure.FIRST_TOKEN:
            return summary.first_token
        case Measure.INTER_TOKEN:
            return summary.inter_token
        case _:
            return summary.tokens_per_s


def _counted(metric: Counted, summary: Summary) -> int:
    """Count the failures a metric is about."""
    if metric.last:
        return sum(map(summary.recent_faults[-metric.last :].count, _faults(metric)))
    if metric.count is not Count.CONSECUTIVE:
        return _in_window(metric, summary)
    return summary.consecutive(*_faults(metric))


def _faults(metric: Counted) -> Sequence[Fault]:
    return [kind for kind in metric.kinds if isinstance(kind, Fault)] or _FAILED


def _in_window(metric: Counted, summary: Summary) -> int:
    """Count the results in the window that are of a metric's kinds."""
    return summary.count(*metric.kinds) if metric.kinds else summary.failures


def _speaking(condition: Condition, summary: Summary) -> int | None:
    """Count the results that speak for the condition, for `min_failures`; None: not countable."""
    metric = condition.metric
    match metric:
        case Counted():
            return _counted(metric, summary)
        case Measured():
            distribution = _distribution(metric.measure, summary)
            return None if distribution is None else _beyond(condition, distribution)
        case _:
            return summary.failures


def _beyond(condition: Condition, of: Distribution) -> int | None:
    """Count the samples that lie where the condition wants its statistic to lie."""
    match condition.operator:
        case Operator.GT:
            return of.above(condition.threshold)
        case Operator.GE:
            below = of.below(condition.threshold)
            return None if below is None else of.n - below
        case Operator.LT:
            return of.below(condition.threshold)
        case Operator.LE:
            above = of.above(condition.threshold)
            return None if above is None else of.n - above
        case _:
            return None
