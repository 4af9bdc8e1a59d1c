"""From a transition to what people are told: one line for somebody who was asleep a moment ago.

Only two kinds of transition are told: an alert fired, or one that had fired is over. Everything
else is for logs and pages.
"""

from collections.abc import Sequence
from typing import Final

from alerting.annotations import annotated
from alerting.condition import Condition, Expression, format_value
from alerting.engine import Identity, Transition
from alerting.metric import Anomalous, BurnRate, Counted, Fact, Measured, Plain, Unit, unit_of
from alerting.notification import News, Status
from alerting.quorum import told
from alerting.rule import Rule
from alerting.state import Edge
from alerting.words import duration_text
from probes.result import Fault
from probes.sanitise import sanitise

MAX_NOTES: Final = 8
"""Lines beside the summary and the rule's own: a bound, not a choice. Each of those who know
something says a line or two, and none of them pushes another out."""

_TOLD: Final = {
    Edge.FIRED: Status.FIRING,
    Edge.RESOLVED: Status.RESOLVED,
    Edge.RULE_REMOVED: Status.RESOLVED,
}


def news_of(transition: Transition, notes: Sequence[str] = ()) -> News | None:
    """Return what people must hear of a transition, or None for one they need not hear of.

    `notes`: lines to go with it, which may hold what a provider wrote. The first MAX_NOTES that
    say something are taken, each once, cleaned and cut.
    """
    status = _TOLD.get(transition.edge)
    if status is None or transition.fired_at is None:
        return None
    identity, rule = transition.identity, transition.rule
    return News(
        status=status,
        alertname=identity.rule,
        severity=identity.severity,
        labels=identity.labels,
        fingerprint=transition.fingerprint,
        condition=rule.condition if rule is not None else "",
        value=f">= {transition.value}" if transition.lower_bound else transition.value,
        summary=_fired(transition, rule) if rule and status is Status.FIRING else _over(transition),
        starts_at=transition.started_at,
        fired_at=transition.fired_at,
        ends_at=transition.now if status is Status.RESOLVED else None,
        notes=tuple(dict.fromkeys(filter(None, map(sanitise, notes))))[:MAX_NOTES],
        annotations=annotated(transition),
    )


def fault_of(condition: Expression) -> str:
    """Return the fault that routes, groups and silences see: the first that is blamed, or none.

    So a rule about failures of the provider's and the network's is told with those about the
    provider's alone.
    """
    return whose_fault(condition).split(", ", 1)[0]


def whose_fault(condition: Expression) -> str:
    """Name what the rule blames: the faults or verdicts it counts; slowness is the provider's.

    Empty where the rule blames nobody (a count of samples, coverage, our own budget).
    """
    match condition.metric:
        case Counted(kinds=()):
            return "any fault"
        case Counted(kinds=kinds):
            return ", ".join(kinds)
        case Measured() | Anomalous() | BurnRate():
            return Fault.PROVIDER.value
        case Fact.EGRESS_FAILING:
            return Fault.MONITOR.value
        case Fact.HEADROOM:
            return Fault.ACCOUNT.value
        case Fact.DRIFT_EVENTS | Fact.BASELINE_RATIO | Fact.PROVIDER_FAILING:
            return Fault.PROVIDER.value
        case _:
            return ""


def _fired(transition: Transition, rule: Rule) -> str:
    condition = transition.compared or rule.when
    held_s = transition.now - transition.started_at
    text = _compared(transition, rule.when, condition)
    if held_s >= 1:
        text += f"{', after' if transition.holds is False else ' for'} {duration_text(held_s)}"
    if blame := whose_fault(condition):
        text += f" \N{EM DASH} {blame}"
    if transition.votes:
        text += f"; {told(transition.votes)}"
    return f"{_who(transition.identity)}: {text}"


def _compared(transition: Transition, when: Expression, condition: Expression) -> str:
    """Say what was compared, and whether it is so; of several comparisons, which value decided."""
    value = f"at least {transition.value}" if transition.lower_bound else transition.value
    if transition.holds is None and condition.metric is not Plain.NO_DATA:
        return f"no results ({when})"
    over = transition.holds is False
    if not isinstance(when, Condition):
        what = f"{when} no longer" if over else str(when)
        return f"{what} ({condition.metric} {value})" if value else what
    if _so_or_not(when):
        return f"{when} no longer" if over else str(when)
    beyond = f"{when.operator} {format_value(when.metric, when.threshold)}"
    return f"{when.metric} {value}{', no longer' if over else ''} {beyond}"


def _over(transition: Transition) -> str:
    lasted = duration_text(transition.now - transition.started_at)
    line = f"{_who(transition.identity)}: {transition.identity.rule} is over after {lasted}"
    if transition.edge is Edge.RULE_REMOVED:
        return f"{line}, for it is not watched any more"
    if (
        transition.rule is None
        or not transition.value
        or _so_or_not(transition.compared or transition.rule.when)
    ):
        return line
    condition = transition.compared or transition.rule.when
    return f"{line} ({condition.metric} {transition.value})"


def _so_or_not(condition: Expression) -> bool:
    """Say whether the value tells nothing that the condition does not."""
    return unit_of(condition.metric) is Unit.FLAG


def _who(identity: Identity) -> str:
    labels = dict(identity.labels)
    provider = labels.get("provider", labels.get("location", "everything"))
    if "target" not in labels:
        return provider
    return f"{labels['target']} ({provider}/{labels.get('model', '?')})"
