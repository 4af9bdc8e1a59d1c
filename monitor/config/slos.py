"""Objective sections -> Slo values, and the rules that watch how fast their budgets burn."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from alerting.burn import TIERS, Slo, Tier
from alerting.condition import Condition, Operator
from alerting.match import Match, labels_of
from alerting.metric import BurnRate
from alerting.rule import Rule, Severity, Subject
from monitor.config.document import KeyPath
from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.models import RootSection
from monitor.config.sections import Sections
from probes.target import Target

KEEP_FIRING_S: Final = 300.0
"""As long as the shortest window: an outage that comes and goes is one alert."""


def compile_slos(
    root: RootSection, targets: Sequence[Target], location: str, findings: Findings
) -> tuple[Slo, ...]:
    """Return the objectives; each has a name of its own and, if it can be told, some target."""
    made: dict[str, Slo] = {}
    for index, section in enumerate(root.slos):
        path: KeyPath = ("slos", index)
        if section.name in made:
            findings.bad((*path, "name"), "a second objective of this name: give it another")
            continue
        fields = tuple(sorted((name, tuple(said)) for name, said in (section.match or {}).items()))
        slo = Slo(section.name, section.objective, Match(fields))
        made[section.name] = slo if section.over is None else replace(slo, over_s=section.over)
        if targets and not any(slo.match.matches(labels_of(each, location)) for each in targets):
            findings.warn((*path, "match"), "matches no target: the objective is of nothing")
    return tuple(made.values())


def check_slos(sections: Sections, slos: Sequence[Slo], findings: Findings) -> None:
    """Refuse rules that name an objective there is none of."""
    known = [slo.name for slo in slos]
    for index, rule in sections.rules.items():
        if rule.slo is not None and rule.slo not in known:
            told = f"there is no objective of this name{did_you_mean(rule.slo, known)}"
            findings.bad(("rules", index, "slo"), told)


def burn_rules(slos: Sequence[Slo]) -> Iterator[Rule]:
    """Yield the rules of each objective: two that page, and one for the next morning.

    Without those that could not hold if every answer were bad.
    """
    for slo in slos:
        for tier in TIERS:
            if tier.times(slo.over_s) * slo.allowed_ratio < 1:
                yield _rule(slo, tier)


def _rule(slo: Slo, tier: Tier) -> Rule:
    metric = BurnRate(slo.name, int(tier.long_s), int(tier.short_s))
    return Rule(
        name=f"{tier.rule}:{slo.name}",
        when=Condition(metric, Operator.GT, tier.times(slo.over_s)),
        keep_firing_for_s=KEEP_FIRING_S,
        match=slo.match,
        severity=Severity.CRITICAL if tier.pages else Severity.WARNING,
        subject=Subject.LOCATION,
        labels=(("slo", slo.name),),
    )
