"""What a rule is: a condition over a summary or a fact, how long it must hold, and for whom."""

from dataclasses import dataclass
from enum import StrEnum

from alerting.expression import Condition
from alerting.match import EVERYTHING, Match
from alerting.metric import WHOSE, Fact, Metric, Whose


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alerting rule. Durations in seconds.

    Raises ValueError when it looks at a window it does not name, names one for a fact, or asks
    for a fact of somebody whom the fact is not of.
    """

    name: str
    when: Condition
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

    def __post_init__(self) -> None:
        """Refuse what could not be evaluated."""
        metric = self.when.metric
        if isinstance(metric, Fact) is not (self.over_s == 0):
            raise ValueError(f"{self.name}: {metric} over {self.over_s:g} s")
        if self.subject not in subjects(metric):
            raise ValueError(f"{self.name}: {metric} is not of a {self.subject}")


def subjects(metric: Metric) -> tuple[Subject, ...]:
    """Return what an alert on this metric may speak of, the usual one first.

    What is known of a provider is known of each of its targets.
    """
    if not isinstance(metric, Fact):
        return tuple(Subject)
    known = [Subject(whose) for whose in WHOSE[metric]]
    if Whose.PROVIDER in WHOSE[metric]:
        known.append(Subject.TARGET)
    return tuple(known)
