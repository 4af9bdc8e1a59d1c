"""Which news is held back because other news explains it: pure, each decision with its reason.

Four kinds of alert explain others. While our own way out is broken nothing we see says anything of
a provider, so `MonitorEgress` holds back every other alert whose condition became true after that
began. While most models of a key fail, `ProviderDown` speaks for all of them, and what fires of a
single one says nothing more. A key that is refused or out of money answers less: `Account` holds
back the warnings of the same key about speed and coverage. What counts failures of the provider's
own no refusal brings about, and is told: `Account` may fire for months because of one model, while
the others go down. And a louder alert holds back quieter ones of the same series that its trouble
brings about (`alerting.consequence`): who knows that a model is down need not hear that it is slow.

Held back is not lost. An alert that still fires when nothing explains it any more is told then (one
whose window goes on counting what is over when it has forgotten it), and one that was over before
says nothing. What was told before keeps its end: a "resolved" is held back only where its "firing"
was.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import Final

from alerting.consequence import UNKNOWN, Nature
from alerting.engine import Identity, Transition
from alerting.routing.group import LOUDNESS
from alerting.rule import Severity
from alerting.state import Edge, Firing, Inactive, State
from probes.result import Fault

MONITOR_EGRESS: Final = "MonitorEgress"
ACCOUNT: Final = "Account"
PROVIDER_DOWN: Final = "ProviderDown"
EXPLAINED_BY_ACCOUNT: Final = frozenset({"HighLatency", "SlowMean", "LowThroughput"})
"""What a refused key may bring about, for its windows thin out."""
DOWN: Final = Nature(answers=True, counted=frozenset({Fault.PROVIDER, Fault.NETWORK}))
"""What `ProviderDown` speaks of, for each of the key's models."""
FAILING: Final = frozenset({"Down", "ErrorRate"})
"""Alerts that say that a model fails."""
EARLIER_S: Final = 60.0
"""Probes notice a broken way out before its own check does, which looks four times a minute and
needs its deadline: what became true so long before belongs to it."""


LINGERS_S: Final[Mapping[str, float]] = MappingProxyType({"LowThroughput": 900.0})
"""How much longer an alert may be held when our way out is back, or the key is accepted. Its window
goes on counting the slots that were missed, while everything else needs but one good probe to be
over."""


class Reason(StrEnum):
    """Why news is held back (a metric label)."""

    MONITOR_EGRESS = "monitor_egress"
    """Our own way out is broken."""
    PROVIDER_DOWN = "provider_down"
    """Most models of the same key fail, and people know."""
    ACCOUNT = "account"
    """The provider refuses our key, or our money is gone."""
    LOUDER = "louder"
    """A louder alert of the same series says it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an alert is held back, and by which other."""

    reason: Reason
    alertname: str


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
    by: str = ""
    """The name of the alert that explains it; empty: of what had been held back before."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the news of one evaluation."""

    told: tuple[Transition, ...]
    suppressed: tuple[Suppression, ...]
    held: Mapping[Identity, Held]
    """Alerts that fire and that nobody was told of, from now on."""
    released: tuple[Identity, ...]
    """Alerts that were held, still fire, and are to be told of now."""


Natures = Mapping[str, Nature]
"""By the alerts' names."""
Series = tuple[str, ...]
_SERIES: Final = ("provider", "target", "model", "operation", "location", "slo")
"""The labels that say of what an alert speaks, beside those a rule adds of its own."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What explains other alerts now; while it stays the same, nothing that is held is let go."""

    broken_since: float | None = None
    """Since when our own way out is broken; None: it is not. That it may be counts too, for what
    is told before its hold is over cannot be taken back."""
    accounts: frozenset[str] = frozenset()
    """Providers that refuse our key."""
    down: frozenset[str] = frozenset()
    """Providers of which most models fail."""
    loud: Mapping[Series, frozenset[tuple[int, str]]] = field(default_factory=dict)
    """What fires of each series: how loud, and by which rule."""
    failing: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each provider the models that fail, without those that our own way out explains."""

    @classmethod
    def gathering(cls, states: Mapping[Identity, State]) -> Generator[None, None, "Explained"]:
        """Find what explains others among the states that are not inactive, step by step."""
        broken: list[float] = []
        providers: dict[str, set[str]] = {ACCOUNT: set(), PROVIDER_DOWN: set()}
        loud: dict[Series, frozenset[tuple[int, str]]] = {}
        failing: dict[str, dict[str, float]] = {}
        for identity, state in states.items():
            if identity.rule == MONITOR_EGRESS and not isinstance(state, Inactive):
                broken.append(state.since)
            elif isinstance(state, Firing):
                labels = dict(identity.labels)
                if identity.rule in providers:
                    providers[identity.rule].add(labels.get("provider", ""))
                if identity.rule in FAILING and "target" in labels:
                    models = failing.setdefault(labels.get("provider", ""), {})
                    model = labels.get("model", "")
                    models[model] = min(state.since, models.get(model, state.since))
                if (loudness := _loudness(labels)) > LOUDNESS[Severity.INFO]:
                    series = _series(labels)
                    loud[series] = loud.get(series, frozenset()) | {(loudness, identity.rule)}
            yield
        accounts, down = map(frozenset, providers.values())
        broken_since = min(broken, default=None)
        before = inf if broken_since is None else broken_since - EARLIER_S
        of_each = {
            provider: frozenset(model for model, since in models.items() if since < before)
            for provider, models in failing.items()
        }
        return cls(broken_since, accounts, down, loud, of_each)

    def cause(self, identity: Identity, started_at: float, natures: Natures) -> Cause | None:
        """Return what explains an alert whose condition is true since `started_at`."""
        if identity.rule == MONITOR_EGRESS:
            return None
        if self.broken_since is not None and started_at >= self.broken_since - EARLIER_S:
            return Cause(Reason.MONITOR_EGRESS, MONITOR_EGRESS)
        return self.cause_among(dict(identity.labels), natures)

    def cause_among(self, labels: Mapping[str, str], natures: Natures) -> Cause | None:
        """Return the alert about the same thing, or about what it is part of, that explains one."""
        name, provider = labels.get("alertname", ""), labels.get("provider", "")
        nature = natures.get(name, UNKNOWN)
        if provider in self.down and "target" in labels and DOWN.explains(nature):
            return Cause(Reason.PROVIDER_DOWN, PROVIDER_DOWN)
        if name in EXPLAINED_BY_ACCOUNT and provider in self.accounts:
            return Cause(Reason.ACCOUNT, ACCOUNT)
        quiet = _loudness(labels)
        for loudness, other in sorted(self.loud.get(_series(labels), ()), reverse=True):
            if loudness > quiet and natures.get(other, UNKNOWN).explains(nature):
                return Cause(Reason.LOUDER, other)
        return None


def _loudness(labels: Mapping[str, str]) -> int:
    severity = labels.get("severity")
    return 0 if severity is None else LOUDNESS[Severity(severity)]


def _series(labels: Mapping[str, str]) -> Series:
    return tuple(labels.get(name, "") for name in _SERIES)


def decide(
    news: Iterable[Transition],
    held: Mapping[Identity, Held],
    states: Mapping[Identity, State],
    now: float,
    natures: Natures = MappingProxyType({}),
) -> Decision:
    """Say what to tell of `news`, given what was held until now and the states that came of it.

    `states`: every state that is not inactive, as of the end of the evaluation, so that it does not
    matter in which order the rules were evaluated.
    """
    return exhausted(_whole(news, held, states, now, natures))


def _whole(
    news: Iterable[Transition],
    held: Mapping[Identity, Held],
    states: Mapping[Identity, State],
    now: float,
    natures: Natures,
) -> Generator[None, None, Decision]:
    explained = yield from Explained.gathering(states)
    return (yield from deciding(news, held, states, now, natures, explained))


def exhausted(steps: Generator[None, None, Decision]) -> Decision:
    """Take all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            decision: Decision = end.value
            return decision


def deciding(
    news: Iterable[Transition],
    held: Mapping[Identity, Held],
    states: Mapping[Identity, State],
    now: float,
    natures: Natures,
    explained: Explained,
) -> Generator[None, None, Decision]:
    """Decide as `decide` does, step by step: thousands may be held."""
    still = dict(held)
    told: list[Transition] = []
    suppressed: list[Suppression] = []
    for transition in news:
        suppression = _suppression(transition, still, explained, natures)
        if suppression is None:
            told.append(transition)
        else:
            suppressed.append(suppression)
        yield
    later: dict[Identity, Held] = {}
    released: list[Identity] = []
    for each, why in still.items():
        state = states.get(each)
        if isinstance(state, Firing):
            goes_on = _later(each, why, explained.cause(each, state.since, natures), now, natures)
            if goes_on is None:
                released.append(each)
            else:
                later[each] = goes_on
        yield
    return Decision(tuple(told), tuple(suppressed), later, tuple(released))


def _suppression(
    transition: Transition, still: dict[Identity, Held], explained: Explained, natures: Natures
) -> Suppression | None:
    """Say why a transition is not told, if so; note in `still` what is held now."""
    identity = transition.identity
    if transition.edge is Edge.FIRED:
        cause = explained.cause(identity, transition.started_at, natures)
        if cause is None:
            return None
        still[identity] = Held(cause.reason)
        return Suppression(transition, cause.reason, cause.alertname)
    if transition.state != Inactive() or identity not in still:
        return None
    return Suppression(transition, still.pop(identity).reason)


def _later(
    identity: Identity, held: Held, cause: Cause | None, now: float, natures: Natures
) -> Held | None:
    """Return how an alert that was held goes on being held; None: it is to be told now."""
    if cause is not None:
        return Held(cause.reason)
    until = now + _lingers_s(identity, held.reason, natures)
    if held.until is not None:
        until = min(held.until, until)  # no later: the clock may be set back before a restart
    return Held(held.reason, until) if now < until else None


def _lingers_s(identity: Identity, reason: Reason, natures: Natures) -> float:
    """Say how long an alert may go on firing because of what has just ended."""
    if reason in (Reason.PROVIDER_DOWN, Reason.LOUDER):
        return natures.get(identity.rule, UNKNOWN).lingers_s
    return LINGERS_S.get(identity.rule, 0.0)
