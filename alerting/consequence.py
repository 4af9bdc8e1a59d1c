"""Which trouble brings about which: what one rule's alert explains of another's. Pure.

A rule looks at answers (a window of results) or at something else (a fact, what probes cost). While
answers fail, others come late and slots are missed: an alert about answers explains quieter ones
about answers, unless those count a fault of their own that it does not count. A bad request is not
explained by an outage. What looks at something else is explained by what looks at the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from alerting.metric import (
    Anomalous,
    BurnRate,
    Count,
    Counted,
    Fact,
    Metric,
    Plain,
)
from alerting.rule import Rule
from probes.result import Fault, Verdict
from probes.verdicts import VERDICTS

_EVERY: Final = frozenset(Fault) - {Fault.NONE, Fault.MONITOR}
"""Those that windows count."""


@dataclass(frozen=True, slots=True)
class Nature:
    """What a rule's alert is about."""

    answers: bool = False
    """Whether it looks at answers alone."""
    own: frozenset[Fault] = frozenset()
    """The faults it asks for by name; empty: none."""
    counted: frozenset[Fault] = frozenset()
    """The faults it counts."""
    others: frozenset[str] = frozenset()
    """What else it looks at."""
    lingers_s: float = 0.0
    """How long its window goes on counting what is over, seconds."""

    def explains(self, other: "Nature") -> bool:
        """Say whether this trouble brings about the other, if both are of the same series."""
        if self.answers and other.answers:
            return other.own <= self.counted
        return bool(self.others & other.others)

    def joined(self, other: "Nature") -> "Nature":
        """Return what both are about: several rules may share a name."""
        return Nature(
            self.answers and other.answers,
            self.own | other.own,
            self.counted & other.counted,
            self.others | other.others,
            max(self.lingers_s, other.lingers_s),
        )


UNKNOWN: Final = Nature()
"""Of an alert whose rule is gone: it explains nothing, and nothing explains it."""


def natures_of(rules: Iterable[Rule]) -> Mapping[str, Nature]:
    """Return what the alerts of each name are about."""
    natures: dict[str, Nature] = {}
    for rule in rules:
        nature = nature_of(rule)
        before = natures.get(rule.name)
        natures[rule.name] = nature if before is None else before.joined(nature)
    return natures


def nature_of(rule: Rule) -> Nature:
    """Return what a rule's alert is about."""
    own: set[Fault] = set()
    counted: set[Fault] = set()
    others: set[str] = set()
    remembers = False
    for metric in rule.sources.metrics:
        of = metric.of if isinstance(metric, Anomalous) else metric
        other = _other(of)
        if other is not None:
            others.add(other)
        elif isinstance(of, Counted):
            named = {fault for kind in of.kinds for fault in _faults(kind)} & _EVERY
            own |= named
            counted |= named or _EVERY
        remembers = remembers or not _newest(metric)
    return Nature(
        answers=not others,
        own=frozenset(own),
        counted=frozenset(counted),
        others=frozenset(others),
        lingers_s=rule.over_s if remembers else 0.0,
    )


def _other(metric: Metric) -> str | None:
    """Name what a metric looks at that is no answer; None: answers."""
    match metric:
        case Fact() | Plain.COST:
            return str(metric)
        case BurnRate(slo=slo):
            return f"objective {slo}"
        case _:
            return None


def _faults(kind: Fault | Verdict) -> Iterable[Fault]:
    return (kind,) if isinstance(kind, Fault) else VERDICTS[kind].faults


def _newest(metric: Metric) -> bool:
    """Say whether a metric looks at the newest results, of which one good one changes it."""
    return isinstance(metric, Counted) and (metric.count is Count.CONSECUTIVE or metric.last > 0)
