"""One rule on one subject: what it looks at, and what state its alert is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from aggregator.summary import Summary
from alerting.alert import Alert, Identity, Phase, Transition
from alerting.ballot import Ballot, value_text
from alerting.condition import Condition, Sources
from alerting.evaluate import Evaluation, Reason, Seen, judge
from alerting.match import Match, labels_of
from alerting.metric import AnyFact, Value, Whose, whose
from alerting.quorum import Vote
from alerting.rule import NoData, Rule, Subject
from alerting.state import Edge, Firing, Inactive, Policy, State, step
from probes.target import Target


@dataclass(frozen=True, slots=True)
class View:
    """A window the engine wants summarised: these targets taken together, over this long."""

    targets: tuple[str, ...]
    over_s: float
    location: str = ""
    """Whose results; empty: those of our own location."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule of several locations looks at in one of them."""

    location: str
    view: View
    others: Mapping[Match, View]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The summaries of one moment. `now` in seconds, on the clock the states are kept in."""

    now: float
    summaries: Mapping[View, Summary]
    """Those of a location that does not report are absent."""
    facts: Mapping[tuple[AnyFact, str], Value] = field(default_factory=dict)
    """By what and of whom: a target, a provider, or "" for this instance. Absent: unknown."""


Known = tuple[AnyFact, str]
"""What is known, and of whom."""


@dataclass(slots=True)
class Series:
    """One rule on one subject, with its state."""

    rule: Rule
    identity: Identity
    view: View
    sources: Sources
    known: Mapping[AnyFact, Known]
    """The facts it looks at, and where each is found."""
    others: Mapping[Match, View]
    """The windows of other targets it looks at; a selection that hits none has no window."""
    policy: Policy
    places: tuple[Place, ...] = ()
    """Every location, of a rule that several must agree on."""
    ballot: Ballot | None = None
    """What they say, of such a rule."""
    state: State = field(default_factory=Inactive)
    value: float | None = None
    """The newest known one; an evaluation without a value leaves it."""
    compared: Condition | None = None
    """What it was compared in, of a rule with several comparisons."""
    lower_bound: bool = False
    reason: Reason | None = None

    def judge(self, seen: Summary | Value | Seen, now: float) -> Transition | None:
        """Evaluate once and return what changed; what raises leaves the series as it was."""
        return self._take(judge(self.rule, seen, firing=isinstance(self.state, Firing)), now)

    def look(self, snapshot: Snapshot) -> Transition | None:
        """Evaluate once on what it looks at, as `judge`. Raises KeyError for a missing window."""
        if self.ballot is None:
            return self.judge(self.seen(snapshot), snapshot.now)
        seen = {place.location: _seen_at(place, snapshot.summaries) for place in self.places}
        firing = isinstance(self.state, Firing)
        return self._take(self.ballot.judge(self.rule, seen, firing=firing), snapshot.now)

    def _take(self, evaluation: Evaluation, now: float) -> Transition | None:
        previous = self.state
        self.state, edge = step(previous, evaluation.breached, now, self.policy)
        self.reason = evaluation.reason
        if evaluation.value is not None:
            self.value, self.lower_bound = evaluation.value, evaluation.lower_bound
            self.compared = evaluation.about
        return None if edge is None else self.transition(edge, previous, now)

    def seen(self, snapshot: Snapshot) -> Seen:
        """Gather what the rule looks at. Raises KeyError for a window that is not there."""
        summaries = snapshot.summaries
        return Seen(
            summaries[self.view] if self.sources.windowed else None,
            {of: summaries[view] for of, view in self.others.items()},
            {
                fact: snapshot.facts[known]
                for fact, known in self.known.items()
                if known in snapshot.facts
            },
        )

    def value_text(self) -> str:
        """Return the newest known value for people; empty without one."""
        return value_text(self.compared or self.rule.when, self.value)

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
            compared=self.compared,
            votes=self._votes(),
        )

    def transition(self, edge: Edge, previous: State, now: float) -> Transition:
        """Return what became of the state before."""
        state = self.state
        # Of a run of the condition that is over, the state before it ended knows the times.
        run = previous if isinstance(state, Inactive) else state
        return Transition(
            identity=self.identity,
            edge=edge,
            previous=previous,
            state=state,
            value=self.value_text(),
            lower_bound=self.lower_bound,
            started_at=now if isinstance(run, Inactive) else run.since,
            fired_at=run.fired_at if isinstance(run, Firing) else None,
            now=now,
            rule=self.rule,
            targets=self.view.targets,
            compared=self.compared,
            holds=self._holds(),
            votes=self._votes(),
        )

    def _votes(self) -> tuple[Vote, ...]:
        return () if self.ballot is None else self.ballot.votes(self.rule)

    def _holds(self) -> bool | None:
        """Say whether the condition is so of the newest value; None: of an empty window."""
        rule, when = self.rule, self.rule.when
        if self.reason is Reason.NO_DATA and rule.no_data is NoData.ALERT:
            return None
        if isinstance(when, Condition) and self.value is not None and not self.lower_bound:
            return when.operator.holds(self.value, when.threshold)
        return self.reason not in (Reason.WITHIN, Reason.NOT_CLEAR)


def _seen_at(place: Place, summaries: Mapping[View, Summary]) -> Summary | Seen | None:
    """Return what is seen at a location; None: it does not report."""
    own = summaries.get(place.view)
    if own is None or not place.others:
        return own
    return Seen(own, {of: summaries[view] for of, view in place.others.items()})


def matching(rule: Rule, targets: Sequence[Target], location: str) -> tuple[Target, ...]:
    """Return the targets a rule speaks of."""
    return tuple(target for target in targets if rule.match.matches(labels_of(target, location)))


def series_of(
    rule: Rule, targets: Sequence[Target], location: str, locations: Sequence[str] = ()
) -> list[Series]:
    """Return a series for each subject of a rule; `locations`: all there are, our own too.

    With several, alerts about a provider say which of them is ours; those that locations agree on
    are of none.
    """
    chosen = matching(rule, targets, location)
    others = _others(rule, targets, location)
    here = {} if rule.quorum is not None else {"location": location}
    found: list[tuple[Mapping[str, str], Sequence[Target]]]
    if rule.subject is Subject.TARGET:
        found = [({**_target_labels(target), **here}, (target,)) for target in chosen]
    elif rule.subject is Subject.LOCATION:
        found = [(here, chosen)] if chosen else []
    else:
        apart = here
        found = [
            ({"provider": name, **apart}, [t for t in chosen if t.provider == name])
            for name in dict.fromkeys(target.provider for target in chosen)
        ]
    made = [_series(rule, labels, some, others) for labels, some in found]
    if rule.quorum is not None:
        for series in made:
            series.ballot = Ballot(rule.quorum)
            series.places = tuple(_place(series, "" if e == location else e, e) for e in locations)
    return made


def _place(series: Series, of: str, location: str) -> Place:
    others = {match: replace(view, location=of) for match, view in series.others.items()}
    return Place(location, replace(series.view, location=of), others)


def _others(rule: Rule, targets: Sequence[Target], location: str) -> Mapping[Match, View]:
    """Return the windows of the targets a rule compares with."""
    chosen = {of: selected(of, targets, location) for of in rule.sources.selections}
    return {of: View(names, rule.over_s) for of, names in chosen.items() if names}


def selected(of: Match, targets: Sequence[Target], location: str) -> tuple[str, ...]:
    """Return the names of the targets a selection hits."""
    return tuple(target.name for target in targets if of.matches(labels_of(target, location)))


def _series(
    rule: Rule, labels: Mapping[str, str], targets: Sequence[Target], others: Mapping[Match, View]
) -> Series:
    everything = {
        **dict(rule.labels),
        **labels,
        "alertname": rule.name,
        "severity": str(rule.severity),
    }
    return Series(
        rule=rule,
        identity=Identity(rule.name, tuple(sorted(everything.items()))),
        sources=rule.sources,
        known={fact: (fact, _holder(rule, fact, targets[0])) for fact in rule.sources.facts},
        others=others,
        view=View(tuple(target.name for target in targets), rule.over_s),
        policy=Policy(rule.hold_s, rule.keep_firing_for_s),
    )


def _holder(rule: Rule, fact: AnyFact, target: Target) -> str:
    """Return of whom a rule asks a fact, for this target among others; "": of this instance."""
    known_of = whose(fact)
    if rule.subject is Subject.LOCATION or known_of == (Whose.LOCATION,):
        return ""
    if rule.subject is Subject.TARGET and Whose.TARGET in known_of:
        return target.name
    return target.provider if Whose.PROVIDER in known_of else ""


def _target_labels(target: Target) -> Mapping[str, str]:
    return {
        "provider": target.provider,
        "target": target.name,
        "model": target.model,
        "operation": str(target.operation),
    }
