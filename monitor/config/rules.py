"""Rule sections -> Rule values, over the default rules.

A section with the name of a default rule says what is different about it: every key it does not
say stays as the default has it, and `match` is laid over the default's field by field. Where
several defaults share a name (one for each kind of provider) the section changes all of them. When
another metric is asked for, the sample counts of the default no longer mean anything and those of
the new metric apply.

A rule over facts alone has no window: it speaks of whom they are of, and takes no `over`,
`min_samples`, `min_failures` or `no_data`. Nor does it take `locations`: a fact is this instance's
own, and no other location knows it.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from alerting.annotations import check, names_for
from alerting.condition import (
    Condition,
    Expression,
    Operator,
    Relation,
    Sources,
    comparisons,
    sources,
)
from alerting.defaults import default_rules, merge, usual_min_samples
from alerting.expression import ExpressionError, parse, selection_places
from alerting.match import Match, labels_of
from alerting.quorum import Quorum
from alerting.rule import Rule, Severity, Subject, subjects
from alerting.series import selected
from monitor.config import defaults
from monitor.config.document import KeyPath
from monitor.config.durations import format_duration
from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.models import RuleSection
from monitor.config.sections import Sections
from probes.target import Target

_QUORUM: Final = re.compile(r"([0-9]{1,3}) +of +([0-9]{1,3})")
MATCH_FIELDS: Final = ("target", "provider", "model", "operation", "preset", "location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What rules are compiled against."""

    targets: Sequence[Target]
    location: str
    windows_s: Sequence[float]
    complete: bool
    """Whether every target could be compiled: else nothing is said about what matches none."""
    locations: Sequence[str] = ()
    """All of the group, our own among them; none: nobody says that there is more than one."""
    alone: bool = True
    """Whether there is no group, though one may be described: it has no Redis here."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a rule looks for."""

    when: Expression
    clear: Expression | None

    @property
    def sources(self) -> Sources:
        return sources(self.when) if self.clear is None else sources(self.when, self.clear)


def compile_rules(sections: Sections, scope: Scope, findings: Findings) -> tuple[Rule, ...]:
    """Return the default rules with the configuration's own over them."""
    by_name: defaultdict[str, list[Rule]] = defaultdict(list)
    shipped = [_fitted(rule, scope) for rule in default_rules()]
    for rule in shipped:
        by_name[rule.name].append(rule)
    own: list[Rule] = []
    disabled: set[str] = set()
    places: dict[str, int] = {}
    for index, section in sections.rules.items():
        path: KeyPath = ("rules", index)
        if section.name in places:
            first = places[section.name]
            message = f'a second rule named "{section.name}" (the first is rules[{first}])'
            findings.bad((*path, "name"), message)
            continue
        places[section.name] = index
        bases = by_name.get(section.name, [])
        rules = _rules(path, section, bases, scope, findings)
        if section.enabled:
            own += rules
        else:
            disabled.add(section.name)
    return tuple(merge(shipped, own, disabled))


def _fitted(rule: Rule, scope: Scope) -> Rule:
    """Shorten a default rule's window, if it has one, to the longest there is."""
    return replace(rule, over_s=min(rule.over_s, max(scope.windows_s)))


def _rules(
    path: KeyPath,
    section: RuleSection,
    bases: Sequence[Rule],
    scope: Scope,
    findings: Findings,
) -> tuple[Rule, ...]:
    """Return the rules a section makes: one, or one for each default of its name."""
    _check_match(path, section, scope, findings)
    longest_s = max(scope.windows_s)
    if section.over is not None and section.over > longest_s:
        message = (
            f"{format_duration(section.over)} is longer than the longest window,"
            f" {format_duration(longest_s)}: shorten it, or add a window"
        )
        findings.bad((*path, "over"), message)
    if not bases and section.when is None:
        known = tuple(dict.fromkeys(rule.name for rule in default_rules()))
        hint = did_you_mean(section.name, known)
        what = "a new rule needs a condition; the default rules are"
        findings.bad((*path, "when"), f"missing: {what} {', '.join(known)}{hint}")
        return ()
    asked = _asked(path, section, bases, scope, findings)
    if asked is None or not _suits(path, section, asked, findings):
        return ()
    quorum = _quorum(path, section, asked, scope, findings)
    bases = bases or [_fresh(section, asked, scope)]
    made = [_overlaid(base, section, _over(asked, base, section), scope) for base in bases]
    made = [replace(rule, quorum=quorum) for rule in made]
    kept = [rule for rule in made if not _matches_others(rule)]
    if not kept:
        message = f"{made[0].when.metric} is of this instance: it matches by location alone"
        findings.bad((*path, "match"), message)
    for rule in kept:
        _check_annotations(path, section, rule, findings)
    # What tells two defaults apart may be overridden: then they are one rule, not two alike.
    return tuple({(rule.match, rule.subject): rule for rule in reversed(kept)}.values())[::-1]


def _over(asked: _Asked, base: Rule, section: RuleSection) -> _Asked:
    """Return what is asked of one default: its own condition, unless the section says another."""
    return asked if section.when is not None else replace(asked, when=base.when)


def _suits(path: KeyPath, section: RuleSection, asked: _Asked, findings: Findings) -> bool:
    """Refuse what a rule over these things cannot have; say whether all is well."""
    unfit = []
    if not asked.sources.windowed:
        given = {
            "over": section.over,
            "min_samples": section.min_samples,
            "min_failures": section.min_failures,
            "no_data": section.no_data,
        }
        unfit = [key for key, value in given.items() if value is not None]
    for key in unfit:
        message = f"{asked.when.metric} is not of a window of results: leave this out"
        findings.bad((*path, key), message)
    known = subjects(asked.when, asked.clear)
    if not known:
        findings.bad((*path, "when"), "what this looks at is not known of the same subject")
        return False
    if section.subject is not None and section.subject not in known:
        message = f"{asked.when.metric} is known of a {' or '.join(known)} only"
        findings.bad((*path, "subject"), message)
        return False
    return not unfit


def _quorum(
    path: KeyPath, section: RuleSection, asked: _Asked, scope: Scope, findings: Findings
) -> Quorum | None:
    """Return how many locations must agree; None: nothing is said of it, or nothing sensible."""
    if section.locations is None:
        return None
    complaint = _no_quorum(section, asked, scope)
    if complaint is not None:
        findings.bad((*path, "locations"), complaint)
        return None
    if scope.alone:
        findings.warn((*path, "locations"), "never fires: without cluster.redis nobody is heard of")
    if "location" in (section.match or {}):
        message = "every location is asked, by locations: leave this out"
        findings.bad((*path, "match", "location"), message, key=True)
    return _read_quorum(section.locations)


def _no_quorum(section: RuleSection, asked: _Asked, scope: Scope) -> str | None:
    """Say why several locations cannot be asked; None: they can."""
    number = len(scope.locations)
    read = _read_quorum(section.locations or "")
    if number < 2:
        return "there are no other locations: name all of them in cluster.locations"
    if asked.sources.facts:
        return f"{asked.sources.facts[0]} is this instance's own: no other location knows it"
    if read is None or read.of != number:
        return f"expected how many of {', '.join(scope.locations)}, such as 2 of {number}"
    return None


def _read_quorum(text: str) -> Quorum | None:
    found = _QUORUM.fullmatch(text)
    try:
        return None if found is None else Quorum(int(found[1]), int(found[2]))
    except ValueError:  # more than there are, or none
        return None


def _matches_others(rule: Rule) -> bool:
    """Say whether a rule over a fact of this instance asks for certain providers or targets."""
    if rule.subject is not Subject.LOCATION or rule.sources.windowed:
        return False
    return any(name != "location" for name, _ in rule.match.fields)


def _asked(
    path: KeyPath, section: RuleSection, bases: Sequence[Rule], scope: Scope, findings: Findings
) -> _Asked | None:
    """Read `when` and `clear`, or take them over; None when one cannot be read, or none is said."""
    when = _expression((*path, "when"), section.when, section, scope, findings)
    clear = _expression((*path, "clear"), section.clear, section, scope, findings)
    for said, read in ((section.when, when), (section.clear, clear)):
        if said is not None and read is None:
            return None
    if when is None and not bases:
        return None
    asked = _Asked(bases[0].when if when is None else when, clear)
    if _same_way(asked):
        message = f"says what is so once an alert may end, but looks the same way as {asked.when}"
        findings.bad((*path, "clear"), message)
        return None
    return asked


def _same_way(asked: _Asked) -> bool:
    """Say whether `clear` asks for what `when` does: the same, or the same figure's same side."""
    when, clear = asked.when, asked.clear
    if not isinstance(when, Condition) or not isinstance(clear, Condition):
        return when == clear
    sides = ((Operator.GT, Operator.GE), (Operator.LT, Operator.LE))
    alike = any({when.operator, clear.operator} <= set(side) for side in sides)
    return when == clear or (when.metric == clear.metric and alike)


def _expression(
    path: KeyPath, text: str | None, section: RuleSection, scope: Scope, findings: Findings
) -> Expression | None:
    if text is None:
        return None
    try:
        read = parse(text, section.slo)
    except ExpressionError as error:
        findings.bad(path, error.message, offset=error.position)
        return None
    return read if _check_selections(path, text, read, scope, findings) else None


def _check_selections(
    path: KeyPath, text: str, read: Expression, scope: Scope, findings: Findings
) -> bool:
    """Refuse a comparison with targets of which there is none; say whether all is well."""
    chosen = [each.of for each in comparisons(read) if isinstance(each, Relation) and each.of]
    if not scope.complete:
        return True
    empty = [
        at
        for of, at in zip(chosen, selection_places(text), strict=True)
        if not selected(of, scope.targets, scope.location)
    ]
    for at in empty:
        findings.bad(path, "no target is selected by this", offset=at)
    return not empty


def _fresh(section: RuleSection, asked: _Asked, scope: Scope) -> Rule:
    """Return what a rule of a new name is before its section says more."""
    return Rule(
        name=section.name,
        when=asked.when,
        over_s=_usual_window(asked, scope),
        min_samples=usual_min_samples(asked.when),
        severity=Severity.WARNING,
        subject=subjects(asked.when, asked.clear)[0],
        clear=asked.clear,
    )


def _usual_window(asked: _Asked, scope: Scope) -> float:
    if not asked.sources.windowed:
        return 0.0
    usual = [window_s for window_s in scope.windows_s if window_s <= defaults.USUAL_WINDOW_S]
    return max(usual) if usual else min(scope.windows_s)


def _overlaid(base: Rule, section: RuleSection, asked: _Asked, scope: Scope) -> Rule:
    when = asked.when
    same = sources(when).metrics == sources(base.when).metrics
    min_failures = _said(section.min_failures, base.min_failures if same else 0)
    usual = usual_min_samples(when, min_failures)
    kept = same and section.min_failures is None
    alike = asked.sources.windowed is base.sources.windowed
    possible = subjects(when, asked.clear)
    return Rule(
        name=base.name,
        when=when,
        over_s=_said(section.over, base.over_s if alike else _usual_window(asked, scope)),
        match=_laid_over(base.match, section.match or {}),
        hold_s=_said(section.for_, base.hold_s),
        keep_firing_for_s=_said(section.keep_firing_for, base.keep_firing_for_s),
        min_samples=_said(section.min_samples, base.min_samples if kept else usual),
        min_failures=min_failures,
        severity=section.severity or base.severity,
        subject=section.subject or (base.subject if base.subject in possible else possible[0]),
        labels=tuple(sorted({**dict(base.labels), **(section.labels or {})}.items())),
        clear=asked.clear,
        no_data=section.no_data or base.no_data,
        annotations=_annotations(section),
    )


def _annotations(section: RuleSection) -> tuple[tuple[str, str], ...]:
    said = dict(section.annotations or {})
    if section.runbook is not None:
        said["runbook"] = section.runbook
    return tuple(said.items())


def _check_annotations(path: KeyPath, section: RuleSection, rule: Rule, findings: Findings) -> None:
    """Refuse templates that name what is not there."""
    known = names_for(rule.subject, [name for name, _ in rule.labels])
    if rule.quorum is not None:
        known = tuple(name for name in known if name != "location")
    templates: dict[KeyPath, str] = {
        ("annotations", name): text for name, text in (section.annotations or {}).items()
    }
    if section.runbook is not None:
        templates["runbook",] = section.runbook
    for key, template in templates.items():
        try:
            check(template, known)
        except ExpressionError as error:
            findings.bad((*path, *key), error.message, offset=error.position)


_Number = TypeVar("_Number", int, float)


def _said(value: _Number | None, otherwise: _Number) -> _Number:
    return otherwise if value is None else value


def _laid_over(base: Match, fields: Mapping[str, Sequence[str]]) -> Match:
    merged = dict(base.fields) | {name: tuple(patterns) for name, patterns in fields.items()}
    return Match(tuple(sorted(merged.items())))


def _check_match(path: KeyPath, section: RuleSection, scope: Scope, findings: Findings) -> None:
    """Refuse fields that no target has, and warn of a match that hits no target."""
    labels = {name for target in scope.targets for name, _ in target.labels}
    known = (*MATCH_FIELDS, *sorted(labels))
    unknown = [name for name in section.match or {} if name not in known]
    for name in unknown if scope.complete else ():
        hint = did_you_mean(name, known)
        message = f"no target has a label of this name{hint}; there is {', '.join(known)}"
        findings.bad((*path, "match", name), message, key=True)
    match = _laid_over(Match(), section.match or {})
    hit = any(match.matches(labels_of(target, scope.location)) for target in scope.targets)
    if scope.complete and section.match and not unknown and not hit:
        findings.warn((*path, "match"), "matches no target: the rule never fires")
