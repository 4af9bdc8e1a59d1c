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

A rule that looks at several things at once (other targets' windows, facts beside its window) is
evaluated each time; one of several locations when a window of one of them changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Final

from aggregator.part import alike
from aggregator.summary import Summary
from alerting.alert import Alert, Identity, Phase, Transition, fingerprint
from alerting.evaluate import Reason
from alerting.metric import Metric, Plain, Value
from alerting.rule import Rule
from alerting.series import Known, Series, Snapshot, View, matching, series_of
from alerting.state import Edge, Firing, Inactive, State, shift
from probes.target import Target

__all__ = [
    "Alert",
    "Engine",
    "Identity",
    "Phase",
    "Snapshot",
    "Transition",
    "View",
    "fingerprint",
    "matching",
]

_MOVING: Final[frozenset[Metric]] = frozenset({Plain.RATE, Plain.COST})
"""Figures of a window that move with time alone."""
_Input = Summary | Value
"""What a rule that looks at one thing is evaluated on: a window's summary, or a fact."""


@dataclass(slots=True)
class _Watch:
    """One view or fact, and every rule that looks at it."""

    series: list[Series] = field(default_factory=list)
    rate_matters: bool = False
    """Whether a rule asks for a rate, which moves while the samples stay."""
    quiet: _Input | None = None
    """What was seen last, if nothing came of it: no rule raised, no alert is pending or firing."""

    def says_nothing_new(self, seen: _Input) -> bool:
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

    def __init__(
        self,
        rules: Sequence[Rule],
        targets: Sequence[Target],
        *,
        location: str,
        locations: Sequence[str] = (),
    ) -> None:
        """`locations`: all there are, our own among them; none: there is but ours."""
        self._series: dict[Identity, Series] = {}
        self._mixed: list[Series] = []
        """Those that look at more than one window or fact, or at several locations."""
        watches: dict[View, _Watch] = {}
        facts: dict[Known, _Watch] = {}
        for rule in rules:
            for series in series_of(rule, targets, location, locations):
                if series.identity in self._series:
                    labels = dict(series.identity.labels)
                    raise ValueError(f"two rules named {rule.name} speak of {labels}")
                self._series[series.identity] = series
                if series.ballot is not None or not rule.sources.single:
                    self._mixed.append(series)
                    for view in _views(series):
                        watches.setdefault(view, _Watch())
                    continue
                watch = (
                    watches.setdefault(series.view, _Watch())
                    if rule.sources.windowed
                    else facts.setdefault(next(iter(series.known.values())), _Watch())
                )
                watch.series.append(series)
                watch.rate_matters = watch.rate_matters or _MOVING & rule.sources.metrics != set()
        self.views = tuple(watches)
        """The windows an evaluation looks at, each named once."""
        self._watches = tuple(watches.items())
        self._facts = facts
        self._states: dict[Identity, State] = {}
        """The states that are not inactive."""
        self._lit: dict[Identity, Series] = {}
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
        for series in self._mixed:
            yield () if _unmoved(series, snapshot.summaries) else self._judge(series, snapshot)

    def _judge(self, series: Series, snapshot: Snapshot) -> Sequence[Transition]:
        """Evaluate a series that looks at several things."""
        try:
            transition = series.look(snapshot)
        except Exception as error:  # noqa: BLE001 - a bug in one rule must not silence the rest
            self._set_aside(series, error)
            transition, loud = None, True
        else:
            loud = self._keep(series)
        if loud and series.ballot is not None:
            series.ballot.quiet = None
        return () if transition is None else (transition,)

    def _forget(self, facts: Mapping[Known, Value]) -> None:
        """Note of what is pending or firing on a fact that nobody knows it now."""
        for series in self._lit.values():
            if facts.keys().isdisjoint(series.known.values()):
                series.reason = Reason.NO_DATA

    def _look(self, watch: _Watch, seen: _Input, now: float) -> Sequence[Transition]:
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

    def _keep(self, series: Series) -> bool:
        """Note the state a series is in; say whether it is worth keeping."""
        if not isinstance(series.state, Inactive):
            self._states[series.identity] = series.state
            if series.known and series.sources.single:
                self._lit[series.identity] = series
            return True
        if self._states:
            self._states.pop(series.identity, None)
            self._lit.pop(series.identity, None)
        return False

    def _set_aside(self, series: Series, error: Exception) -> None:
        self._broken[series.rule.name] = f"{type(error).__name__}: {error}"

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that are pending or firing."""
        return tuple(self.listing())

    def listing(self) -> Iterator[Alert]:
        """Yield the alerts that are pending or firing: those of this moment, made one by one."""
        alerts = (self._series[identity].alert() for identity in tuple(self._states))
        return (alert for alert in alerts if alert is not None)

    def rule_of(self, identity: Identity) -> Rule | None:
        """Return the rule an alert is of; None when it or the series is gone."""
        series = self._series.get(identity)
        return None if series is None else series.rule

    def told_anew(self, identity: Identity, now: float) -> Transition | None:
        """Return the news that an alert fires, with what is known of it by now.

        None when it does not fire.
        """
        series = self._series.get(identity)
        if series is None or not isinstance(series.state, Firing):
            return None
        return series.transition(Edge.FIRED, series.state, now)

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
        for each in self._mixed:
            if each.ballot is not None:
                each.ballot.quiet = None
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


def _unmoved(series: Series, summaries: Mapping[View, Summary]) -> bool:
    """Say whether several locations would say what they said, and nothing came of that."""
    ballot = series.ballot
    if ballot is None or _MOVING & series.sources.metrics:
        return False
    seen = [summaries.get(view) for view in _views(series)]
    before, ballot.quiet = ballot.quiet, seen
    return before is not None and all(map(_is_alike, seen, before))


def _is_alike(seen: Summary | None, before: Summary | None) -> bool:
    return seen is before or (seen is not None and before is not None and alike(seen, before))


def _views(series: Series) -> Iterator[View]:
    if series.ballot is not None:
        for place in series.places:
            yield from (place.view, *place.others.values())
        return
    if series.sources.windowed:
        yield series.view
    yield from series.others.values()


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
