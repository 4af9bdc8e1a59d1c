"""What a rule adds to its messages: templates of names in double braces, and nothing else.

    {{ target }} answers slowly: p95 {{ value }}, more than {{ threshold }} (team {{ labels.team }})

There is no code in a template and no way to loop: a name is replaced by its value, once. What comes
out is cleaned and cut like any text that may hold a provider's words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from alerting.alert import Transition
from alerting.condition import Condition, format_value
from alerting.rule import Rule, Subject
from alerting.tokens import ExpressionError
from probes.sanitise import sanitise

_LABELS: Final = "labels."
_ALWAYS: Final = ("alertname", "severity", "condition", "value", "threshold")
_OF: Final[Mapping[Subject, tuple[str, ...]]] = {
    Subject.TARGET: ("target", "provider", "model", "operation", "location"),
    Subject.PROVIDER: ("provider", "location"),
    Subject.LOCATION: ("location",),
}
_OPENING: Final = re.compile(r"\{\{")
_NAME: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")


def names_for(subject: Subject, labels: Iterable[str]) -> tuple[str, ...]:
    """Return the names a template may hold; `labels` are those the rule gives its alerts."""
    return (*_OF[subject], *_ALWAYS, *(f"{_LABELS}{name}" for name in labels))


def check(template: str, known: Sequence[str]) -> None:
    """Refuse what is no template. Raises ExpressionError, which points at the braces or the name.

    `known`: the names it may hold.
    """
    for opening in _OPENING.finditer(template):
        found = _NAME.match(template, opening.start())
        if found is None:
            raise ExpressionError("expected a name between {{ and }}", opening.start())
        if found[1] not in known:
            message = f"nothing is called '{found[1]}' here; there is {', '.join(known)}"
            raise ExpressionError(message, found.start(1))


def annotated(transition: Transition) -> tuple[tuple[str, str], ...]:
    """Return the rule's annotations by name, filled in."""
    rule = transition.rule
    return () if rule is None else tuple(_filled(rule, transition))


def _filled(rule: Rule, transition: Transition) -> Iterator[tuple[str, str]]:
    values = _values(rule, transition)
    for name, template in rule.annotations:
        yield name, sanitise(_NAME.sub(lambda found: values.get(found[1], ""), template))


def _values(rule: Rule, transition: Transition) -> Mapping[str, str]:
    labels = dict(transition.labels)
    compared = transition.compared or rule.when
    threshold = ""
    if isinstance(compared, Condition):
        threshold = format_value(compared.metric, compared.threshold)
    return {
        **labels,
        **{f"{_LABELS}{name}": value for name, value in labels.items()},
        "condition": rule.condition,
        "value": transition.value,
        "threshold": threshold,
    }
