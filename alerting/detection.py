"""How long a hard outage can go unnoticed: computed for each rule from its own numbers.

From the beginning of the outage, at its worst moment,

    interval x samples needed + deadline + evaluation + hold + send

is the latest time at which the message has left: the first probe that can notice leaves one
interval later, the last one needed ends at its deadline, the next evaluation sees it, the hold is
waited for in whole evaluations, and sending has a budget of its own.

How many samples it takes is no formula of its own: the windows of the outage are built sample by
sample (`alerting.outage`) and handed to the `evaluate` the daemon runs, for the quickest and the
slowest good answers before it and for every age of the newest sample. So the figure is right for
any rule, whatever its metric, operator and minimums.

A rule over a fact has no samples to wait for: its sum begins when the fact is known, and is
evaluation + hold + send. How soon a fact is known is up to who finds it out.

That is the first message about its group, which may wait for others like it (`after_waiting`); an
alert that joins a group the channel knows of waits for the group's interval, unless it is louder.

A rule that several locations must agree on is told of what they find a moment later (`NEWS_S`);
enough of them see the outage by then, for each looks as often.

A rule over a provider's targets together is no slower than with the slowest of them alone. A slot
whose predecessor is only just ending at its deadline is taken to be run, not skipped.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Final

from aggregator.summary import RECENT_FAULTS
from alerting.condition import And, Condition, Expression, Or, format_value, is_fact, sources
from alerting.evaluate import Reason, evaluate
from alerting.metric import Plain, Unit, unit_of
from alerting.notification import SEND_BUDGET_S
from alerting.outage import Case, case_of, healthy, moments, window
from alerting.rule import Rule, subjects
from probes.target import Target

_REMEMBERED: Final = 4096
"""Answers kept: many targets share the few numbers an answer depends on."""


@dataclass(frozen=True, slots=True)
class Detection:
    """The longest time from a hard outage to the message about it."""

    outage: str
    """What is taken to happen, in words."""
    seconds: float
    formula: str
    """The sum behind `seconds`, for people."""


@dataclass(frozen=True, slots=True)
class Undetectable:
    """No hard outage makes the rule fire."""

    reason: str
    """Why, in words that can follow "never fires: "."""


@dataclass(frozen=True, slots=True)
class Unbounded:
    """It may fire, but no sum says how soon."""

    reason: str


Found = Detection | Undetectable | Unbounded
NEWS_S: Final = 1.0
"""What another location found is here by then: it is told at once, in batches of some 20 ms."""
_ALWAYS: Final = "its condition is true while all is well"


def detection(
    rule: Rule,
    target: Target,
    *,
    evaluate_every_s: float,
    send_s: float = SEND_BUDGET_S,
    longest_s: float | None = None,
) -> Found:
    """Return how late the message about a hard outage of `target` can be by this rule.

    `longest_s` is the longest window that is kept; None: as long as the rule asks.
    """
    if longest_s is not None and rule.over_s > longest_s:
        return Undetectable(f"it looks at {rule.over_s:g} s, but only {longest_s:g} s are kept")
    if rule.quorum is not None:
        own = detection(
            replace(rule, quorum=None), target, evaluate_every_s=evaluate_every_s, send_s=send_s
        )
        return _added(own, NEWS_S, "news of others")
    match rule.when:
        case And(parts):
            found = _of_parts(rule, parts, target, evaluate_every_s, send_s)
            return _of_all(found)
        case Or(parts):
            # A fact may never come to be known, and no outage need bring it about.
            told = tuple(part for part in parts if sources(part).windowed) or parts
            return _of_any(_of_parts(rule, told, target, evaluate_every_s, send_s))
        case Condition():
            return _of_condition(rule, target, evaluate_every_s, send_s)
        case other:
            return Unbounded(f"how soon '{other}' is so depends on more than the outage")


def _of_parts(
    rule: Rule, parts: tuple[Expression, ...], target: Target, every_s: float, send_s: float
) -> list[Found]:
    """Return what each part would do in a rule of its own."""
    return [
        detection(_with_part(rule, part), target, evaluate_every_s=every_s, send_s=send_s)
        for part in parts
    ]


def _with_part(rule: Rule, part: Expression) -> Rule:
    over_s = rule.over_s if sources(part).windowed else 0.0
    subject = rule.subject if rule.subject in subjects(part) else subjects(part)[0]
    return replace(rule, when=part, clear=None, over_s=over_s, subject=subject)


def _of_any(found: list[Found]) -> Found:
    """Return the quickest part: the others can only help. One that is always true spoils it."""
    for each in found:
        if isinstance(each, Undetectable) and each.reason == _ALWAYS:
            return each
    bounded = [each for each in found if isinstance(each, Detection)]
    if bounded:
        return min(bounded, key=lambda each: each.seconds)
    return next((each for each in found if isinstance(each, Unbounded)), found[0])


def _of_all(found: list[Found]) -> Found:
    """Return the slowest part, if one and the same outage makes all of them true."""
    for each in found:
        if not isinstance(each, Detection) and each != Undetectable(_ALWAYS):
            return each
    bounded = [each for each in found if isinstance(each, Detection)]
    outages = dict.fromkeys(each.outage for each in bounded)
    if not bounded:
        return found[0]
    if len(outages) > 1:
        return Unbounded(
            f"no one outage makes all of it true, but only together: {'; '.join(outages)}"
        )
    return max(bounded, key=lambda each: each.seconds)


def _of_condition(rule: Rule, target: Target, evaluate_every_s: float, send_s: float) -> Found:
    if rule.when.metric is Plain.COST:
        return Unbounded("what probes cost is up to their answers, and no outage raises it")
    if is_fact(rule.when.metric):
        return _of_fact(rule, evaluate_every_s, send_s)
    case = case_of(rule, target, evaluate_every_s)
    if case is None:
        return Undetectable(f"without a streamed chat there is no {rule.when.metric}")
    if evaluate(rule, healthy(case)).breached:
        return Undetectable(_ALWAYS)
    needed = _samples_needed(case)
    return Undetectable(_why_never(case)) if needed is None else _sum(case, needed, send_s)


def after_waiting(found: Found, wait_s: float) -> Found:
    """Add the group's wait before its first message."""
    return _added(found, wait_s, "group wait")


def _added(found: Found, more_s: float, what: str) -> Found:
    """Add something that has to be waited for."""
    if more_s == 0 or not isinstance(found, Detection):
        return found
    seconds = found.seconds + more_s
    summed = found.formula.rpartition(" = ")[0]
    return replace(
        found, seconds=seconds, formula=f"{summed} + {what} {more_s:g} s = {seconds:g} s"
    )


def _of_fact(rule: Rule, every_s: float, send_s: float) -> Detection:
    hold_s = ceil(rule.hold_s / every_s) * every_s
    seconds = every_s + hold_s + send_s
    return Detection(
        outage=f"{rule.when} is known to be true",
        seconds=seconds,
        formula=(
            f"evaluation {every_s:g} s + hold {hold_s:g} s + send {send_s:g} s = {seconds:g} s"
        ),
    )


def _sum(case: Case, needed: int, send_s: float) -> Detection:
    every_s = case.evaluate_every_s
    hold_s = ceil(case.rule.hold_s / every_s) * every_s
    seconds = case.spacing_s * needed + case.deadline_s + every_s + hold_s + send_s
    return Detection(
        outage=case.words,
        seconds=seconds,
        formula=(
            f"{case.spacing_s:g} s x {needed} + deadline {case.deadline_s:g} s"
            f" + evaluation {every_s:g} s + hold {hold_s:g} s + send {send_s:g} s = {seconds:g} s"
        ),
    )


@lru_cache(maxsize=_REMEMBERED)
def _samples_needed(case: Case) -> int | None:
    """Return how many samples of the outage it takes at most; None when it never suffices."""
    slow, quick = (_first_lasting(case, good_s) for good_s in (case.deadline_s, 0.0))
    return None if slow is None or quick is None else max(slow, quick)


def _first_lasting(case: Case, good_s: float) -> int | None:
    """Return the first sample from which the condition stays true until the hold is over.

    `good_s` is how long the answers before the outage took.
    """
    held = ceil(case.rule.hold_s / case.spacing_s)
    since = 1
    for sample in range(1, _grown(case) + held + 1):
        if not all(evaluate(case.rule, seen).breached for seen in moments(case, sample, good_s)):
            since = sample + 1
        elif sample - since >= held:
            return since
    return None


def _grown(case: Case) -> int:
    """Return how many samples of the outage it takes until more of them change nothing."""
    when = case.rule.when
    run = 0.0
    if isinstance(when, Condition) and unit_of(when.metric) is Unit.COUNT:
        run = min(when.threshold, RECENT_FAULTS)
    return ceil(case.rule.over_s / case.spacing_s) + ceil(run) + 2


def _why_never(case: Case) -> str:
    """Say what stands in the way, from what the rule makes of the outage fully grown."""
    grown = window(case, _grown(case), 0.0, case.evaluate_every_s)
    evaluation = evaluate(case.rule, grown)
    metric = case.rule.when.metric
    span = f"a window of {case.rule.over_s:g} s with a probe every {case.spacing_s:g} s"
    match evaluation.reason:
        case Reason.BREACHED:
            return f"{span} does not keep its condition true for its hold"
        case Reason.TOO_FEW_SAMPLES:
            return f"{span} never holds as many samples as it asks for"
        case Reason.TOO_FEW_FAILURES:
            return f"{span} never holds as many failures as it asks for"
        case Reason.NO_DATA:
            return f"when {case.words}, its window is empty, and {metric} unknown"
        case _:
            value = format_value(metric, evaluation.value or 0.0)
            least = "at least " if evaluation.lower_bound else ""
            return f"when {case.words}, {metric} is {least}{value}, which is not what it looks for"
