"""Rules as a rule file for Prometheus, 2.42 or newer (`keep_firing_for`).

https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ . An alert has the name
and the labels it has here. What is said only nearly says so in a comment above it, and what cannot
be said is left out with a comment that names why.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Final

from alerting.condition import Condition, format_value
from alerting.match import Match
from alerting.metric import Measure, Unit, unit_of
from alerting.prometheus.figures import LABELS, LeftOut, Of
from alerting.prometheus.promql import joined, matchers_of, quoted, selector
from alerting.prometheus.truth import Judge, Truth
from alerting.rule import NoData, Rule, Subject
from alerting.series import matching, selected
from probes.target import Target

_HEAD: Final = """\
# The rules of this Sonde, in PromQL over its own /metrics: docs/prometheus-alerts.md says what is
# the same and what is not. Prometheus 2.42 or newer. NaN in a message: not known at the moment.
groups:
  - name: sonde-targets
    interval: """
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""https://prometheus.io/docs/concepts/data_model/ : what a label or an annotation may be called."""
_PLACE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")
_HUMAN: Final = {Unit.SECONDS: "humanizeDuration", Unit.RATIO: "humanizePercentage"}
"""https://prometheus.io/docs/prometheus/latest/configuration/template_reference/"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """What a Sonde exposes, and how."""

    targets: Sequence[Target]
    location: str
    windows: Mapping[float, str]
    """The text of the label `window`, by the window's length in seconds."""
    bounds: Mapping[Measure, Sequence[float]]
    """Where the buckets of its histograms end."""
    every_s: float
    """How often it evaluates its rules, which is how often its gauges change."""
    duration: Callable[[float], str]
    """Writes seconds as PromQL reads them."""


def rule_file(rules: Sequence[Rule], exposed: Exposed) -> str:
    """Return the file; nothing in it depends on anything but these values."""
    written = [_rule(rule, exposed) for rule in rules]
    some = any(row.startswith("- alert:") for text in written for row in text.splitlines())
    head = f"{_HEAD}{exposed.duration(exposed.every_s)}\n    rules:{'' if some else ' []'}\n"
    return head + "\n".join(indent(text, "      ") for text in written)


def _rule(rule: Rule, exposed: Exposed) -> str:
    try:
        return "\n".join(_lines(rule, exposed)) + "\n"
    except LeftOut as reason:
        return f"# left out: {_said(rule, exposed)}\n# why: {reason}\n"


def _said(rule: Rule, exposed: Exposed) -> str:
    over = f" over {exposed.duration(rule.over_s)}" if rule.over_s else ""
    return f"{quoted(rule.name)[1:-1]}: {quoted(rule.condition)[1:-1]}{over}"


def _lines(rule: Rule, exposed: Exposed) -> Iterator[str]:
    of = _of(rule, exposed)
    judge = Judge(rule, of, lambda match: _others(match, rule, exposed))
    expression = _expression(rule, judge)
    yield f"# {_said(rule, exposed)}"
    yield from (f"# nearly: {note}" for note in judge.notes)
    yield f"- alert: {quoted(rule.name)}"
    yield "  expr: |-"
    yield indent(expression, "    ")
    if rule.hold_s:
        yield f"  for: {exposed.duration(rule.hold_s)}"
    if rule.keep_firing_for_s:
        yield f"  keep_firing_for: {exposed.duration(rule.keep_firing_for_s)}"
    yield "  labels:"
    yield from (f"    {quoted(name)}: {_plain(text)}" for name, text in _labels(rule))
    yield "  annotations:"
    yield from (f"    {quoted(name)}: {quoted(text)}" for name, text in _annotations(rule))


def _of(rule: Rule, exposed: Exposed) -> Of:
    """Return whose figures a rule looks at. Raises LeftOut."""
    if rule.quorum is not None:
        raise LeftOut("it asks several locations: docs/locations.md has it in PromQL")
    chosen = matching(rule, exposed.targets, exposed.location)
    if not chosen:
        raise LeftOut("it matches no target")
    providers = {target.provider for target in chosen}
    groups = {Subject.TARGET: len(chosen), Subject.PROVIDER: len(providers), Subject.LOCATION: 1}
    return _figures(rule, rule.subject, rule.match, exposed, len(chosen) == groups[rule.subject])


def _others(match: Match, rule: Rule, exposed: Exposed) -> Of:
    hit = selected(match, exposed.targets, exposed.location)
    return _figures(rule, Subject.LOCATION, match, exposed, len(hit) == 1)


def _figures(rule: Rule, subject: Subject, match: Match, exposed: Exposed, alone: bool) -> Of:
    length_s = rule.over_s or min(exposed.windows)
    window = exposed.windows.get(length_s)
    if window is None:
        length = exposed.duration(length_s)
        raise LeftOut(f"no window of {length} is exposed; `windows` in the configuration adds one")
    matchers = matchers_of(match, exposed.targets, exposed.location)
    return Of(subject, matchers, exposed.location, window, length_s, alone, exposed.bounds)


def _expression(rule: Rule, judge: Judge) -> str:
    """Return the vector of the alerts that are there: true, or firing and not known to be over."""
    of = judge.of
    found = judge.truth(rule.when)
    if rule.clear is not None:
        over = joined("and", [found.over, judge.truth(rule.clear).true])
        found = replace(found, over=over)
    found = _without_data(rule, found, of)
    return joined("or", [found.true, f"{_standing(rule, of)} unless {found.over}"])


def _standing(rule: Rule, of: Of) -> str:
    """Return the alerts that fire already, with a value that nobody takes for one.

    Of targets that are gone there is nothing to stand for.
    """
    own = dict(_own_labels(rule))
    which = [f"alertname={quoted(rule.name)}", 'alertstate="firing"']
    which += [f"severity={quoted(rule.severity)}"]
    which += [f"{name}={quoted(text)}" for name, text in own.items()]
    others = {"target", "provider"} - {*LABELS[of.subject], *own}
    which += [f'{label}=""' for label in sorted(others)]
    there = f"max by {of.by} ({selector('ALERTS', which)}) * NaN"
    return joined("and", [there, of.samples])


def _without_data(rule: Rule, found: Truth, of: Of) -> Truth:
    """Say what an empty window means, where the rule looks at one."""
    if not rule.sources.windowed or rule.no_data is NoData.KEEP:
        return found
    empty = f"{of.samples} == 0"
    if rule.no_data is NoData.OK:
        return replace(found, over=joined("or", [found.over, empty]))
    due = of.windowed("max", "sonde_window_coverage_ratio")
    # There is a coverage where slots fell due.
    missed = f"{joined('and', [empty, due])} unless {found.false}"
    return replace(found, true=joined("or", [found.true, missed]))


def _own_labels(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the rule's own labels; what an alert speaks of is told by its series."""
    taken = {*LABELS[rule.subject], "alertname", "severity"}
    for name, text in rule.labels:
        if name in taken or not text:
            continue
        if not _LABEL.fullmatch(name):
            raise LeftOut("one of its labels has a name that Prometheus does not take")
        yield name, text


def _labels(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "severity", rule.severity
    yield from _own_labels(rule)


def _plain(text: str) -> str:
    """Return text that is no template to Prometheus."""
    return quoted(_untemplated(text))


def _untemplated(text: str) -> str:
    return text.replace("{{", '{{ "{{" }}')


def _annotations(rule: Rule) -> Iterator[tuple[str, str]]:
    said = dict(rule.annotations)
    whom = {Subject.TARGET: "target", Subject.PROVIDER: "provider", Subject.LOCATION: "location"}
    usual = f"{{{{ {whom[rule.subject]} }}}}: {_usual(rule)}"
    for name, template in {"summary": usual, **said}.items():
        if not _LABEL.fullmatch(name):
            raise LeftOut("one of its annotations has a name that Prometheus does not take")
        yield name, _template(template, rule)


def _usual(rule: Rule) -> str:
    """Return what is said of an alert of a rule that says nothing of it."""
    if isinstance(rule.when, Condition) and not rule.when.bare:
        return f"{rule.when.metric} {{{{ value }}}} ({rule.when})"
    return str(rule.when)


def _template(template: str, rule: Rule) -> str:
    """Return one of our templates as one of Prometheus'."""
    return "".join(
        _place(part, rule) if at % 2 else _untemplated(part)
        for at, part in enumerate(_PLACE.split(template))
    )


def _place(name: str, rule: Rule) -> str:
    name = name.removeprefix("labels.")
    if name in LABELS[rule.subject]:
        return f"{{{{ $labels.{name} }}}}"
    if name == "value":
        human = _HUMAN.get(unit_of(rule.when.metric), "humanize")
        return f"{{{{ $value | {human} }}}}"
    when = rule.when
    known = {
        **dict(rule.labels),
        "alertname": rule.name,
        "severity": str(rule.severity),
        "condition": str(rule.when),
        "threshold": format_value(when.metric, when.threshold)
        if isinstance(when, Condition)
        else "",
    }
    return _untemplated(known.get(name, ""))
