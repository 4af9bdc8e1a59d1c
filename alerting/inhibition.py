"""Which news is held back because other news explains it: pure, each decision with its reason.

Two alerts of ours silence others. While our own way out is broken nothing we see says anything of a
provider, so `MonitorEgress` holds back every other alert whose condition became true after that
began. A key that is refused or out of money answers less: `Account` holds back the warnings of the
same key about speed and coverage. What counts failures of the provider's own no refusal brings
about, and is told: `Account` may fire for months because of one model, while the others go down.

Held back is not lost. An alert that still fires when nothing explains it any more is told then (one
about missing slots when its window has forgotten them), and one that was over before says nothing.
What was told before keeps its end: a "resolved" is held back only where its "firing" was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from alerting.engine import Identity, Transition
from alerting.state import Edge, Firing, Inactive, State

MONITOR_EGRESS: Final = "MonitorEgress"
ACCOUNT: Final = "Account"
EXPLAINED_BY_ACCOUNT: Final = frozenset({"HighLatency", "SlowMean", "LowThroughput"})
"""What a refused key may bring about, for its windows thin out."""
EARLIER_S: Final = 60.0
"""Probes notice a broken way out before its own check does, which looks four times a minute and
needs its deadline: what became true so long before belongs to it."""


LINGERS_S: Final[Mapping[str, float]] = MappingProxyType({"LowThroughput": 900.0})
"""How much longer an alert may be held when nothing explains it any more. Its window goes on
counting the slots that were missed, while everything else needs but one good probe to be over."""


class Reason(StrEnum):
    """Why news is held back (a metric label)."""

    MONITOR_EGRESS = "monitor_egress"
    """Our own way out is broken."""
    ACCOUNT = "account"
    """The provider refuses our key, or our money is gone."""


@dataclass(frozen=True, slots=True)
class Held:
    """Why an alert that fires is held back, and until when."""

    reason: Reason
    until: float | None = None
    """Nothing explains it any more, but it lingers until then (the states' clock, seconds); None:
    it is explained."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """One piece of news that people do not get, or not yet."""

    transition: Transition
    reason: Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the news of one evaluation."""

    told: tuple[Transition, ...]
    suppressed: tuple[Suppression, ...]
    held: Mapping[Identity, Held]
    """Alerts that fire and that nobody was told of, from now on."""
    released: tuple[Identity, ...]
    """Alerts that were held, still fire, and are to be told of now."""


def decide(
    news: Iterable[Transition],
    held: Mapping[Identity, Held],
    states: Mapping[Identity, State],
    now: float,
) -> Decision:
    """Say what to tell of `news`, given what was held until now and the states that came of it.

    `states`: every state that is not inactive, as of the end of the evaluation, so that it does not
    matter in which order the rules were evaluated.
    """
    explained = Explained.of(states)
    still = dict(held)
    told: list[Transition] = []
    suppressed: list[Suppression] = []
    for transition in news:
        reason = _reason(transition, still, explained)
        if reason is None:
            told.append(transition)
        else:
            suppressed.append(Suppression(transition, reason))
    firing = {each: state for each in still if isinstance(state := states.get(each), Firing)}
    later = {
        each: _later(each, still[each], explained.reason(each, state.since), now)
        for each, state in firing.items()
    }
    return Decision(
        told=tuple(told),
        suppressed=tuple(suppressed),
        held={each: state for each, state in later.items() if state is not None},
        released=tuple(each for each, state in later.items() if state is None),
    )


def _reason(
    transition: Transition, still: dict[Identity, Held], explained: "Explained"
) -> Reason | None:
    """Say why a transition is not told, if so; note in `still` what is held now."""
    if transition.edge is Edge.FIRED:
        reason = explained.reason(transition.identity, transition.started_at)
        if reason is not None:
            still[transition.identity] = Held(reason)
        return reason
    if transition.state != Inactive() or transition.identity not in still:
        return None
    return still.pop(transition.identity).reason


def _later(identity: Identity, held: Held, reason: Reason | None, now: float) -> Held | None:
    """Return how an alert that was held goes on being held; None: it is to be told now."""
    if reason is not None:
        return Held(reason)
    until = now + LINGERS_S.get(identity.rule, 0.0) if held.until is None else held.until
    return Held(held.reason, until) if now < until else None


@dataclass(frozen=True, slots=True)
class Explained:
    """What explains other alerts now; while it stays the same, nothing that is held is let go."""

    broken_since: float | None
    """Since when our own way out is broken; None: it is not. That it may be counts too, for what
    is told before its hold is over cannot be taken back."""
    providers: frozenset[str]
    """Those that refuse our key."""

    @classmethod
    def of(cls, states: Mapping[Identity, State]) -> "Explained":
        """Find what explains others among the states that are not inactive."""
        broken: list[float] = []
        providers: set[str] = set()
        for identity, state in states.items():
            if identity.rule == MONITOR_EGRESS and not isinstance(state, Inactive):
                broken.append(state.since)
            elif identity.rule == ACCOUNT and isinstance(state, Firing):
                providers.add(dict(identity.labels).get("provider", ""))
        return cls(min(broken, default=None), frozenset(providers))

    def reason(self, identity: Identity, started_at: float) -> Reason | None:
        """Return what explains an alert whose condition is true since `started_at`."""
        if identity.rule == MONITOR_EGRESS:
            return None
        if self.broken_since is not None and started_at >= self.broken_since - EARLIER_S:
            return Reason.MONITOR_EGRESS
        if identity.rule not in EXPLAINED_BY_ACCOUNT or not self.providers:
            return None
        return Reason.ACCOUNT if dict(identity.labels).get("provider") in self.providers else None
