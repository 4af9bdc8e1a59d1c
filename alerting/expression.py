"""The `when` language: comparisons of metrics with values that carry their unit.

    latency.p95 > 5s
    error_rate(provider, network) >= 5% and samples >= 10
    failures(provider) of last 5 >= 3
    latency.p95 > 2 * latency.p95 of {model: gpt-4o}
    not egress.failing and (cost > 3 USD/h or budget.used > 80%)
    latency.p95 is anomalous

`not` binds closest, then `and`, then `or`. A metric that is either so or not stands alone.

The text is cut into tokens and read by recursive descent into a typed `Expression`; nothing is ever
evaluated as code. `str(expression)` writes the canonical text, which reads back to an equal value.
An error points at the character that was not understood and says what was expected there. How long,
how deep and how wide a text may be is bounded, so reading it always ends soon.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from alerting.condition import (
    And,
    Comparison,
    Condition,
    Expression,
    Not,
    Operator,
    Or,
    Relation,
    format_threshold,
    format_value,
    is_fact,
)
from alerting.match import Match
from alerting.metric import Metric, Unit, unit_of
from alerting.naming import is_name
from alerting.naming import metric as read_metric
from alerting.thresholds import LARGEST, threshold
from alerting.tokens import Cursor, ExpressionError, Shape, tokens_of

__all__ = [
    "Comparison",
    "Condition",
    "Expression",
    "ExpressionError",
    "Operator",
    "format_threshold",
    "format_value",
    "parse",
    "selection_places",
]

_OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {operator.value: operator for operator in Operator}
    | {"gt": Operator.GT, "gte": Operator.GE, "lt": Operator.LT, "lte": Operator.LE}
    | {"eq": Operator.EQ}
)
_DEEPEST: Final = 16
"""Brackets and `not`s within each other: more than anybody can read, far less than Python's own
limit on calls within calls."""
_MOST: Final = 32
"""Comparisons in one expression: each is evaluated for every series of the rule."""
_FIELD: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*[:=]\s*([^\s,:={}][^,={}]*?)\s*")
"""One `name: pattern` of a selection. `=` spares quotes where the text stands in YAML."""


def parse(text: str, slo: str | None = None) -> Expression:
    """Read an expression; `slo` is the objective a `burn_rate` is of. Raises ExpressionError."""
    return _Parser(text, slo).whole()


def selection_places(text: str) -> tuple[int, ...]:
    """Return where in a text that can be read its selections begin, in the order of their use."""
    return tuple(token.at for token in tokens_of(text) if token.shape is Shape.SELECTION)


class _Parser:
    """Recursive descent over the tokens: one method per part of the grammar."""

    def __init__(self, text: str, slo: str | None) -> None:
        self._cursor = Cursor(text)
        self._slo = slo
        self._comparisons = 0

    def whole(self) -> Expression:
        expression = self._either(0)
        if self._cursor.peek.shape is not Shape.END:
            self._cursor.fail("expected the end of the condition, 'and' or 'or'")
        return expression

    def _either(self, depth: int) -> Expression:
        parts = self._parts("or", lambda: self._all(depth))
        return parts[0] if len(parts) == 1 else Or(parts)

    def _all(self, depth: int) -> Expression:
        parts = self._parts("and", lambda: self._one(depth))
        return parts[0] if len(parts) == 1 else And(parts)

    def _parts(self, word: str, read: Callable[[], Expression]) -> tuple[Expression, ...]:
        parts = [read()]
        while self._cursor.accept(word):
            parts.append(read())
        return tuple(parts)

    def _one(self, depth: int) -> Expression:
        opening = self._cursor.peek
        if opening.text not in ("not", "("):
            return self._comparison()
        if depth == _DEEPEST:
            raise ExpressionError(f"nested more than {_DEEPEST} deep", opening.at)
        self._cursor.take()
        if opening.text == "not":
            return Not(self._one(depth + 1))
        inner = self._either(depth + 1)
        self._cursor.expect(")")
        return inner

    def _comparison(self) -> Comparison:
        if self._comparisons == _MOST:
            raise ExpressionError(f"more than {_MOST} comparisons", self._cursor.peek.at)
        self._comparisons += 1
        metric = read_metric(self._cursor, self._slo)
        if unit_of(metric) is Unit.FLAG:
            return Condition(metric, Operator.EQ, self._flag(metric))
        operator = self._operator()
        related = self._relation(metric, operator)
        return related or Condition(metric, operator, threshold(self._cursor, metric))

    def _operator(self) -> Operator:
        operator = _OPERATORS.get(self._cursor.peek.text)
        if operator is None:
            self._cursor.fail(f"expected one of {' '.join(_OPERATORS)}")
        self._cursor.take()
        return operator

    def _flag(self, metric: Metric) -> float:
        """Read what may follow a metric that is 0 or 1: nothing, `== 1` or `== 0`."""
        plain = f"{metric} is so or not: write it alone, or == 0"
        operator = _OPERATORS.get(self._cursor.peek.text)
        if operator is None:
            return 1.0
        if operator is not Operator.EQ:
            self._cursor.fail(plain)
        self._cursor.take()
        if self._cursor.peek.text not in ("0", "1"):
            self._cursor.fail(plain)
        return float(self._cursor.take().text)

    def _relation(self, metric: Metric, operator: Operator) -> Relation | None:
        """Read `2 * OTHER of {…}`; None, and nothing is taken, when a threshold stands there."""
        cursor = self._cursor
        scaled = cursor.peek.shape is Shape.NUMBER and cursor.after.text == "*"
        if not scaled and not is_name(cursor.peek.text):
            return None
        factor = self._factor() if scaled else 1.0
        at = cursor.peek.at
        other = read_metric(cursor, self._slo)
        if is_fact(metric) or is_fact(other):
            raise ExpressionError("only figures of windows are compared with each other", at)
        if unit_of(other) is not unit_of(metric):
            raise ExpressionError(f"{other} and {metric} are not of one kind", at)
        of = self._selection() if cursor.accept("of") else None
        return Relation(metric, operator, factor, other, of)

    def _factor(self) -> float:
        at = self._cursor.peek.at
        factor = self._cursor.number("expected a number")
        if not 0 < factor <= LARGEST or float(factor) == 0.0:
            raise ExpressionError("expected a factor above 0 that is not too large", at)
        self._cursor.expect("*")
        return float(factor)

    def _selection(self) -> Match:
        """Read whose the other metric is: `{model: gpt-4o, provider: a|b}`."""
        token = self._cursor.peek
        if token.shape is not Shape.SELECTION:
            self._cursor.fail("expected a selection such as {model: gpt-4o}")
        self._cursor.take()
        fields: dict[str, tuple[str, ...]] = {}
        at = token.at + 1
        for piece in token.text[1:-1].split(","):
            found = _FIELD.fullmatch(piece)
            if found is None or found[1] in fields:
                wrong = "named twice" if found else "expected NAME: PATTERN"
                raise ExpressionError(f"{wrong}, in a selection such as {{model: gpt-4o}}", at)
            fields[found[1]] = tuple(pattern.strip() for pattern in found[2].split("|"))
            at += len(piece) + 1
        return Match(tuple(sorted(fields.items())))
