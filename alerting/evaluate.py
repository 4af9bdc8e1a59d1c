"""One rule against what is seen at one moment: true, false or unknown, and why.

`and`, `or` and `not` are Kleene's: what is unknown decides nothing, unless the rest decides anyhow
(https://plato.stanford.edu/entries/logic-manyvalued/). Nothing raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from aggregator.summary import Summary
from alerting.compare import (
    FEW,
    Evaluation,
    Reason,
    compare,
    of_fact,
    of_firing,
    read,
    unknown,
)
from alerting.condition import And, Condition, Expression, Not, Operator, Or, Relation, is_fact
from alerting.match import Match
from alerting.metric import AnyFact, Value
from alerting.rule import NoData, Rule

__all__ = ["FEW", "Evaluation", "Reason", "Seen", "evaluate", "judge"]


def _nobody() -> Mapping[Match, Summary]:
    return MappingProxyType({})


def _nothing() -> Mapping[AnyFact, Value]:
    return MappingProxyType({})


@dataclass(slots=True)  # not frozen: it lives for a moment, and there are thousands
class Seen:
    """What a rule that looks at more than one thing is evaluated on."""

    summary: Summary | None = None
    """Of its own targets and window; None: it looks at facts alone."""
    others: Mapping[Match, Summary] = field(default_factory=_nobody)
    """Of other targets; a selection that hits none is absent, and unknown."""
    facts: Mapping[AnyFact, Value] = field(default_factory=_nothing)
    """What is not known is absent."""


def evaluate(rule: Rule, summary: Summary) -> Evaluation:
    """Say whether the rule's condition is true of its window, to an alert that does not fire."""
    return judge(rule, summary, firing=False)


def judge(rule: Rule, seen: Summary | Value | Seen, *, firing: bool) -> Evaluation:
    """Say whether the rule's condition is true of what is seen. Never raises.

    A summary or a fact alone is all that the rule looks at. To an alert that fires (`firing`) thin
    evidence of an end is none, and `clear` has its say.
    """
    when = rule.when
    if isinstance(when, Condition) and rule.clear is None and rule.no_data is NoData.KEEP:
        # Nearly every rule, thousands of times.
        if isinstance(seen, Summary):
            evaluation = compare(when, seen, rule.min_samples, rule.min_failures)
            return of_firing(when, seen, evaluation) if firing else evaluation
        if not isinstance(seen, Seen):
            return of_fact(when, seen)
    whole = seen if isinstance(seen, Seen) else _alone(rule, seen)
    evaluation = _Judge(rule, whole, firing=firing).truth(when)
    if firing and evaluation.breached is False and rule.clear is not None:
        evaluation = _hold_on(evaluation, _Judge(rule, whole, firing=False).truth(rule.clear))
    return _without_data(rule, whole, evaluation)


def _alone(rule: Rule, seen: Summary | Value) -> Seen:
    if isinstance(seen, Summary):
        return Seen(seen)
    return Seen(facts=dict.fromkeys(rule.sources.facts, seen))


def _hold_on(evaluation: Evaluation, clear: Evaluation) -> Evaluation:
    """Let what is false count as such only once what `clear` asks for is so."""
    if clear.breached:
        return evaluation
    if clear.breached is None:
        return replace(evaluation, breached=None, reason=clear.reason)
    return replace(evaluation, breached=True, reason=Reason.NOT_CLEAR)


def _without_data(rule: Rule, seen: Seen, evaluation: Evaluation) -> Evaluation:
    """Let the rule's policy decide what an empty window means.

    Where no slot fell due either there is nothing to alert on: we are starting, or paused.
    """
    summary = seen.summary
    if rule.no_data is NoData.KEEP or evaluation.breached is not None:
        return evaluation
    if summary is None or summary.n:
        return evaluation
    if rule.no_data is NoData.OK:
        return replace(evaluation, breached=False, reason=Reason.NO_DATA)
    return replace(evaluation, breached=True if summary.missed else None, reason=Reason.NO_DATA)


@dataclass(slots=True)
class _Judge:
    """Walks through one expression. How deep that goes, the language bounds."""

    rule: Rule
    seen: Seen
    firing: bool

    def truth(self, expression: Expression, *, asserted: bool = True) -> Evaluation:
        """Return the truth of an expression, with the comparison that decided it.

        Under a `not` nothing is `asserted`: there a minimum of failures, or of evidence for an end,
        would turn into its opposite, and is not asked for.
        """
        match expression:
            case Not(part):
                return _opposite(self.truth(part, asserted=False))
            case And(parts):
                return self._joined(parts, decisive=False, asserted=asserted)
            case Or(parts):
                return self._joined(parts, decisive=True, asserted=asserted)
            case Relation():
                return self._relation(expression, asserted=asserted)
            case _:
                return self._condition(expression, asserted=asserted)

    def _joined(
        self, parts: tuple[Expression, ...], *, decisive: bool, asserted: bool
    ) -> Evaluation:
        """Return the first part that decides, else the first that is unknown, else the first."""
        found: list[Evaluation] = []
        for part in parts:
            evaluation = self.truth(part, asserted=asserted)
            if evaluation.breached is decisive:
                return evaluation
            found.append(evaluation)
        return next((each for each in found if each.breached is None), found[0])

    def _condition(self, condition: Condition, *, asserted: bool) -> Evaluation:
        metric = condition.metric
        if is_fact(metric):
            known = self.seen.facts.get(metric)
            evaluation = unknown(Reason.NO_DATA) if known is None else of_fact(condition, known)
        else:
            evaluation = self._compared(condition, asserted=asserted)
        return replace(evaluation, about=condition)

    def _compared(self, condition: Condition, *, asserted: bool) -> Evaluation:
        rule, summary = self.rule, self.seen.summary
        if summary is None:
            return unknown(Reason.NO_DATA)
        min_failures = rule.min_failures if asserted else 0
        evaluation = compare(condition, summary, rule.min_samples, min_failures)
        if self.firing and asserted:
            return of_firing(condition, summary, evaluation)
        return evaluation

    def _relation(self, relation: Relation, *, asserted: bool) -> Evaluation:
        """Compare with the other figure as it is now, as if it were a constant."""
        of = relation.of
        summary = self.seen.summary if of is None else self.seen.others.get(of)
        other = None if summary is None else read(relation.other, summary)
        if other is None:
            return unknown(Reason.NO_DATA)
        if other.value is None or other.samples < self.rule.min_samples:
            return unknown(Reason.TOO_FEW_SAMPLES)
        condition = Condition(relation.metric, relation.operator, relation.factor * other.value)
        evaluation = self._condition(condition, asserted=asserted)
        if other.lower_bound and not _certain(relation.operator, evaluation.breached):
            return replace(evaluation, breached=None, reason=Reason.CENSORED)
        return evaluation


def _certain(operator: Operator, breached: bool | None) -> bool:
    """Say whether the answer stays the same if the other figure is higher than it looks."""
    if breached is None:
        return True
    return operator is not Operator.EQ and breached is (operator in (Operator.LT, Operator.LE))


def _opposite(evaluation: Evaluation) -> Evaluation:
    if evaluation.breached is None:
        return evaluation
    reason = Reason.WITHIN if evaluation.breached else Reason.BREACHED
    return replace(evaluation, breached=not evaluation.breached, reason=reason)
