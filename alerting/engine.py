"""All rules against one frozen snapshot: the series of every rule, and what became of each.

The engine is synchronous and pure. Whoever drives it asks what it needs (`views`), brings the
summaries of one moment (`Snapshot`) and gets the transitions of that moment back: all at once
(`evaluate`), or view by view with room between for others (`evaluation`). A rule whose evaluation
raises is set aside for that moment, named in `broken`, and stops nobody else.

With thousands of targets most of an evaluation is spent finding that nothing is wrong. So a window
that did not change (its summary is the very same object, or differs in a rate that no rule asks
for) and of which no alert is pending or firing is passed over: every rule would say what it said,
and time moves no inactive state. The same holds of a fact that is what it was. A fact nobody knows
is not looked for: its rules say "unknown", which moves no state at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2s
from itertools import chain
from types import MappingProxyType

from aggregator.part import alike
from aggregator.summary import Summary
from alerting.evaluate import Evaluation, Reason, evaluate, of_fact, of_firing
from alerting.expression import format_value
from alerting.match import labels_of
from alerting.metric import WHOSE, Fact, Plain, Whose
from alerting.rule import Rule, Severity, Subject
from alerting.state import Edge, Firing, Inactive, Policy, State, shift, step
from probes.target import Target


@dataclass(frozen=True, slots=True)
class View:
    """A window the engine wants summarised: these targets taken together, over this long."""

    targets: tuple[str, ...]
    over_s: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The summaries of one moment. `now` in seconds, on the clock the states are kept in."""

    now: float
    summaries: Mapping[View, Summary]
    facts: Mapping[tuple[Fact, str], float] = field(default_factory=dict)
    """By what and of whom: a target, a provider, or "" for this instance. Absent: unknown."""


Seen = Summary | float
"""What a rule is evaluated on: a window's summary, or a fact."""
Known = tuple[Fact, str]
"""What is known, and of whom."""


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


@dataclass(slots=True)
class _Series:
    """One rule on one subject, with its state."""

    rule: Rule
    identity: Identity
    view: View
    known: Known | None
    """The fact it looks at; None: it looks at the view."""
    policy: Policy
    state: State = field(default_factory=Inactive)
    value: float | None = None
    """The newest known one; an evaluation without a value leaves it."""
    lower_bound: bool = False
    reason: Reason | None = None

    def judge(self, seen: Seen, now: float) -> Transition | None:
        """Evaluate once and return what changed; what raises leaves the series as it was."""
        previous = self.state
        evaluation = self._evaluation(seen)
        self.state, edge = step(previous, evaluation.breached, now, self.policy)
        self.reason = evaluation.reason
        if evaluation.value is not None:
            self.value, self.lower_bound = evaluation.value, evaluation.lower_bound
        return None if edge is None else _transition(self, edge, previous, now)

    def _evaluation(self, seen: Seen) -> Evaluation:
        if not isinstance(seen, Summary):
            return of_fact(self.rule, seen)
        evaluation = evaluate(self.rule, seen)
        if isinstance(self.state, Firing):
            return of_firing(self.rule, seen, evaluation)
        return evaluation

    def value_text(self) -> str:
        """Return the newest known value for people; empty without one."""
        if self.value is None:
            return ""
        condition = self.rule.when
        return format_value(condition.metric, self.value, apart_from=condition.threshold)

    def alert(self) -> Alert | None:
        """Return the alert this series is; None while it is inactive."""
        if isinstance(self.state, Inactive):
            return None
        fired_at = self.state.fired_at if isinstance(self.state, Firing) else None
        return Alert(
            identity=self.identity,
            rule=self.rule,
            state=Phase.PENDING if fired_at is None else Phase.FIRING,
            started_at=self.state.since,
            fired_at=fired_at,
            value=self.value_text(),
            lower_bound=self.lower_bound,
            reason=self.reason,
            targets=self.view.targets,
        )


@dataclass(slots=True)
class _Watch:
    """One view or fact, and every rule that looks at it."""

    series: list[_Series] = field(default_factory=list)
    rate_matters: bool = False
    """Whether a rule asks for the rate, which moves while the samples stay."""
    quiet: Seen | None = None
    """What was seen last, if nothing came of it: no rule raised, no alert is pending or firing."""

    def says_nothing_new(self, seen: Seen) -> bool:
        """Say whether every rule would say what it said, and nothing came of that."""
        quiet = self.quiet
        if quiet is None or seen is quiet:
            return quiet is not None
        if isinstance(seen, Summary) and isinstance(quiet, Summary):
            return not self.rate_matters and alike(seen, quiet)
        return seen == quiet


class Engine:
    """Holds the state of every series of every rule.

    Raises ValueError at once when two rules would give the same alert.
    """

    def __init__(self, rules: Sequence[Rule], targets: Sequence[Target], *, location: str) -> None:
        self._series: dict[Identity, _Series] = {}
        watches: dict[View, _Watch] = {}
        facts: dict[Known, _Watch] = {}
        for rule in rules:
            for series in _series_of(rule, targets, location):
                if series.identity in self._series:
                    labels = dict(series.identity.labels)
                    raise ValueError(f"two rules named {rule.name} speak of {labels}")
                self._series[series.identity] = series
                known = series.known
                watch = (
                    watches.setdefault(series.view, _Watch())
                    if known is None
                    else facts.setdefault(known, _Watch())
                )
                watch.series.append(series)
                watch.rate_matters = watch.rate_matters or rule.when.metric is Plain.RATE
        self.views = tuple(watches)
        """The windows an evaluation looks at, each named once."""
        self._watches = tuple(watches.items())
        self._facts = facts
        self._states: dict[Identity, State] = {}
        """The states that are not inactive."""
        self._lit: dict[Identity, _Series] = {}
        """Those series of them that look at facts."""
        self._broken: dict[str, str] = {}

    @property
    def broken(self) -> Mapping[str, str]:
        """Rules that could not be evaluated the last time, with what they raised."""
        return MappingProxyType(self._broken)

    def evaluate(self, snapshot: Snapshot) -> tuple[Transition, ...]:
        """Evaluate every rule once and return what changed."""
        return tuple(chain.from_iterable(self.evaluation(snapshot)))

    def evaluation(self, snapshot: Snapshot) -> Iterator[Sequence[Transition]]:
        """Evaluate every rule once, view by view and fact by fact; yield what changed in each.

        What was yielded is done. Left off in between, those that were not reached stay as they
        were.
        """
        self._broken = {}
        for view, watch in self._watches:
            try:
                summary = snapshot.summaries[view]
            except Exception as error:  # noqa: BLE001 - as below, for all of them
                for series in watch.series:
                    self._set_aside(series, error)
                yield ()
            else:
                yield self._look(watch, summary, snapshot.now)
        self._forget(snapshot.facts)
        for known, value in snapshot.facts.items():
            if known in self._facts:
                yield self._look(self._facts[known], value, snapshot.now)

    def _forget(self, facts: Mapping[Known, float]) -> None:
        """Note of what is pending or firing on a fact that nobody knows it now."""
        for series in self._lit.values():
            if series.known not in facts:
                series.reason = Reason.NO_DATA

    def _look(self, watch: _Watch, seen: Seen, now: float) -> Sequence[Transition]:
        if watch.says_nothing_new(seen):
            return ()
        watch.quiet = seen
        transitions: list[Transition] = []
        for series in watch.series:
            try:
                transition = series.judge(seen, now)
            except Exception as error:  # noqa: BLE001 - a bug in one rule must not silence the rest
                self._set_aside(series, error)
                watch.quiet = None
                continue
            if transition is not None:
                transitions.append(transition)
            if self._keep(series):
                watch.quiet = None
        return transitions

    def _keep(self, series: _Series) -> bool:
        """Note the state a series is in; say whether it is worth keeping."""
        if not isinstance(series.state, Inactive):
            self._states[series.identity] = series.state
            if series.known is not None:
                self._lit[series.identity] = series
            return True
        if self._states:
            self._states.pop(series.identity, None)
            self._lit.pop(series.identity, None)
        return False

    def _set_aside(self, series: _Series, error: Exception) -> None:
        self._broken[series.rule.name] = f"{type(error).__name__}: {error}"

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that are pending or firing."""
        return tuple(self.listing())

    def listing(self) -> Iterator[Alert]:
        """Yield the alerts that are pending or firing: those of this moment, made one by one."""
        alerts = (self._series[identity].alert() for identity in tuple(self._states))
        return (alert for alert in alerts if alert is not None)

    def told_anew(self, identity: Identity, now: float) -> Transition | None:
        """Return the news that an alert fires, with what is known of it by now.

        None when it does not fire.
        """
        series = self._series.get(identity)
        if series is None or not isinstance(series.state, Firing):
            return None
        return _transition(series, Edge.FIRED, series.state, now)

    def states(self) -> Mapping[Identity, State]:
        """Return the states worth keeping: an alert that is not in it is inactive."""
        return self._states.copy()

    def pass_over(self, away_s: float) -> None:
        """Let so long a time, in which nobody watched, count towards no hold."""
        for identity, state in tuple(self._states.items()):
            series = self._series[identity]
            series.state = self._states[identity] = shift(state, away_s)

    def restore(
        self, states: Mapping[Identity, State], now: float, saved_at: float | None
    ) -> tuple[Transition, ...]:
        """Take over the states of an earlier engine, of this process or of one before it.

        The time between `saved_at` and `now` counts towards no hold, and neither does a clock that
        was set back meanwhile; with `saved_at` None nothing is known of it, and it counts. A firing
        alert whose rule or target is gone resolves with the edge `rule_removed`; a pending one
        vanishes.
        """
        for watch in chain((watch for _, watch in self._watches), self._facts.values()):
            watch.quiet = None
        away_s = 0.0 if saved_at is None else now - saved_at
        transitions: list[Transition] = []
        for identity, state in states.items():
            series = self._series.get(identity)
            if series is not None:
                series.state = shift(state, away_s)
                self._keep(series)
            elif isinstance(state, Firing):
                transitions.append(_removed(identity, state, now))
        return tuple(transitions)


def matching(rule: Rule, targets: Sequence[Target], location: str) -> tuple[Target, ...]:
    """Return the targets a rule speaks of."""
    return tuple(target for target in targets if rule.match.matches(labels_of(target, location)))


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits that stand for these labels, in whatever order they come."""
    digest = blake2s(digest_size=8)
    for name, value in sorted(labels.items()):
        for text in (name, value):
            raw = text.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def _series_of(rule: Rule, targets: Sequence[Target], location: str) -> list[_Series]:
    chosen = matching(rule, targets, location)
    if rule.subject is Subject.TARGET:
        return [_series(rule, _target_labels(target, location), (target,)) for target in chosen]
    if rule.subject is Subject.LOCATION:
        return [_series(rule, {"location": location}, chosen)] if chosen else []
    providers = dict.fromkeys(target.provider for target in chosen)
    return [
        _series(rule, {"provider": name}, [t for t in chosen if t.provider == name])
        for name in providers
    ]


def _series(rule: Rule, labels: Mapping[str, str], targets: Sequence[Target]) -> _Series:
    everything = {
        **dict(rule.labels),
        **labels,
        "alertname": rule.name,
        "severity": str(rule.severity),
    }
    return _Series(
        rule=rule,
        identity=Identity(rule.name, tuple(sorted(everything.items()))),
        known=_known(rule, targets[0]),
        view=View(tuple(target.name for target in targets), rule.over_s),
        policy=Policy(rule.hold_s, rule.keep_firing_for_s),
    )


def _known(rule: Rule, target: Target) -> Known | None:
    """Return the fact a rule asks of, for this target among others; None: it asks a window."""
    fact = rule.when.metric
    if not isinstance(fact, Fact):
        return None
    if rule.subject is Subject.LOCATION:
        return fact, ""
    return fact, target.name if WHOSE[fact] == (Whose.TARGET,) else target.provider


def _target_labels(target: Target, location: str) -> Mapping[str, str]:
    return {
        "provider": target.provider,
        "target": target.name,
        "model": target.model,
        "operation": str(target.operation),
        "location": location,
    }


def _transition(series: _Series, edge: Edge, previous: State, now: float) -> Transition:
    state = series.state
    # Of a run of the condition that is over, the state before it ended knows the times.
    run = previous if isinstance(state, Inactive) else state
    return Transition(
        identity=series.identity,
        edge=edge,
        previous=previous,
        state=state,
        value=series.value_text(),
        lower_bound=series.lower_bound,
        started_at=now if isinstance(run, Inactive) else run.since,
        fired_at=run.fired_at if isinstance(run, Firing) else None,
        now=now,
        rule=series.rule,
        targets=series.view.targets,
    )


def _removed(identity: Identity, state: Firing, now: float) -> Transition:
    return Transition(
        identity=identity,
        edge=Edge.RULE_REMOVED,
        previous=state,
        state=Inactive(),
        value="",
        lower_bound=False,
        started_at=state.since,
        fired_at=state.fired_at,
        now=now,
        rule=None,
        targets=(),
    )
