"""The `when` language: one comparison of a metric with a value that carries its unit.

    latency.p95 > 5s
    error_rate(provider, network) >= 5%
    consecutive_failures(provider) gte 3
    budget.used > 80%
    egress.failing

A metric that is either so or not so may stand alone.

The text is cut into tokens and read by recursive descent into a typed `Condition`; nothing is ever
evaluated as code. `str(condition)` writes the canonical text, which reads back to an equal value.
An error points at the character that was not understood and says what was expected there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import floor, log10
from types import MappingProxyType
from typing import Final, Never

from alerting.metric import (
    Count,
    Counted,
    Fact,
    Kind,
    Measure,
    Measured,
    Metric,
    Plain,
    Statistic,
    Unit,
    unit_of,
)
from alerting.tokens import ExpressionError, Shape, Token, tokens_of
from probes.result import Fault, Verdict

__all__ = [
    "Condition",
    "ExpressionError",
    "Operator",
    "format_threshold",
    "format_value",
    "parse",
]


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
    """A parsed condition. `threshold` is in the metric's own unit (seconds, 0..1, a count…)."""

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


def parse(text: str) -> Condition:
    """Read a condition. Raises ExpressionError."""
    return _Parser(text).condition()


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


# Reading -------------------------------------------------------------------------------------


_OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {operator.value: operator for operator in Operator}
    | {"gt": Operator.GT, "gte": Operator.GE, "lt": Operator.LT, "lte": Operator.LE}
    | {"eq": Operator.EQ}
)
_DURATIONS: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "d": Decimal(86400),
        "h": Decimal(3600),
        "m": Decimal(60),
        "s": Decimal(1),
        "ms": Decimal("0.001"),
    }
)
_LARGEST: Final = Decimal("1e15")
"""No threshold lies beyond it, and every smaller one is written without an exponent."""
_LONGEST: Final = 400
"""Characters of one number: enough for the smallest float written out, bounded all the same."""
_LATER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "and": "joining conditions with 'and'",
        "or": "joining conditions with 'or'",
        "not": "'not'",
        "unless": "'unless'",
        "is": "'is anomalous'",
        "no_data": "'no_data'",
        "burn_rate": "'burn_rate'",
        "availability": "'availability'",
        "+": "arithmetic",
        "-": "arithmetic",
        "*": "arithmetic",
        "/": "arithmetic",
    }
)
"""Words of the language to come: refused by name, so that nobody takes them for a typing error."""

_UNCOUNTED: Final = frozenset({Fault.NONE, Fault.MONITOR, Verdict.OK, Verdict.MONITOR_ERROR})
"""Results of these kinds are no failures of what is probed: a window does not count them."""
_METRICS: Final = ", ".join(
    [
        *(f"{measure}.STATISTIC" for measure in Measure),
        *map(str, Count),
        *map(str, Plain),
        *map(str, Fact),
    ]
)


class _Parser:
    """Recursive descent over the tokens: one method per part of the grammar."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._next = 0

    def condition(self) -> Condition:
        metric = self._metric()
        if unit_of(metric) is Unit.FLAG:
            operator, threshold = Operator.EQ, self._flag(metric)
        else:
            operator, threshold = self._operator(), self._threshold(metric)
        if self._peek.shape is not Shape.END:
            self._fail("expected the end of the condition")
        return Condition(metric, operator, threshold)

    @property
    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._peek
        self._next += 1
        return token

    def _accept(self, symbol: str) -> bool:
        if self._peek.shape is not Shape.SYMBOL or self._peek.text != symbol:
            return False
        self._next += 1
        return True

    def _fail(self, expected: str) -> Never:
        token = self._peek
        if token.shape in (Shape.WORD, Shape.SYMBOL) and token.text in _LATER:
            raise ExpressionError(f"{_LATER[token.text]} is not supported yet", token.at)
        raise ExpressionError(f"{expected}, not {token}", token.at)

    def _metric(self) -> Metric:
        name = self._peek.text
        if name in tuple(Measure):
            self._take()
            return Measured(Measure(name), self._statistic())
        if name in tuple(Count):
            self._take()
            return Counted(Count(name), self._kinds(Count(name)))
        if name in _FACTS:
            self._take()
            return self._fact(_FACTS[name])
        if name not in tuple(Plain):
            self._fail(f"expected a metric ({_METRICS})")
        self._take()
        return Plain(name)

    def _fact(self, facts: Mapping[str, Fact]) -> Fact:
        expected = f"expected one of .{', .'.join(facts)}"
        if not self._accept(".") or self._peek.text not in facts:
            self._fail(expected)
        return facts[self._take().text]

    def _statistic(self) -> Statistic:
        expected = f"expected one of .{', .'.join(Statistic)}"
        if not self._accept("."):
            self._fail(expected)
        token = self._peek
        if token.text not in tuple(Statistic):
            self._fail(expected)
        self._take()
        if token.text == Statistic.P99 and self._accept("."):
            if self._peek.text != "9":
                self._fail("expected p99.9")
            self._take()
            return Statistic.P999
        return Statistic(token.text)

    def _kinds(self, count: Count) -> tuple[Kind, ...]:
        kinds: list[Kind] = []
        if not self._accept("("):
            return ()
        while True:
            kinds.append(self._kind(count, kinds))
            if self._accept(")"):
                return tuple(kinds)
            if not self._accept(","):
                self._fail("expected ',' or ')'")

    def _kind(self, count: Count, before: list[Kind]) -> Kind:
        token = self._peek
        kind = _KINDS.get(token.text)
        verdicts_too = count is not Count.CONSECUTIVE
        if kind is None or (isinstance(kind, Verdict) and not verdicts_too):
            known = [name for name, each in _KINDS.items() if verdicts_too or type(each) is Fault]
            self._fail(f"expected one of {', '.join(known)}")
        if kind in before:
            raise ExpressionError(f"'{kind}' is named twice", token.at)
        if before and type(before[0]) is not type(kind):
            raise ExpressionError(
                "faults and verdicts cannot be mixed: a result has one of each, and would count"
                " twice",
                token.at,
            )
        self._take()
        return kind

    def _operator(self) -> Operator:
        operator = _OPERATORS.get(self._peek.text)
        if operator is None:
            self._fail(f"expected one of {' '.join(_OPERATORS)}")
        self._take()
        return operator

    def _flag(self, metric: Metric) -> float:
        """Read what may follow a metric that is 0 or 1: nothing, `== 1` or `== 0`."""
        if self._peek.shape is Shape.END:
            return 1.0
        plain = f"{metric} is so or not: write it alone, or == 0"
        if _OPERATORS.get(self._peek.text) is not Operator.EQ:
            self._fail(plain)
        self._take()
        if self._peek.text not in ("0", "1"):
            self._fail(plain)
        return float(self._take().text)

    def _threshold(self, metric: Metric) -> float:
        at = self._peek.at
        unit = unit_of(metric)
        match unit:
            case Unit.SECONDS:
                value = self._duration(metric)
            case Unit.RATIO:
                value = self._ratio()
            case Unit.COUNT:
                value = self._count(metric)
            case Unit.DAYS:
                value = self._days()
            case _:
                value = self._rate(unit)
        if value > _LARGEST:
            raise ExpressionError("the number is too large", at)
        return float(value)

    def _number(self, expected: str) -> Decimal:
        token = self._peek
        if token.text == "-":
            raise ExpressionError(f"{expected}: no threshold is negative", token.at)
        if token.shape is not Shape.NUMBER:
            self._fail(expected)
        if len(token.text) > _LONGEST:
            raise ExpressionError("the number is too long", token.at)
        return Decimal(self._take().text)

    def _duration(self, metric: Metric) -> Decimal:
        total = Decimal(0)
        smaller = list(_DURATIONS)
        while True:
            number = self._number("expected a duration such as 5s, 500ms or 2m")
            unit = self._peek
            if unit.text not in _DURATIONS:
                needs = f"{metric} is a time, and needs a unit: 5s, 500ms or 2m"
                raise ExpressionError(needs, unit.at)
            if unit.text not in smaller:
                raise ExpressionError("expected the units of a duration largest first", unit.at)
            self._take()
            total += number * _DURATIONS[unit.text]
            smaller = smaller[smaller.index(unit.text) + 1 :]
            if self._peek.shape is not Shape.NUMBER:
                return total

    def _ratio(self) -> Decimal:
        at = self._peek.at
        number = self._number("expected a ratio such as 5% or 0.05")
        if self._accept("%"):
            number = number.scaleb(-2)
        if number > 1:
            raise ExpressionError("a ratio lies between 0 and 1: write 5% or 0.05", at)
        return number

    def _count(self, metric: Metric) -> Decimal:
        at = self._peek.at
        number = self._number("expected a whole number")
        if number != number.to_integral_value():
            raise ExpressionError(f"{metric} is a count: expected a whole number", at)
        return number

    def _days(self) -> Decimal:
        number = self._number("expected a number of days such as 30 or 30d")
        if self._peek.text == "d":
            self._take()
        return number

    def _rate(self, unit: Unit) -> Decimal:
        number = self._number("expected a number")
        if unit is Unit.PER_MINUTE and self._accept("/"):
            if self._peek.text != "min":
                self._fail("expected /min")
            self._take()
        return number


_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {str(kind): kind for kind in (*Fault, *Verdict) if kind not in _UNCOUNTED}
)


def _facts() -> Mapping[str, Mapping[str, Fact]]:
    """Return the facts by what stands before and behind their full stop."""
    families: dict[str, dict[str, Fact]] = {}
    for fact in Fact:
        family, _, name = fact.partition(".")
        families.setdefault(family, {})[name] = fact
    return families


_FACTS: Final[Mapping[str, Mapping[str, Fact]]] = MappingProxyType(_facts())
