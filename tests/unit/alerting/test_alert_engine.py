"""The engine: series, identities, transitions, restarts, and rules that break."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.engine import (
    Alert,
    Engine,
    Identity,
    Phase,
    Snapshot,
    Transition,
    View,
    fingerprint,
)
from alerting.evaluate import Reason
from alerting.expression import parse
from alerting.match import Match
from alerting.rule import Rule, Severity, Subject
from alerting.state import Edge, Firing, Inactive, Pending, State
from probes.result import Fault, Operation
from tests.unit.aggregator.samples import result
from tests.unit.alerting.windows import CHAT, GROK, distribution

EMBEDDINGS = replace(CHAT, name="embed", operation=Operation.EMBEDDINGS, model="small")
DOWN = Rule(
    name="Down",
    when=parse("failures >= 2"),
    over_s=300.0,
    hold_s=60.0,
    severity=Severity.CRITICAL,
    labels=(("runbook", "down"),),
)
CHAT_DOWN = Identity(
    "Down",
    (
        ("alertname", "Down"),
        ("location", "fra1"),
        ("model", "gpt-4o-mini"),
        ("operation", "chat"),
        ("provider", "openai"),
        ("runbook", "down"),
        ("severity", "critical"),
        ("target", "gpt-chat"),
    ),
)


def failing(n: int) -> Summary:
    """Return five results, `n` of which failed."""
    return Summary(over_s=300.0, n=5, by_fault={Fault.NONE: 5 - n, Fault.PROVIDER: n})


def at(now: float, engine: Engine, summary: Summary) -> tuple[Transition, ...]:
    """Evaluate every window of the engine as this summary."""
    return engine.evaluate(Snapshot(now, dict.fromkeys(engine.views, summary)))


def engine_of(*rules: Rule) -> Engine:
    """Return an engine over one chat target."""
    return Engine(rules or (DOWN,), (CHAT,), location="fra1")


def fired() -> Engine:
    """Return an engine whose alert fires since 160 for a condition true since 100."""
    engine = engine_of()
    at(100.0, engine, failing(2))
    at(160.0, engine, failing(3))
    return engine


def test_a_target_alert_is_named_by_its_series() -> None:
    """The identity holds rule, severity, series and the rule's own labels, sorted."""
    (transition,) = at(100.0, engine_of(), failing(2))
    assert transition.identity == CHAT_DOWN
    assert transition.alertname == "Down"
    assert transition.severity is Severity.CRITICAL
    assert transition.labels == CHAT_DOWN.labels
    assert transition.fingerprint == fingerprint(dict(CHAT_DOWN.labels))


def test_a_provider_alert_is_named_by_its_key_and_location() -> None:
    """All matching targets of one provider make one alert, over one view of them together."""
    rule = replace(DOWN, name="Account", subject=Subject.PROVIDER, hold_s=0.0, labels=())
    engine = Engine((rule,), (CHAT, EMBEDDINGS, GROK), location="fra1")
    assert engine.views == (View(("gpt-chat", "embed"), 300.0), View(("grok-code",), 300.0))
    first, second = at(100.0, engine, failing(2))
    where = {"provider": "openai", "location": "fra1"}
    expected = {"alertname": "Account", "severity": "critical", **where}
    assert dict(first.labels) == expected
    assert first.targets == ("gpt-chat", "embed")
    assert dict(second.labels) == {**expected, "provider": "grok"}


def test_a_rule_sees_only_what_it_matches() -> None:
    """Match selects by the target's labels, preset and location included."""
    xai = replace(DOWN, match=Match((("preset", ("xai",)), ("location", ("fra*",)))))
    engine = Engine((xai,), (CHAT, GROK), location="fra1")
    assert engine.views == (View(("grok-code",), 300.0),)
    assert not Engine((xai,), (CHAT, GROK), location="ams1").views


def test_each_window_is_asked_for_once() -> None:
    """Rules over the same targets and time share a view."""
    other = replace(DOWN, name="Other")
    longer = replace(DOWN, name="Longer", over_s=900.0)
    engine = engine_of(DOWN, other, longer)
    assert engine.views == (View(("gpt-chat",), 300.0), View(("gpt-chat",), 900.0))


def test_a_rules_labels_cannot_pose_as_the_series() -> None:
    """The built-in labels stand above those a rule adds."""
    rule = replace(DOWN, labels=(("provider", "x"), ("severity", "none"), ("alertname", "y")))
    (transition,) = at(100.0, engine_of(rule), failing(2))
    labels = dict(transition.labels)
    named = (labels["provider"], labels["severity"], labels["alertname"])
    assert named == ("openai", "critical", "Down")


def test_two_rules_for_one_alert_are_refused() -> None:
    """Two states for one identity would fire and resolve each other."""
    with pytest.raises(ValueError, match="two rules named Down"):
        engine_of(DOWN, replace(DOWN, over_s=900.0))


def test_the_life_of_an_alert() -> None:
    """Pending, fired after the hold, resolved: each transition tells its times and its value."""
    engine = engine_of()
    (pending,) = at(100.0, engine, failing(2))
    assert (pending.edge, pending.started_at, pending.fired_at) == (Edge.PENDING, 100.0, None)
    assert (pending.previous, pending.state) == (Inactive(), Pending(100.0))
    assert at(130.0, engine, failing(2)) == ()
    (firing,) = at(160.0, engine, failing(3))
    assert (firing.edge, firing.started_at, firing.fired_at) == (Edge.FIRED, 100.0, 160.0)
    assert (firing.value, firing.now, firing.rule) == ("3", 160.0, DOWN)
    assert firing.targets == ("gpt-chat",)
    (resolved,) = at(200.0, engine, failing(1))
    assert (resolved.edge, resolved.started_at, resolved.fired_at) == (Edge.RESOLVED, 100.0, 160.0)
    assert (resolved.previous, resolved.state) == (Firing(100.0, 160.0), Inactive())
    assert resolved.value == "1"
    assert (engine.states(), engine.alerts()) == ({}, ())


def test_a_reset_tells_when_the_condition_had_become_true() -> None:
    """An alert that never fired has no firing time."""
    engine = engine_of()
    at(100.0, engine, failing(2))
    (reset,) = at(130.0, engine, failing(0))
    assert (reset.edge, reset.started_at, reset.fired_at) == (Edge.RESET, 100.0, None)


def test_missing_data_never_resolves() -> None:
    """With no result in the window a firing alert stays as it is."""
    engine = fired()
    assert at(9000.0, engine, Summary(over_s=300.0, missed=50)) == ()
    assert engine.states() == {CHAT_DOWN: Firing(100.0, 160.0)}


def test_alerts_show_the_newest_value() -> None:
    """An alert's value refreshes at each evaluation; one without a value keeps the last."""
    engine = engine_of()
    assert engine.alerts() == ()
    at(100.0, engine, failing(2))
    expected = Alert(
        identity=CHAT_DOWN,
        rule=DOWN,
        state=Phase.PENDING,
        started_at=100.0,
        fired_at=None,
        value="2",
        lower_bound=False,
        reason=Reason.BREACHED,
        targets=("gpt-chat",),
    )
    assert engine.alerts() == (expected,)
    at(160.0, engine, failing(4))
    firing = replace(expected, state=Phase.FIRING, fired_at=160.0, value="4")
    assert engine.alerts() == (firing,)
    at(165.0, engine, Summary(over_s=300.0))
    assert engine.alerts() == (replace(firing, reason=Reason.NO_DATA),)


def test_a_lower_bound_is_marked() -> None:
    """A latency cut short by deadlines says so in transition and alert."""
    rule = Rule(name="Slow", when=parse("latency.p95 > 5s"), over_s=300.0)
    engine = engine_of(rule)
    hung = Summary(over_s=300.0, n=5, latency=distribution([30.0] * 5, [30.0]))
    (transition,) = at(100.0, engine, hung)
    assert (transition.value, transition.lower_bound) == ("30 s", True)
    assert engine.alerts()[0].lower_bound


class Trapped(Mapping[View, Summary]):
    """Summaries of which one window cannot be read; the engine asks for views, and nothing else."""

    def __init__(self, summary: Summary, trap_s: float) -> None:
        self._summary = summary
        self._trap_s = trap_s

    def __getitem__(self, view: View) -> Summary:
        if view.over_s == self._trap_s:
            raise RuntimeError("cannot read this window")
        return self._summary

    def __iter__(self) -> Iterator[View]:
        raise AssertionError("the engine goes through its own views")

    def __len__(self) -> int:
        raise AssertionError("the engine does not count summaries")


def test_a_rule_that_raises_stops_nobody_else() -> None:
    """The broken rule is named, its state kept; the others go on."""
    engine = engine_of(replace(DOWN, name="Broken", over_s=900.0), DOWN)
    assert len(at(100.0, engine, failing(2))) == 2
    (transition,) = engine.evaluate(Snapshot(160.0, Trapped(failing(2), 900.0)))
    assert (transition.alertname, transition.edge) == ("Down", Edge.FIRED)
    assert engine.broken == {"Broken": "RuntimeError: cannot read this window"}
    (recovered,) = at(165.0, engine, failing(2))
    assert (recovered.alertname, recovered.edge) == ("Broken", Edge.FIRED)
    assert engine.broken == {}


class Counting(Mapping[Fault, int]):
    """Results by fault, which say how often a rule looked."""

    def __init__(self, faults: Mapping[Fault, int]) -> None:
        self._faults = faults
        self.looks = 0
        self.broken = False

    def __getitem__(self, fault: Fault) -> int:
        self.looks += 1
        if self.broken:
            raise RuntimeError("no counts")
        return self._faults[fault]

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)


def watched(n: int) -> tuple[Summary, Counting]:
    """Return five results, `n` of which failed, and what counts the looks at them."""
    faults = Counting({Fault.NONE: 5 - n, Fault.PROVIDER: n})
    return replace(failing(n), by_fault=faults), faults


def test_what_did_not_change_is_passed_over() -> None:
    """No rule looks again at a summary that said nothing; an equal one is looked at."""
    engine = engine_of()
    summary, faults = watched(1)
    at(100.0, engine, summary)
    looks = faults.looks
    assert looks > 0
    assert at(105.0, engine, summary) == ()
    assert faults.looks == looks
    at(110.0, engine, replace(summary))
    assert faults.looks > looks


def test_a_rate_that_moves_by_itself_is_looked_at() -> None:
    """While a window is young its rate falls with time: a rule that asks for it is told."""
    windows = Windows(longest_s=300.0)
    windows.ingest(result(target=CHAT.name), 100.0)
    windows.ingest(result(target=CHAT.name), 101.0)
    engine = engine_of(DOWN, replace(DOWN, name="Rare", when=parse("rate < 1.5"), hold_s=0.0))

    def edges(now: float) -> list[tuple[str, Edge]]:
        summary = windows.summary((CHAT.name,), 300.0, now)
        return [(each.alertname, each.edge) for each in at(now, engine, summary)]

    assert edges(165.0) == []
    assert edges(190.0) == [("Rare", Edge.FIRED)]


def test_time_alone_moves_what_is_not_inactive() -> None:
    """A hold and a keep_firing_for end although nothing new came."""
    engine = engine_of(replace(DOWN, keep_firing_for_s=30.0))
    bad, good = failing(2), failing(0)
    assert [t.edge for t in at(100.0, engine, bad)] == [Edge.PENDING]
    assert [t.edge for t in at(160.0, engine, bad)] == [Edge.FIRED]
    assert [t.edge for t in at(165.0, engine, good)] == [Edge.CLEARING]
    assert [t.edge for t in at(195.0, engine, good)] == [Edge.RESOLVED]
    assert at(200.0, engine, good) == ()


def test_one_alert_keeps_its_window_looked_at() -> None:
    """Rules share a window: while an alert of one is pending the window is not passed over."""
    quick, slow = replace(DOWN, name="Quick", hold_s=10.0), replace(DOWN, when=parse("samples > 9"))
    engine, bad = engine_of(quick, slow), failing(2)
    at(100.0, engine, bad)
    assert [t.edge for t in at(110.0, engine, bad)] == [Edge.FIRED]


def test_a_broken_rule_is_tried_again() -> None:
    """An evaluation that raised said nothing: the same summary is looked at again."""
    summary, faults = watched(1)
    engine = engine_of()
    faults.broken = True
    assert at(100.0, engine, summary) == ()
    assert engine.broken == {"Down": "RuntimeError: no counts"}
    assert at(105.0, engine, summary) == ()
    assert engine.broken == {"Down": "RuntimeError: no counts"}
    faults.broken = False
    assert at(110.0, engine, summary) == ()
    assert engine.broken == {}


def test_states_taken_over_are_looked_at() -> None:
    """A state that is restored is not passed over because of what came before it."""
    engine, good = engine_of(), failing(0)
    at(100.0, engine, good)
    engine.restore({CHAT_DOWN: Firing(50.0, 60.0)}, now=105.0, saved_at=None)
    assert [t.edge for t in at(110.0, engine, good)] == [Edge.RESOLVED]


def test_an_evaluation_can_be_left_off() -> None:
    """View by view: what was reached has changed, the rest is as it was and goes on next time."""
    engine = Engine((DOWN,), (CHAT, GROK), location="fra1")
    snapshot = Snapshot(100.0, dict.fromkeys(engine.views, failing(2)))
    steps = engine.evaluation(snapshot)
    (first,) = next(steps)
    assert first.targets == ("gpt-chat",)
    assert [state for _, state in engine.states().items()] == [Pending(100.0)]
    del steps
    (second,) = at(105.0, engine, failing(2))
    assert (second.targets, second.started_at) == (("grok-code",), 105.0)


def test_alerts_listed_are_those_of_the_moment() -> None:
    """Whoever lists them one by one is not disturbed by one that ends meanwhile."""
    engine = Engine((DOWN,), (CHAT, GROK), location="fra1")
    at(100.0, engine, failing(2))
    listing = engine.listing()
    assert next(listing).targets == ("gpt-chat",)
    at(105.0, engine, failing(0))
    assert list(listing) == []


def test_a_restart_keeps_the_hold_and_does_not_count_the_time_away() -> None:
    """45 s of 60 were held before the stop: 15 s after the start it fires, not sooner."""
    before = engine_of()
    at(100.0, before, failing(2))
    at(145.0, before, failing(2))
    after = engine_of()
    assert after.restore(before.states(), now=1145.0, saved_at=145.0) == ()
    assert at(1159.0, after, failing(2)) == ()
    (transition,) = at(1160.0, after, failing(2))
    assert transition.edge is Edge.FIRED


def test_time_nobody_watched_counts_towards_no_hold() -> None:
    """Stopped for ten minutes in the middle of a hold of one, it goes on where it was."""
    engine = Engine([DOWN], [CHAT], location="fra1")
    at(0.0, engine, failing(2))
    at(30.0, engine, failing(2))
    engine.pass_over(600.0)
    assert engine.states() == {CHAT_DOWN: Pending(600.0)}
    assert at(635.0, engine, failing(2)) == ()
    (transition,) = at(660.0, engine, failing(2))
    assert transition.edge is Edge.FIRED
    engine.pass_over(600.0)
    assert engine.states() == {CHAT_DOWN: Firing(600.0, 660.0)}


def test_a_clock_set_back_over_a_restart_costs_no_hold() -> None:
    """What was held is kept whatever the clock says afterwards."""
    before = engine_of()
    at(1000.0, before, failing(2))
    after = engine_of()
    after.restore(before.states(), now=20.0, saved_at=1045.0)
    assert at(34.0, after, failing(2)) == ()
    assert at(35.0, after, failing(2))[0].edge is Edge.FIRED


def test_states_of_unknown_age_are_taken_as_they_are() -> None:
    """Without a time of saving nothing is shifted."""
    engine = engine_of()
    engine.restore({CHAT_DOWN: Pending(100.0)}, now=500.0, saved_at=None)
    assert engine.states() == {CHAT_DOWN: Pending(100.0)}


def test_a_firing_alert_survives_a_restart() -> None:
    """It neither fires again nor changes its times; its value is unknown until evaluated."""
    engine = engine_of()
    assert engine.restore(fired().states(), now=5000.0, saved_at=160.0) == ()
    (alert,) = engine.alerts()
    assert (alert.state, alert.started_at, alert.fired_at) == (Phase.FIRING, 100.0, 160.0)
    assert (alert.value, alert.reason) == ("", None)
    assert at(5005.0, engine, failing(2)) == ()


def test_a_firing_alert_whose_rule_is_gone_resolves() -> None:
    """Otherwise nobody would ever say that it is over."""
    engine = engine_of(replace(DOWN, name="Other"))
    (transition,) = engine.restore(fired().states(), now=500.0, saved_at=160.0)
    assert transition == Transition(
        identity=CHAT_DOWN,
        edge=Edge.RULE_REMOVED,
        previous=Firing(100.0, 160.0),
        state=Inactive(),
        value="",
        lower_bound=False,
        started_at=100.0,
        fired_at=160.0,
        now=500.0,
        rule=None,
        targets=(),
    )
    assert transition.severity is Severity.CRITICAL
    assert engine.states() == {}


@pytest.mark.parametrize("state", [Pending(100.0), Inactive()])
def test_a_pending_alert_whose_rule_is_gone_vanishes(state: State) -> None:
    """Nobody was told of it, so nobody need be told it is over."""
    engine = engine_of(replace(DOWN, name="Other"))
    assert engine.restore({CHAT_DOWN: state}, now=500.0, saved_at=160.0) == ()
    assert engine.states() == {}


def test_fingerprints_know_labels_not_their_order() -> None:
    """Sixteen hexadecimal digits: equal for equal labels, different where a boundary moves."""
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "1b", "c": ""}) != fingerprint({"a": "1", "bc": ""})
    assert len(fingerprint({"a": "\ud800"})) == 16
    assert int(fingerprint({}), 16) >= 0
