"""What rules would have done: alerts from transitions, and the incidents nobody was told of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from alerting.alert import Identity, Transition
from alerting.compare import FEW
from alerting.render import fault_of
from alerting.rule import Rule, Severity
from alerting.state import Edge, Firing, Inactive
from alerting.trial.telling import Told
from monitor.report.incidents import Incident
from probes.result import Fault

LATE_S: Final = 900.0
"""An alert that fires so long after an incident's last failure may still be about it: that is as
long as the windows of the usual rules remember it."""
NOT_THE_PROVIDERS: Final = frozenset({Fault.ACCOUNT, Fault.REQUEST, Fault.MONITOR})
"""Incidents are of the provider's making: an alert that says it is our key's tells of another."""
AT_LEAST: Final = FEW
"""Failures that make an incident worth an alert: single ones are what rules are to pass over."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert, from firing to its end. Wall times, seconds since the epoch."""

    identity: Identity
    targets: tuple[str, ...]
    fired_at: float
    told_at: float | None = None
    """When people were told; None: it was held back until it was over."""
    ended_at: float | None = None
    """None: it fires at the end of the range."""
    blames: str = ""
    """The first fault its rule blames; empty: nobody's in particular."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An incident, and what told of it first."""

    incident: Incident
    rule: str | None
    """None: nobody was told."""
    after_s: float | None
    """Seconds from the beginning of its first failure until people were told; 0 when they knew
    already. None: they never were."""

    @property
    def late(self) -> bool:
        """Whether people were told only when it was over."""
        return self.after_s is not None and self.after_s > self.incident.duration_s


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one name of rules came to. Durations in seconds; None without an alert."""

    name: str
    severity: Severity
    alerts: int
    told: int
    """How many of them people were told of; the others were held back to their end."""
    median_s: float | None
    longest_s: float | None
    total_s: float
    first_at: float | None
    last_at: float | None
    firing: int
    """How many fire at the end: they are counted as if they ended there."""
    incidents: int
    """Of the incidents, how many one of its alerts told of."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of all rules over a range."""

    rules: tuple[RuleOutcome, ...]
    unplayed: Mapping[str, str]
    """Rules that could not be tried, or not wholly, and why; by name."""
    seen: tuple[Seen, ...]
    """Every incident of at least `AT_LEAST` failures."""

    @property
    def missed(self) -> tuple[Seen, ...]:
        """The incidents nobody was told of."""
        return tuple(each for each in self.seen if each.rule is None)


def episodes(transitions: Iterable[Transition], news: Iterable[Told]) -> list[Episode]:
    """Return the alerts of transitions, which are in the order of time, by when they fired."""
    told = {
        (each.transition.identity, each.transition.fired_at): each.at
        for each in news
        if each.transition.edge is Edge.FIRED
    }
    current: dict[Identity, Episode] = {}
    done: list[Episode] = []
    for each in transitions:
        if each.edge is Edge.FIRED:
            told_at = told.get((each.identity, each.fired_at))
            blames = "" if each.rule is None else fault_of(each.rule.when)
            current[each.identity] = Episode(
                each.identity, each.targets, each.now, told_at, blames=blames
            )
        elif isinstance(each.previous, Firing) and isinstance(each.state, Inactive):
            done.append(replace(current.pop(each.identity), ended_at=each.now))
    return sorted([*done, *current.values()], key=lambda each: each.fired_at)


def seen(incidents: Iterable[Incident], alerts: Sequence[Episode]) -> list[Seen]:
    """Say of each incident which alert people were told of first."""
    found: list[Seen] = []
    by_target: dict[str, list[Episode]] = {}
    for alert in alerts:
        for target in alert.targets:
            by_target.setdefault(target, []).append(alert)
    for incident in incidents:
        telling = [
            (max(each.told_at - incident.start_at, 0.0), each.identity.rule)
            for each in by_target.get(incident.target, ())
            if each.told_at is not None
            and each.blames not in NOT_THE_PROVIDERS
            and _meets(each, incident)
        ]
        after_s, rule = min(telling, default=(None, None))
        found.append(Seen(incident, rule, after_s))
    return found


def _meets(alert: Episode, incident: Incident) -> bool:
    """Say whether an alert fires in an incident, or soon after it."""
    over = alert.ended_at is not None and alert.ended_at < incident.start_at
    return not over and alert.fired_at <= incident.end_at + LATE_S


def outcome(
    rules: Sequence[Rule],
    unplayed: Mapping[str, str],
    alerts: Sequence[Episode],
    incidents: Iterable[Incident],
    end: float,
) -> Outcome:
    """Put together what came of these rules until `end`; those of one name are one row."""
    worth = [each for each in incidents if each.failures >= AT_LEAST]
    loudest = {rule.name: rule.severity for rule in rules}
    rows = []
    for name, severity in loudest.items():
        own = [each for each in alerts if each.identity.rule == name]
        told_of = [each for each in seen(worth, own) if each.rule is not None]
        rows.append(_row(name, severity, own, len(told_of), end))
    names = loudest.keys()
    whole = seen(worth, [each for each in alerts if each.identity.rule in names])
    return Outcome(tuple(rows), unplayed, tuple(whole))


def _row(
    name: str, severity: Severity, alerts: Sequence[Episode], incidents: int, end: float
) -> RuleOutcome:
    lengths = [(end if a.ended_at is None else a.ended_at) - a.fired_at for a in alerts]
    return RuleOutcome(
        name=name,
        severity=severity,
        alerts=len(alerts),
        told=sum(each.told_at is not None for each in alerts),
        median_s=median(lengths) if lengths else None,
        longest_s=max(lengths, default=None),
        total_s=sum(lengths),
        first_at=alerts[0].fired_at if alerts else None,
        last_at=alerts[-1].fired_at if alerts else None,
        firing=sum(each.ended_at is None for each in alerts),
        incidents=incidents,
    )


def unplayed(rules: Iterable[Rule]) -> dict[str, str]:
    """Say which rules look at what no ledger holds, wholly or in part."""
    found: dict[str, str] = {}
    for rule in rules:
        facts = ", ".join(dict.fromkeys(str(fact) for fact in rule.sources.facts))
        if rule.quorum is not None:
            found[rule.name] = "not tried: it asks several locations, and one is read"
        elif facts and rule.sources.windowed:
            found[rule.name] = f"{facts} taken for unknown: it is not in the recorded results"
        elif facts:
            found[rule.name] = f"not tried: {facts} is not in the recorded results"
    return found
