"""The engine and facts: whose they are, what is not known, and what did not change."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from aggregator.summary import Summary
from alerting.engine import Engine, Phase, Snapshot, Transition
from alerting.evaluate import Reason
from alerting.expression import parse
from alerting.match import Match
from alerting.metric import Fact
from alerting.rule import NoData, Rule, Subject
from alerting.state import Edge, Firing
from probes.result import Fault
from tests.unit.alerting.windows import CHAT, GROK

OTHER = replace(CHAT, name="gpt-other")
TARGETS = (CHAT, OTHER, GROK)
NEAR = Rule(name="Near", when=parse("budget.used > 80%"), subject=Subject.PROVIDER)
DRIFT = Rule(name="Drift", when=parse("drift.events > 0"), hold_s=10.0)

Facts = Mapping[tuple[Fact, str], float]


def engine_of(*rules: Rule) -> Engine:
    """Return an engine over three targets of two providers."""
    return Engine(rules, TARGETS, location="fra1")


def told(engine: Engine, now: float, facts: Facts) -> list[tuple[str, str]]:
    """Evaluate; return edge and subject of what changed."""
    changes = engine.evaluate(Snapshot(now, {}, dict(facts.items())))
    return [(change.edge.value, subject(change)) for change in changes]


def subject(change: Transition) -> str:
    """Return whom an alert speaks of."""
    labels = dict(change.labels)
    return labels.get("target", labels.get("provider", labels.get("location", "?")))


def test_a_rule_over_a_fact_asks_for_no_window() -> None:
    """Whoever drives the engine need not summarise anything for it."""
    assert engine_of(NEAR, DRIFT).views == ()


@pytest.mark.parametrize(
    ("when", "whose", "facts", "expected"),
    [
        ("budget.used > 80%", Subject.PROVIDER, {"openai": 0.9, "grok": 0.1}, ["openai"]),
        ("budget.used > 80%", Subject.TARGET, {"openai": 0.9}, ["gpt-chat", "gpt-other"]),
        ("budget.used > 80%", Subject.LOCATION, {"": 0.9, "openai": 0.1}, ["fra1"]),
        ("budget.used > 80%", Subject.PROVIDER, {"": 0.9, "fra1": 0.9}, []),
        ("egress.failing", Subject.LOCATION, {"": 1.0}, ["fra1"]),
        ("drift.events > 0", Subject.TARGET, {"grok-code": 1.0, "openai": 1.0}, ["grok-code"]),
    ],
)
def test_a_fact_is_looked_up_by_whom_it_is_of(
    when: str, whose: Subject, facts: Mapping[str, float], expected: list[str]
) -> None:
    """A target's fact by its name, a provider's by its own or its target's, ours by none."""
    rule = Rule(name="R", when=parse(when), subject=whose)
    fact = rule.when.metric
    assert isinstance(fact, Fact)
    found = told(engine_of(rule), 0.0, {(fact, of): value for of, value in facts.items()})
    assert found == [("fired", name) for name in expected]


def test_another_fact_of_the_same_name_is_not_it() -> None:
    """What is known of a provider says nothing of a target that happens to be called the same."""
    twin = replace(CHAT, name="openai")
    engine = Engine((DRIFT,), (twin,), location="fra1")
    assert told(engine, 0.0, {(Fact.BUDGET_USED, "openai"): 1.0}) == []
    assert told(engine, 5.0, {(Fact.DRIFT_EVENTS, "openai"): 1.0}) == [("pending", "openai")]


def test_a_location_without_targets_has_no_series() -> None:
    """A rule for another instance watches nothing here."""
    rule = Rule(
        name="R",
        when=parse("egress.failing"),
        subject=Subject.LOCATION,
        match=Match((("location", ("ams1",)),)),
    )
    assert told(engine_of(rule), 0.0, {(Fact.EGRESS_FAILING, ""): 1.0}) == []


def test_a_fact_nobody_knows_changes_nothing() -> None:
    """Absent is unknown, never 0: a firing alert fires on, and says why."""
    engine = engine_of(NEAR)
    known = {(Fact.BUDGET_USED, "openai"): 0.9}
    assert told(engine, 0.0, known) == [("fired", "openai")]
    assert told(engine, 60.0, {}) == []
    (alert,) = engine.alerts()
    assert (alert.state, alert.value, alert.reason) == (Phase.FIRING, "90 %", Reason.NO_DATA)
    assert told(engine, 65.0, known) == []
    (alert,) = engine.alerts()
    assert alert.reason is Reason.BREACHED
    assert told(engine, 70.0, {(Fact.BUDGET_USED, "openai"): 0.0}) == [("resolved", "openai")]


def test_facts_that_are_missing_say_nothing_of_windows() -> None:
    """An alert over a window keeps the reason its own window gave."""
    down = Rule(name="Down", when=parse("failures >= 1"), over_s=300.0)
    engine = Engine((down, NEAR), (CHAT,), location="fra1")
    failed = Summary(over_s=300.0, n=1, by_fault={Fault.PROVIDER: 1})
    engine.evaluate(Snapshot(0.0, dict.fromkeys(engine.views, failed), {}))
    (alert,) = engine.alerts()
    assert (alert.alertname, alert.reason) == ("Down", Reason.BREACHED)


def test_holds_pass_while_a_fact_stays_the_same() -> None:
    """A fact that did not change is passed over only when nothing waits for time."""
    engine = engine_of(DRIFT)
    facts = {(Fact.DRIFT_EVENTS, "gpt-chat"): 1.0}
    assert told(engine, 0.0, facts) == [("pending", "gpt-chat")]
    assert told(engine, 5.0, facts) == []
    assert told(engine, 10.0, facts) == [("fired", "gpt-chat")]
    assert told(engine, 15.0, facts) == []


def test_a_quiet_fact_that_moves_is_seen() -> None:
    """However long it was quiet before."""
    engine = engine_of(replace(DRIFT, hold_s=0.0))
    for now in (0.0, 5.0, 10.0):
        assert told(engine, now, {(Fact.DRIFT_EVENTS, "gpt-chat"): 0.0}) == []
    assert told(engine, 15.0, {(Fact.DRIFT_EVENTS, "gpt-chat"): 2.0}) == [("fired", "gpt-chat")]
    assert engine.alerts()[0].value == "2"


def test_restored_states_are_looked_at_although_nothing_changed() -> None:
    """What was quiet for this engine may fire for the one before it."""
    engine = engine_of(replace(DRIFT, hold_s=0.0))
    quiet = {(Fact.DRIFT_EVENTS, "gpt-chat"): 0.0}
    (fired,) = engine.evaluate(Snapshot(0.0, {}, {(Fact.DRIFT_EVENTS, "gpt-chat"): 1.0}))
    told(engine, 5.0, quiet)
    assert told(engine, 10.0, quiet) == []
    engine.restore({fired.identity: Firing(0.0, 0.0)}, 10.0, 10.0)
    assert told(engine, 15.0, quiet) == [("resolved", "gpt-chat")]


def test_a_fact_that_is_a_whole_number_is_one() -> None:
    """Python lets an int stand for a float; so do we."""
    assert told(engine_of(NEAR), 0.0, {(Fact.BUDGET_USED, "openai"): 1}) == [("fired", "openai")]


def test_the_news_can_be_told_anew() -> None:
    """What fires can be told again with its newest value; what does not fire cannot."""
    engine = engine_of(NEAR)
    (fired,) = engine.evaluate(Snapshot(0.0, {}, {(Fact.BUDGET_USED, "openai"): 0.9}))
    engine.evaluate(Snapshot(60.0, {}, {(Fact.BUDGET_USED, "openai"): 0.95}))
    again = engine.told_anew(fired.identity, 65.0)
    assert again is not None
    assert (again.edge, again.value, again.now) == (Edge.FIRED, "95 %", 65.0)
    assert (again.started_at, again.fired_at) == (0.0, 0.0)
    engine.evaluate(Snapshot(70.0, {}, {(Fact.BUDGET_USED, "openai"): 0.1}))
    assert engine.told_anew(fired.identity, 75.0) is None
    gone = replace(fired.identity, rule="Gone")
    assert engine.told_anew(gone, 75.0) is None


def test_news_of_what_fires_on_say_whether_it_is_so() -> None:
    """An alert that is kept firing, or is not clear, fires while its figure is well again."""
    kept = replace(NEAR, keep_firing_for_s=600.0)
    unclear = replace(NEAR, name="Unclear", clear=parse("budget.used < 50%"))
    both = replace(unclear, name="Both", when=parse("budget.used > 80% or budget.used == 75%"))
    engine = engine_of(kept, unclear, both)
    fired = engine.evaluate(Snapshot(0.0, {}, {(Fact.BUDGET_USED, "openai"): 0.9}))
    assert [each.holds for each in fired] == [True, True, True]
    engine.evaluate(Snapshot(60.0, {}, {(Fact.BUDGET_USED, "openai"): 0.7}))
    again = [engine.told_anew(each.identity, 60.0) for each in fired]
    assert [each and (each.value, each.holds) for each in again] == [("70 %", False)] * 3


def test_news_of_an_empty_window_claim_no_value() -> None:
    """What fires for want of results is told without the figure of those before."""
    rule = Rule(name="R", when=parse("failures > 1"), over_s=300.0, no_data=NoData.ALERT)
    failed = Summary(over_s=300.0, n=1, by_fault={Fault.PROVIDER: 1})
    engine = Engine((rule,), (CHAT,), location="fra1")
    for now, seen in enumerate((failed, Summary(over_s=300.0, n=0, missed=2))):
        fired = engine.evaluate(Snapshot(float(now), dict.fromkeys(engine.views, seen), {}))
    assert [(each.value, each.holds) for each in fired] == [("1", None)]
