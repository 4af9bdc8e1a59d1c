"""What a rule is: a condition over a summary, how long it must hold, and for which series."""

from dataclasses import dataclass
from enum import StrEnum

from alerting.expression import Condition
from alerting.match import EVERYTHING, Match


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alerting rule. Durations in seconds."""

    name: str
    when: Condition
    over_s: float
    """Length of the window the condition looks at."""
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
