"""What the public page says, as values, and how it is judged. Pure.

Only the provider's faults count: a service is not down because our key has no money or our own
way out is broken. Then nothing is known, and the page says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from aggregator.rollup.bucket import Bucket
from aggregator.stores.history import Trouble, Uptime, uptime
from probes.result import Fault

DAYS: Final = 30
LEAST_FAILURES: Final = 3
"""In a row, for an incident: as many as the rule Down wants. One failure is no news for readers."""
INCIDENTS_S: Final = 7 * 86_400
"""How far back incidents are listed."""
LISTED_AT_MOST: Final = 20
"""Incidents on the page, the newest."""


class State(StrEnum):
    """How a component does now; from good to bad, and what is not known."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded"
    PARTIAL_OUTAGE = "partial_outage"
    OUTAGE = "outage"
    UNKNOWN = "unknown"


_LOUD: Final = (
    State.OUTAGE,
    State.PARTIAL_OUTAGE,
    State.DEGRADED,
    State.UNKNOWN,
    State.OPERATIONAL,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one target. Times in seconds since the epoch."""

    newest: float | None
    """When the newest result was sent, of those that tell of the provider; None: there is none."""
    stale_after_s: float
    """A result older than that says nothing of now."""
    days: dict[int, Bucket]
    """What happened, by the UTC day's begin."""
    day: Bucket
    """The last 24 hours."""
    troubles: tuple[Trouble, ...]
    disturbed: bool
    """Whether an alert about the provider's fault fires."""
    back_s: int = INCIDENTS_S
    """How far back troubles were looked for."""

    def incidents(self) -> Iterable[Trouble]:
        """Return those troubles that are worth telling."""
        return (
            each
            for each in self.troubles
            if each.fault is Fault.PROVIDER and each.n >= LEAST_FAILURES
        )

    def state(self, now: float) -> State:
        """Judge it alone."""
        if self.newest is None or now - self.newest > self.stale_after_s:
            return State.UNKNOWN
        if any(each.until is None for each in self.incidents()):
            return State.OUTAGE
        return State.DEGRADED if self.disturbed else State.OPERATIONAL


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day of a component."""

    at: int
    n: int
    ratio: float | None
    """Part that the provider did not fail; None: nothing was measured."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A stretch of failures. Times in seconds since the epoch."""

    component: str
    since: float
    until: float | None
    """None: it goes on."""


@dataclass(frozen=True, slots=True)
class Component:
    """One line of the page."""

    name: str
    state: State
    day_ratio: float | None
    month_ratio: float | None
    days: tuple[Day, ...]
    """DAYS of them, the oldest first, today last."""


@dataclass(frozen=True, slots=True)
class PublicView:
    """The whole page."""

    title: str
    at: float
    state: State
    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]
    """The newest first."""
    back_s: int = INCIDENTS_S
    """Since how long ago they are known of every component."""


def view(title: str, seen: Sequence[tuple[str, Sequence[Seen]]], now: float) -> PublicView:
    """Draw up the page from its components' names and targets, in their order."""
    components = tuple(_component(name, targets, now) for name, targets in seen)
    incidents = [each for name, targets in seen for each in _incidents(name, targets, now)]
    incidents.sort(key=lambda each: (each.until is None, each.since), reverse=True)
    return PublicView(
        title,
        now,
        overall([each.state for each in components]),
        components,
        tuple(incidents[:LISTED_AT_MOST]),
        min((each.back_s for _, targets in seen for each in targets), default=INCIDENTS_S),
    )


def overall(states: Sequence[State]) -> State:
    """Take states together: an outage of some is a partial one; unknown is told last."""
    if not states or all(each is states[0] for each in states):
        return states[0] if states else State.UNKNOWN
    if State.OUTAGE in states:
        return State.PARTIAL_OUTAGE
    return min(states, key=_LOUD.index)


def _known(trouble: Trouble, target: Seen, now: float) -> Trouble:
    """End a trouble where the knowledge of it ends: whether it goes on is not known."""
    if trouble.until is None and target.state(now) is State.UNKNOWN:
        return replace(trouble, until=max(trouble.since, target.newest or trouble.since))
    return trouble


def _component(name: str, targets: Sequence[Seen], now: float) -> Component:
    today = int(now) // 86_400 * 86_400
    days = tuple(_day(today - ago * 86_400, targets) for ago in range(DAYS - 1, -1, -1))
    month = _together(bucket for each in targets for bucket in each.days.values())
    return Component(
        name=name,
        state=overall([each.state(now) for each in targets]),
        day_ratio=_uptime(_together(each.day for each in targets)).provider_ratio,
        month_ratio=_uptime(month).provider_ratio,
        days=days,
    )


def _day(at: int, targets: Sequence[Seen]) -> Day:
    found = _uptime(_together(each.days[at] for each in targets if at in each.days))
    return Day(at, found.n, found.provider_ratio)


def _together(buckets: Iterable[Bucket]) -> Bucket:
    whole = Bucket()
    for each in buckets:
        whole.merge(each)
    return whole


def _uptime(bucket: Bucket) -> Uptime:
    return uptime(bucket.summary(86_400), missed=False)


def _incidents(name: str, targets: Sequence[Seen], now: float) -> list[Incident]:
    """Take troubles of a component's targets that overlap as one incident."""
    found: list[Incident] = []
    every = (_known(each, target, now) for target in targets for each in target.incidents())
    for trouble in sorted(every, key=lambda each: each.since):
        last = found[-1] if found else None
        if last is not None and (last.until is None or trouble.since <= last.until):
            ends = (last.until, trouble.until)
            until = None if None in ends else max(end for end in ends if end is not None)
            found[-1] = Incident(name, last.since, until)
        else:
            found.append(Incident(name, trouble.since, trouble.until))
    return found
