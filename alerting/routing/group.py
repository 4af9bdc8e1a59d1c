"""When a group of alerts has something to say: pure, after Alertmanager.

Alerts that share the labels of `group_by` are told together. A channel hears of a group first when
the wait of its most urgent alert is over, then at most once in an interval, and again when nothing
changed for as long as `repeat`. An alert louder than everything the channel was told of, so the
first critical one, waits for its own wait alone and not for the interval: nobody sleeps through an
outage because a warning went out a minute before.

https://prometheus.io/docs/alerting/latest/configuration/#route
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from alerting.rule import Severity

LOUDNESS: Final[Mapping[Severity, int]] = MappingProxyType(
    {Severity.INFO: 1, Severity.WARNING: 2, Severity.CRITICAL: 3}
)

LOUDEST_FIRST: Final = tuple(sorted(LOUDNESS, key=LOUDNESS.__getitem__, reverse=True))


class Why(StrEnum):
    """Why a message goes out (a metric label)."""

    FIRST = "first"
    """Nothing of the group fired as far as the channel knows."""
    ADDED = "added"
    """Further alerts fire."""
    SOME_RESOLVED = "some_resolved"
    """Some alerts are over, others go on."""
    ALL_RESOLVED = "all_resolved"
    """All of it is over."""
    REPEAT = "repeat"
    """Nothing changed, and it has been silent for long."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The pace of a group's messages, in seconds."""

    wait_s: Mapping[Severity, float] = field(
        default_factory=lambda: {
            Severity.INFO: 30.0,
            Severity.WARNING: 30.0,
            Severity.CRITICAL: 0.0,
        }
    )
    """How long an alert waits for others like it before the first message."""
    interval_s: float = 300.0
    """Between two messages about a group."""
    repeat_s: float = 14_400.0
    """Until alerts that go on firing are told once more."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is to say of a group, and what was said. Times in seconds, on one clock."""

    sent_at: float | None
    """When the newest message went out; None: none did."""
    told: tuple[Severity, ...]
    """Of the alerts that fire, those the channel knows of."""
    new: tuple[tuple[Severity, float], ...]
    """Of the alerts that fire, those it does not know of, with the moment each joined."""
    ended: int
    """Alerts that are over, which the channel believes to fire."""
    muted: int = 0
    """How many of those in `told` are not to be repeated: somebody silenced them since."""


def why_now(standing: Standing, now: float, timing: Timing) -> Why | None:
    """Return why a message about the group is due at `now`; None: none is."""
    known = _loudest(standing.told)
    louder = [each for each in standing.new if LOUDNESS[each[0]] > known]
    if any(now >= joined + timing.wait_s[severity] for severity, joined in louder):
        return Why.ADDED if standing.told else Why.FIRST
    if standing.sent_at is None or now - standing.sent_at < timing.interval_s:
        return None
    if standing.new and (standing.told or standing.ended):
        return Why.ADDED
    if standing.ended:
        return Why.SOME_RESOLVED if standing.told else Why.ALL_RESOLVED
    repeats = len(standing.told) > standing.muted
    return Why.REPEAT if repeats and now - standing.sent_at >= timing.repeat_s else None


def _loudest(severities: Iterable[Severity]) -> int:
    return max((LOUDNESS[severity] for severity in severities), default=0)
