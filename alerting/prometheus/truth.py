"""When a rule is true and when it is false, as vectors: an alert in neither is unknown.

PromQL knows only what is there, so both are said. What is unknown ends no alert that fires; here
the alert's own series (`ALERTS`) stands in for it:

    true, or an alert that fires already unless it is false by now

`and`, `or` and `not` are Kleene's, as in `alerting.evaluate`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from alerting.compare import FEW
from alerting.condition import And, Condition, Expression, Not, Operator, Or, Relation
from alerting.match import Match
from alerting.metric import Counted, Measured, Metric
from alerting.prometheus.figures import Figure, Of, enough, failures, figure
from alerting.prometheus.promql import joined, number
from alerting.rule import Rule

_OPPOSITE: Final = {
    Operator.GT: Operator.LE,
    Operator.GE: Operator.LT,
    Operator.LT: Operator.GE,
    Operator.LE: Operator.GT,
}


@dataclass(frozen=True, slots=True)
class Truth:
    """Three vectors with the labels of the alerts."""

    true: str
    false: str
    """To an alert that does not fire."""
    over: str
    """False to one that fires: thin evidence of an end is none."""


@dataclass(slots=True)
class Judge:
    """Says one rule's conditions; how they differ from the daemon's is in `notes`."""

    rule: Rule
    of: Of
    other: Callable[[Match], Of]
    """Whom a comparison with other targets is with."""
    notes: list[str] = field(default_factory=list)

    def truth(self, expression: Expression, *, asserted: bool = True) -> Truth:
        """Return when an expression is true and when it is false. Raises LeftOut.

        As in the daemon, nothing under a `not` is asked for a minimum of failures.
        """
        match expression:
            case Not(part):
                found = self.truth(part, asserted=False)
                return Truth(found.false, found.true, found.true)
            case And(parts):
                every = [self.truth(part, asserted=asserted) for part in parts]
                return _of_parts(every, "and", "or")
            case Or(parts):
                every = [self.truth(part, asserted=asserted) for part in parts]
                return _of_parts(every, "or", "and")
            case Relation():
                return self._relation(expression)
            case _:
                return self._condition(expression, asserted=asserted)

    def _condition(self, condition: Condition, *, asserted: bool) -> Truth:
        metric, operator = condition.metric, condition.operator
        found = self._figure(metric, self.of)
        if isinstance(metric, Measured) and operator not in (Operator.GT, Operator.GE):
            self._note("a figure that deadlines cut short counts as it is")
        threshold = number(condition.threshold)
        plain = _compared(found, operator, threshold)
        if not asserted:
            return plain
        ended = self._ended(condition)
        over = joined("and", [plain.false, ended]) if ended else plain.false
        if not self.rule.min_failures:
            return Truth(plain.true, plain.false, over)
        return self._enough(condition, plain, over)

    def _enough(self, condition: Condition, plain: Truth, over: str) -> Truth:
        """Ask for `min_failures` results that speak for a condition."""
        speaks = enough(condition, self.of, self.rule.min_failures)
        self._note(*speaks.notes)
        true = joined("and", [plain.true, speaks.value])
        few = joined("unless", [plain.true, speaks.value])
        return Truth(true, joined("or", [plain.false, few]), over)

    def _ended(self, condition: Condition) -> str:
        """Return where a count that fell means that what it counted is over; "": everywhere."""
        metric = condition.metric
        if not isinstance(metric, Counted):
            return ""
        if condition.operator not in (Operator.GT, Operator.GE):
            return ""
        if not self.of.alone:
            self._note("a firing alert may end as soon as the newest result of any target is good")
        newest = self.of.ever("min", "sonde_probe_results_since", 'fault="none"')
        others = [f"{failures(metric, self.of)} == 0", f"{self.of.samples} >= {FEW}"]
        return joined("or", [f"{newest} == 0", joined("and", others)])

    def _relation(self, relation: Relation) -> Truth:
        """Compare with another figure as it is now."""
        mine = self._figure(relation.metric, self.of)
        whose = self.of if relation.of is None else self.other(relation.of)
        theirs = self._figure(relation.other, whose)
        if isinstance(relation.other, Measured):
            self._note("a figure that deadlines cut short counts as it is")
        value = joined("and", [part for part in (theirs.value, theirs.known) if part])
        if relation.of is not None:
            value = f"scalar({value})"
        scaled = value if relation.factor == 1 else f"{number(relation.factor)} * {value}"
        return _compared(mine, relation.operator, scaled)

    def _figure(self, metric: Metric, of: Of) -> Figure:
        found = figure(metric, of, self.rule.min_samples)
        self._note(*found.notes)
        return found

    def _note(self, *notes: str) -> None:
        self.notes += [note for note in notes if note not in self.notes]


def _compared(found: Figure, operator: Operator, threshold: str) -> Truth:
    """Compare both ends of a figure: it is so where even the other end is so."""
    high = found.high or found.value
    sure, hopeless = (found.value, high)
    if operator in (Operator.LT, Operator.LE):
        sure, hopeless = hopeless, sure
    opposite = _OPPOSITE.get(operator, "!=")
    known = [found.known] if found.known else []
    true = joined("and", [f"{sure} {operator} {threshold}", *known])
    false = joined("and", [f"{hopeless} {opposite} {threshold}", *known])
    return Truth(true, false, false)


def _of_parts(parts: list[Truth], of_true: str, of_false: str) -> Truth:
    return Truth(
        joined(of_true, [part.true for part in parts]),
        joined(of_false, [part.false for part in parts]),
        joined(of_false, [part.over for part in parts]),
    )
