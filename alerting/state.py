"""The life of one alert: a pure state machine, after Prometheus.

                 true                        true, held
    Inactive ------------> Pending(since) ----------------> Firing(since, fired_at)
        ^                      |                              |  ^        |
        |        false         |                 false        |  | true   | false, and nothing to
        +----------------------+        (keep_firing_for > 0) v  |        | wait for
        |                                          Firing(…, clear_since) |
        |                false, kept long enough         |                |
        +------------------------------------------------+----------------+

- The condition must hold from its first true evaluation until one at least `hold_s` later; with
  `hold_s` 0 the first true evaluation fires. One false evaluation resets a pending alert.
- A firing alert survives `keep_firing_for_s` from the first false evaluation; any true one ends
  that wait.
- Unknown (None) changes nothing at all.
- Time is handed in. When it goes backwards, waits begin anew from there: an alert may then fire or
  resolve later than asked, never earlier.

Semantics: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ . Nothing of
this project is imported here.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Inactive:
    """The condition is not true."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The condition is true, but not yet for long enough."""

    since: float
    """When it became true, seconds."""


@dataclass(frozen=True, slots=True)
class Firing:
    """The condition was true for long enough; people are told."""

    since: float
    """When it became true, seconds."""
    fired_at: float
    """When the alert fired, seconds."""
    clear_since: float | None = None
    """First false evaluation of the present run of them; None while the condition is true."""


State = Inactive | Pending | Firing


class Edge(StrEnum):
    """Why a state changed: every transition has exactly one of these names."""

    PENDING = "pending"
    """Inactive -> Pending: true for the first time."""
    RESET = "reset"
    """Pending -> Inactive: false before the hold was over."""
    FIRED = "fired"
    """Pending or Inactive -> Firing: true for as long as the hold asks."""
    CLEARING = "clearing"
    """Firing -> Firing: false for the first time, kept firing."""
    RELAPSED = "relapsed"
    """Firing -> Firing: true again before `keep_firing_for` was over."""
    RESOLVED = "resolved"
    """Firing -> Inactive: false for long enough."""
    RULE_REMOVED = "rule_removed"
    """Firing -> Inactive: the rule or its series is gone, nobody evaluates it any more."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a condition must be true before, and false after, an alert fires. Seconds."""

    hold_s: float = 0.0
    keep_firing_for_s: float = 0.0


def step(
    state: State, breached: bool | None, now: float, policy: Policy
) -> tuple[State, Edge | None]:
    """Return the state after one evaluation, and the edge that was taken (None: no change)."""
    if breached is None:
        return state, None
    match state:
        case Inactive():
            return _from_inactive(state, breached, now, policy)
        case Pending():
            return _from_pending(state, breached, now, policy)
        case _:
            return _from_firing(state, breached, now, policy)


def shift(state: State, by_s: float) -> State:
    """Move the waits of a state by a time nobody was watching, so that it does not count.

    `since` and `fired_at` of a firing alert stay: they say when something happened.
    """
    match state:
        case Pending():
            return Pending(state.since + by_s)
        case Firing(clear_since=clear_since) if clear_since is not None:
            return replace(state, clear_since=clear_since + by_s)
        case _:
            return state


def _from_inactive(
    state: Inactive, breached: bool, now: float, policy: Policy
) -> tuple[State, Edge | None]:
    if not breached:
        return state, None
    if policy.hold_s <= 0:
        return Firing(now, now), Edge.FIRED
    return Pending(now), Edge.PENDING


def _from_pending(
    state: Pending, breached: bool, now: float, policy: Policy
) -> tuple[State, Edge | None]:
    if not breached:
        return Inactive(), Edge.RESET
    since = min(state.since, now)
    if now - since >= policy.hold_s:
        return Firing(since, now), Edge.FIRED
    return Pending(since), None


def _from_firing(
    state: Firing, breached: bool, now: float, policy: Policy
) -> tuple[State, Edge | None]:
    if breached:
        edge = None if state.clear_since is None else Edge.RELAPSED
        return replace(state, clear_since=None), edge
    first = state.clear_since is None
    clear_since = now if state.clear_since is None else min(state.clear_since, now)
    if now - clear_since >= policy.keep_firing_for_s:
        return Inactive(), Edge.RESOLVED
    return replace(state, clear_since=clear_since), Edge.CLEARING if first else None
