"""When a rule may be true at all: a few passes over columns, instead of an evaluation a result.

A comparison needs witnesses. An error rate above 5 % needs a failure in its window, a p95 above 5 s
needs samples beyond 5 s, coverage below one half needs a slot that was missed; and so many of them.
Where the witnesses are not there the condition is not true, and an inactive alert stays so. Where
they are it may be true or not: `alerting.trial.leap` evaluates it there. Of what has no witnesses
(`samples < 3`, a comparison with another target, what stands under `not`) this says "always".
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.part import FAULTS, FIRST_TOKEN, INTER_TOKEN, LATENCY, TOKENS_PER_S, VERDICTS
from aggregator.summary import samples_for
from alerting.condition import And, Comparison, Condition, Expression, Not, Operator, Or, is_fact
from alerting.metric import (
    Count,
    Counted,
    Measure,
    Measured,
    Percentile,
    Plain,
    Statistic,
)
from alerting.rule import NoData, Rule
from alerting.trial.history import Floats, History
from probes.result import Fault

Spans = NDArray[np.float64]
"""Rows of (from, to): ascending, apart from each other, both ends within."""

ALWAYS: Final = np.array([[-math.inf, math.inf]])
NEVER: Final = np.empty((0, 2))
COLUMNS: Final = {
    Measure.LATENCY: LATENCY,
    Measure.FIRST_TOKEN: FIRST_TOKEN,
    Measure.INTER_TOKEN: INTER_TOKEN,
    Measure.TOKENS_PER_S: TOKENS_PER_S,
}
_NEAR: Final = 1e-9
"""Of a product of a ratio and a number of samples: what rounding may add to it."""
_UPWARDS: Final = (Operator.GT, Operator.GE, Operator.EQ)


def possible(rule: Rule, histories: Sequence[History]) -> Spans:
    """Return when the rule may be true of the windows of these targets taken together.

    It is never true outside, to an alert that does not fire. Facts are taken for unknown.
    """
    spans = _Search(rule, histories).spans(rule.when)
    if rule.no_data is NoData.ALERT:
        missed = _in_window(_merged(each.missed_times for each in histories), 1, rule.over_s)
        return _union((spans, missed))
    return spans


class _Search:
    """Walks through one expression."""

    def __init__(self, rule: Rule, histories: Sequence[History]) -> None:
        self._rule = rule
        self._histories = histories

    def spans(self, expression: Expression) -> Spans:
        match expression:
            case Not():
                return ALWAYS
            case And(parts):
                found = self.spans(parts[0])
                for part in parts[1:]:
                    found = _both(found, self.spans(part))
                return found
            case Or(parts):
                return _union([self.spans(part) for part in parts])
            case _:
                return self._of(expression)

    def _of(self, comparison: Comparison) -> Spans:
        if not isinstance(comparison, Condition):
            return ALWAYS
        metric = comparison.metric
        if is_fact(metric):
            return NEVER
        match metric:
            case Counted():
                return self._counted(metric, comparison)
            case Measured():
                return self._measured(metric, comparison)
            case _:
                return self._missed(comparison)

    def _missed(self, condition: Condition) -> Spans:
        """Find where coverage is not whole, or where nothing came although something was due."""
        metric, operator, threshold = condition.metric, condition.operator, condition.threshold
        below = operator is Operator.LT or (operator is Operator.LE and threshold < 1.0)
        partly = metric is Plain.COVERAGE and below and threshold <= 1.0
        if not partly and not (metric is Plain.NO_DATA and threshold == 1.0):
            return ALWAYS
        times = _merged(each.missed_times for each in self._histories)
        return _in_window(times, 1, self._rule.over_s)

    def _counted(self, metric: Counted, condition: Condition) -> Spans:
        rule, threshold = self._rule, condition.threshold
        if condition.operator not in _UPWARDS:
            return ALWAYS
        of = max(1, rule.min_samples) if metric.count is Count.ERROR_RATE else 1
        needed = math.ceil(threshold * of - _NEAR)
        if condition.operator is Operator.GT and metric.count is not Count.ERROR_RATE:
            needed = math.floor(threshold) + 1
        if needed < 1 and condition.operator is not Operator.GT:
            return ALWAYS
        needed = max(1, needed, rule.min_failures)
        newest = needed if metric.count is Count.CONSECUTIVE else metric.last
        if newest:
            return self._newest(metric, needed, newest)
        times = _merged(each.times[_hit(metric, each)] for each in self._histories)
        return _in_window(times, needed, rule.over_s)

    def _newest(self, metric: Counted, needed: int, of: int) -> Spans:
        """Find where so many `of` the newest results are witnesses, whenever they were had."""
        times = np.concatenate([each.times for each in self._histories] or [np.empty(0)])
        none = np.empty(0, np.bool_)
        hits = np.concatenate([_hit(metric, each) for each in self._histories] or [none])
        order = np.argsort(times, kind="stable")
        times = times[order]
        if len(self._histories) > 1 and (np.diff(times) == 0.0).any():
            return ALWAYS  # in which order they count is not for us to know
        sums = np.concatenate(([0], np.cumsum(hits[order])))
        counts = sums[1:] - sums[np.maximum(np.arange(len(times)) + 1 - of, 0)]
        until = np.concatenate((times[1:], [math.inf]))
        found = counts >= needed
        return _joined(times[found], until[found])

    def _measured(self, metric: Measured, condition: Condition) -> Spans:
        operator, threshold = condition.operator, condition.threshold
        upwards = operator in (Operator.GT, Operator.GE)
        if operator is Operator.EQ or metric.statistic is Statistic.STD:
            return ALWAYS
        needed = max(_least(metric.statistic, self._rule.min_samples, upwards=upwards), 1)
        column = COLUMNS[metric.measure]
        found: list[Floats] = []
        for each in self._histories:
            values = each.figures(column)
            beyond = {
                Operator.GT: values > threshold,
                Operator.GE: values >= threshold,
                Operator.LT: values < threshold,
                Operator.LE: values <= threshold,
            }[operator]
            found.append(each.times[beyond])
        needed = max(needed, self._rule.min_failures)
        return _in_window(_merged(found), needed, self._rule.over_s)


def _hit(metric: Counted, history: History) -> NDArray[np.bool_]:
    """Say of each result whether a metric counts it."""
    found = np.zeros(len(history.results.times), np.bool_)
    if not metric.kinds:
        found |= history.faults != FAULTS.index(Fault.NONE)
    for kind in metric.kinds:
        if isinstance(kind, Fault):
            found |= history.faults == FAULTS.index(kind)
        else:
            found |= history.verdicts == VERDICTS.index(kind)
    return found


def _least(statistic: Statistic | Percentile, min_samples: int, *, upwards: bool) -> int:
    """Return how many samples lie beyond a threshold, at the least, if a statistic of them does."""
    match statistic:
        case Percentile(q=q):
            n = max(min_samples, samples_for(q))
            place = int(q * (n - 1))
            return n - place if upwards else place + 1
        case Statistic.MIN if upwards:
            return min_samples
        case Statistic.MAX if not upwards:
            return min_samples
        case _:
            return 1


def _merged(columns: Iterable[Floats]) -> Floats:
    return np.sort(np.concatenate([*columns, np.empty(0)]))


def _in_window(times: Floats, needed: int, over_s: float) -> Spans:
    """Return when a window of this length holds so many of these moments."""
    last = times[needed - 1 :]
    first = times[: len(last)]
    near = last - first <= over_s
    return _joined(last[near], first[near] + over_s)


def _joined(starts: Floats, ends: Floats) -> Spans:
    """Make one of spans that overlap; both ascend."""
    if not len(starts):
        return NEVER
    begins = np.concatenate(([True], starts[1:] > ends[:-1]))
    return np.column_stack((starts[begins], ends[np.append(begins[1:], True)]))


def _union(several: Sequence[Spans]) -> Spans:
    every = np.concatenate(several)
    every = every[np.argsort(every[:, 0], kind="stable")]
    return _joined(every[:, 0], np.maximum.accumulate(every[:, 1]))


def _both(one: Spans, other: Spans) -> Spans:
    """Return where both are."""
    found: list[tuple[float, float]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i, 0], other[j, 0]), min(one[i, 1], other[j, 1])
        if start <= end:
            found.append((start, end))
        if one[i, 1] < other[j, 1]:
            i += 1
        else:
            j += 1
    return np.array(found) if found else NEVER
