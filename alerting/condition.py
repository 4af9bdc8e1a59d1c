"""What a rule's condition is, once read: comparisons, joined by `and`, `or` and `not`.

A comparison is of a metric with a constant (`Condition`), or with a multiple of another metric, or
of the same one of other targets (`Relation`). `str` writes the canonical text, which
`alerting.expression` reads back to an equal value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import floor, log10
from typing import TypeGuard

from alerting.match import Match
from alerting.metric import (
    Anomalous,
    AnyFact,
    BurnRate,
    Fact,
    Metric,
    Unit,
    unit_of,
)


class Operator(StrEnum):
    """How the value is compared with the threshold."""

    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    EQ = "=="

    def holds(self, value: float, threshold: float) -> bool:
        """Say whether `value` stands in this relation to `threshold`."""
        match self:
            case Operator.GT:
                return value > threshold
            case Operator.GE:
                return value >= threshold
            case Operator.LT:
                return value < threshold
            case Operator.LE:
                return value <= threshold
            case _:
                return value == threshold


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison with a constant, in the metric's own unit (seconds, 0..1, a count…)."""

    metric: Metric
    operator: Operator
    threshold: float

    def __str__(self) -> str:
        if self.bare:
            return str(self.metric)
        return f"{self.metric} {self.operator} {format_threshold(self.metric, self.threshold)}"

    @property
    def bare(self) -> bool:
        """Whether it says no more than that the metric is so."""
        return unit_of(self.metric) is Unit.FLAG and self.threshold == 1


@dataclass(frozen=True, slots=True)
class Relation:
    """A comparison with a multiple of another metric over the same length of window."""

    metric: Metric
    operator: Operator
    factor: float
    other: Metric
    of: Match | None = None
    """Whose the other is: of these targets taken together; None: of the rule's own."""

    def __str__(self) -> str:
        scaled = "" if self.factor == 1 else f"{_plain(Decimal(repr(self.factor)))} * "
        whose = "" if self.of is None else f" of {{{_selection(self.of)}}}"
        return f"{self.metric} {self.operator} {scaled}{self.other}{whose}"


@dataclass(frozen=True, slots=True)
class And:
    """True when every part is, false when one is not; else unknown."""

    parts: tuple["Expression", ...]

    @property
    def metric(self) -> Metric:
        """The metric named first."""
        return self.parts[0].metric

    def __str__(self) -> str:
        return " and ".join(_within(part, And, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """True when one part is, false when none is; else unknown."""

    parts: tuple["Expression", ...]

    @property
    def metric(self) -> Metric:
        """The metric named first."""
        return self.parts[0].metric

    def __str__(self) -> str:
        return " or ".join(_within(part, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; of what is unknown, unknown."""

    part: "Expression"

    @property
    def metric(self) -> Metric:
        """The metric named first."""
        return self.part.metric

    def __str__(self) -> str:
        return f"not {_within(self.part, And, Or)}"


Comparison = Condition | Relation
Expression = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Sources:
    """What an expression looks at."""

    metrics: frozenset[Metric]
    facts: tuple[AnyFact, ...]
    selections: tuple[Match, ...]
    windowed: bool
    """Whether it looks at the rule's own window."""

    @property
    def single(self) -> bool:
        """Whether there is one alone: the rule's own window, or one fact."""
        return not self.selections and len(self.facts) + self.windowed == 1


def comparisons(expression: Expression) -> Iterator[Comparison]:
    """Yield the comparisons of an expression in the order they are written."""
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part):
            yield from comparisons(part)
        case _:
            yield expression


def sources(*expressions: Expression) -> Sources:
    """Return what these expressions look at, each thing named once."""
    found = [each for expression in expressions for each in comparisons(expression)]
    relations = [each for each in found if isinstance(each, Relation)]
    own = [each.metric for each in found] + [each.other for each in relations]
    facts = dict.fromkeys(metric for metric in own if is_fact(metric))
    selections = dict.fromkeys(each.of for each in relations if each.of is not None)
    return Sources(frozenset(own), tuple(facts), tuple(selections), len(facts) < len(set(own)))


def is_fact(metric: Metric) -> TypeGuard[AnyFact]:
    """Say whether a metric is in no window."""
    return isinstance(metric, Fact | Anomalous | BurnRate)


def _within(part: Expression, *looser: type) -> str:
    """Write a part of an expression, in brackets where it would read otherwise without."""
    return f"({part})" if isinstance(part, looser) else str(part)


def _selection(match: Match) -> str:
    return ", ".join(f"{name}: {'|'.join(patterns)}" for name, patterns in match.fields)


def format_threshold(metric: Metric, value: float) -> str:
    """Write a threshold as the language reads it, without losing a digit: `5s`, `5%`, `3`."""
    exact = Decimal(repr(value))
    match unit_of(metric):
        case Unit.SECONDS if 0 < value < 1:
            return f"{_plain(exact.scaleb(3))}ms"
        case Unit.SECONDS:
            return f"{_plain(exact)}s"
        case Unit.RATIO:
            return f"{_plain(exact.scaleb(2))}%"
        case Unit.USD_PER_H:
            return f"{_plain(exact)} USD/h"
        case _:
            return _plain(exact)


def format_value(metric: Metric, value: float, *, apart_from: float | None = None) -> str:
    """Write a value for people, to three significant digits: `8.2 s`, `12 %`, `3`.

    With `apart_from` (the threshold it crossed) as many digits are added as it takes to tell the
    two apart: a p95 of 5.0004 s is not shown as "5 s > 5 s".
    """
    digits = 3
    text = _format(metric, value, digits)
    if apart_from is None or apart_from == value or unit_of(metric) is Unit.FLAG:
        return text
    while text == _format(metric, apart_from, digits):
        digits += 1
        text = _format(metric, value, digits)
    return text


def _format(metric: Metric, value: float, digits: int) -> str:
    match unit_of(metric):
        case Unit.SECONDS if 0 < value < 1:
            return f"{_rounded(value * 1000, digits)} ms"
        case Unit.SECONDS:
            return f"{_rounded(value, digits)} s"
        case Unit.RATIO:
            return f"{_rounded(value * 100, digits)} %"
        case Unit.TOKENS_PER_S:
            return f"{_rounded(value, digits)} tokens/s"
        case Unit.PER_MINUTE:
            return f"{_rounded(value, digits)}/min"
        case Unit.DAYS:
            return f"{_rounded(value, digits)} {'day' if value == 1 else 'days'}"
        case Unit.TIMES:
            return f"{_rounded(value, digits)} times"
        case Unit.USD_PER_H:
            return f"{_rounded(value, digits)} USD/h"
        case Unit.FLAG:
            return "yes" if value else "no"
        case _:
            return _rounded(value, digits)


def _rounded(value: float, digits: int) -> str:
    """Round to significant digits, but never away digits left of the point."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - floor(log10(abs(value))))
    return _plain(Decimal(f"{value:.{decimals}f}"))


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
