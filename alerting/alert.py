"""What an alert is to those who tell of it: its name, its standing, and what happened to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2s

from alerting.condition import Condition
from alerting.evaluate import Reason
from alerting.quorum import Vote
from alerting.rule import Rule, Severity
from alerting.state import Edge, State


@dataclass(frozen=True, slots=True)
class Identity:
    """Which alert this is, over evaluations and restarts: the rule and the series' labels."""

    rule: str
    labels: tuple[tuple[str, str], ...]
    """Sorted by name; `alertname` and `severity` among them."""

    @property
    def fingerprint(self) -> str:
        """The short name of the alert: a hash of its labels."""
        return fingerprint(dict(self.labels))

    @property
    def severity(self) -> Severity:
        """How loud the alert is."""
        return Severity(dict(self.labels)["severity"])


class Phase(StrEnum):
    """Where an alert that is not inactive stands."""

    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Something that happened to, or is, one alert."""

    identity: Identity

    @property
    def alertname(self) -> str:
        """The rule's name."""
        return self.identity.rule

    @property
    def severity(self) -> Severity:
        """How loud the alert is."""
        return self.identity.severity

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """The alert's labels, sorted by name."""
        return self.identity.labels

    @property
    def fingerprint(self) -> str:
        """The alert's short name."""
        return self.identity.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(_Named):
    """One state that changed. Times in seconds, on the snapshots' clock."""

    edge: Edge
    previous: State
    state: State
    value: str
    """The value at this evaluation, with its unit; empty when there was none."""
    lower_bound: bool
    """Whether the true value is at least that, because deadlines cut samples short."""
    started_at: float
    """When the condition became true (in the run of it that this is about)."""
    fired_at: float | None
    """When the alert fired; None for one that never did."""
    now: float
    rule: Rule | None
    """None: the rule is gone (edge `rule_removed`)."""
    targets: tuple[str, ...]
    """The targets the alert speaks of; empty when the rule is gone."""
    compared: Condition | None = None
    """What `value` was compared in, of a rule with several comparisons; None: in its only one."""
    holds: bool | None = True
    """Whether the condition is so of `value`: an alert may fire on while it is not (for `clear`,
    or `keep_firing_for`). None: there is no value, the window is empty, and that is what fires."""
    votes: tuple[Vote, ...] = ()
    """What each location says, of a rule that several must agree on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(_Named):
    """An alert that is pending or firing, as of the newest evaluation."""

    rule: Rule
    state: Phase
    started_at: float
    """When the condition became true, seconds."""
    fired_at: float | None
    """When it fired, seconds; None while it is pending."""
    value: str
    """The newest known value, with its unit; empty before the first evaluation after a restart."""
    lower_bound: bool
    """Whether the true value is at least that, because deadlines cut samples short."""
    reason: Reason | None
    """What the newest evaluation said; None before the first one after a restart."""
    targets: tuple[str, ...]
    compared: Condition | None = None
    """What `value` was compared in, of a rule with several comparisons; None: in its only one."""
    votes: tuple[Vote, ...] = ()
    """What each location says, of a rule that several must agree on."""


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits that stand for these labels, in whatever order they come."""
    digest = blake2s(digest_size=8)
    for name, value in sorted(labels.items()):
        for text in (name, value):
            raw = text.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
