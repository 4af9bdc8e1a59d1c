"""What a rule is: a condition over a summary or a fact, how long it must hold, and for whom."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from alerting.condition import Condition, Expression, Sources, is_fact, sources
from alerting.match import EVERYTHING, Match
from alerting.metric import AnyFact, Fact, Whose, whose
from alerting.quorum import Quorum


class Severity(StrEnum):
    """How loud an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Subject(StrEnum):
    """What one alert of a rule speaks of."""

    TARGET = "target"
    """Every matching target is a series of its own."""
    PROVIDER = "provider"
    """The matching targets of one provider (one key) are taken together."""
    LOCATION = "location"
    """All matching targets together: one series for this instance."""


class NoData(StrEnum):
    """What an empty window means where slots fell due."""

    KEEP = "keep"
    """Unknown: an alert stays as it stands."""
    OK = "ok"
    """The condition is false."""
    ALERT = "alert"
    """The condition is true, and the alert fires after its hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alerting rule. Durations in seconds.

    Raises ValueError when it looks at a window it does not name, names one for a fact, asks for a
    fact of somebody whom the fact is not of, or asks several locations for a fact.
    """

    name: str
    when: Expression
    over_s: float = 0.0
    """Length of the window the condition looks at; 0: it looks at a fact, which is in none."""
    match: Match = EVERYTHING
    hold_s: float = 0.0
    """`for`: how long the condition must be true before the alert fires; 0 fires at once."""
    keep_firing_for_s: float = 0.0
    """How long a firing alert stays so after the condition turned false."""
    min_samples: int = 0
    """Below this many samples the condition is unknown. Samples are the results in the window; for
    a statistic those it is made of, for `coverage` the slots that fell due."""
    min_failures: int = 0
    """The condition is false until this many results speak for it: failures of the kinds it
    counts, or samples beyond the threshold where it looks at a statistic of samples."""
    severity: Severity = Severity.WARNING
    subject: Subject = Subject.TARGET
    labels: tuple[tuple[str, str], ...] = ()
    clear: Expression | None = None
    """What must be true, beside the condition being false, for a firing alert to begin to end."""
    no_data: NoData = NoData.KEEP
    annotations: tuple[tuple[str, str], ...] = ()
    """Templates (`alerting.annotations`) of what goes with the message, by name."""
    quorum: Quorum | None = None
    """How many locations must say so; None: it is our own location's affair."""

    def __post_init__(self) -> None:
        """Refuse what could not be evaluated."""
        found = self.sources
        if found.windowed is (self.over_s == 0):
            raise ValueError(f"{self.name}: {self.when} over {self.over_s:g} s")
        if self.subject not in subjects(self.when, self.clear):
            raise ValueError(f"{self.name}: {self.when} is not of a {self.subject}")
        if self.quorum is not None and found.facts:
            raise ValueError(f"{self.name}: {found.facts[0]} is this instance's own")

    @property
    def condition(self) -> str:
        """What it asks for, for people: with how many locations must say so."""
        return str(self.when) if self.quorum is None else f"{self.when} at {self.quorum} locations"

    @property
    def sources(self) -> Sources:
        """Everything the rule looks at."""
        return _sources(self.when, self.clear)


@lru_cache(maxsize=4096)  # asked for each series of a rule, and of few rules
def _sources(when: Expression, clear: Expression | None) -> Sources:
    return sources(when) if clear is None else sources(when, clear)


def subjects(when: Expression, clear: Expression | None = None) -> tuple[Subject, ...]:
    """Return what an alert on this may speak of, the usual one first; none: they do not agree.

    What is known of a provider is known of each of its targets. What is known of this instance is
    known of everything in it, but alone it is one piece of news.
    """
    found = _sources(when, clear)
    if isinstance(when, Condition) and is_fact(when.metric) and found.single:
        return _known_of(when.metric)
    every = [{*_known_of(fact), *_inherited(fact)} for fact in found.facts]
    return tuple(subject for subject in Subject if all(subject in known for known in every))


def _known_of(fact: AnyFact) -> tuple[Subject, ...]:
    known = dict.fromkeys(Subject(each) for each in whose(fact))
    if isinstance(fact, Fact) and Whose.PROVIDER in whose(fact):
        known[Subject.TARGET] = None
    return tuple(known)


def _inherited(fact: AnyFact) -> tuple[Subject, ...]:
    return tuple(Subject) if Whose.LOCATION in whose(fact) else ()
