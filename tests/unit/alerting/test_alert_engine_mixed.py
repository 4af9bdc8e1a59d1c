"""The engine and rules that look at several things at once."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from aggregator.summary import Summary
from alerting.engine import Engine, Snapshot, View
from alerting.evaluate import Reason
from alerting.expression import parse
from alerting.metric import Fact, Value
from alerting.rule import Rule, Subject
from alerting.series import Known
from tests.unit.alerting.windows import CHAT, GROK, distribution

OTHER = replace(CHAT, name="gpt-other", model="gpt-4o")
TARGETS = (CHAT, OTHER, GROK)
SLOWER = Rule(
    name="Slower",
    when=parse("latency.p95 > 2 * latency.p95 of {model: gpt-4o}"),
    over_s=900.0,
    hold_s=10.0,
)


def slow(latency_s: float) -> Summary:
    return Summary(over_s=900.0, n=10, latency=distribution([latency_s] * 10))


def view(*names: str) -> View:
    return View(names, 900.0)


def told(
    engine: Engine, now: float, seen: Mapping[View, Summary], **facts: float
) -> list[tuple[str, str, str]]:
    """Evaluate with these facts of the location and of targets; return what changed."""
    known: dict[Known, Value] = {
        (Fact(name.replace("__", ".")), ""): value for name, value in facts.items()
    }
    changes = engine.evaluate(Snapshot(now, seen, known))
    return [(each.edge, dict(each.labels).get("target", ""), each.value) for each in changes]


WINDOWS = {view("gpt-chat"): slow(5.0), view("gpt-other"): slow(1.0), view("grok-code"): slow(1.5)}


def test_targets_are_compared_with_others() -> None:
    """Every window that is looked at is asked for once, and each target is judged by itself."""
    engine = Engine((SLOWER,), TARGETS, location="fra1")
    assert set(engine.views) == set(WINDOWS)
    assert told(engine, 0.0, WINDOWS) == [("pending", "gpt-chat", "5 s")]
    assert told(engine, 10.0, WINDOWS) == [("fired", "gpt-chat", "5 s")]
    (alert,) = engine.alerts()
    assert str(alert.compared) == "latency.p95 > 2s"
    assert alert.reason is Reason.BREACHED
    quick = {**WINDOWS, view("gpt-chat"): slow(1.0)}
    assert told(engine, 20.0, quick) == [("resolved", "gpt-chat", "1 s")]
    assert engine.states() == {}


def test_a_selection_that_hits_nothing_is_unknown() -> None:
    """After a reload the others may be gone: then nobody can say."""
    engine = Engine((SLOWER,), (CHAT,), location="fra1")
    assert engine.views == (view("gpt-chat"),)
    assert told(engine, 0.0, {view("gpt-chat"): slow(5.0)}) == []
    assert engine.broken == {}


def test_a_window_that_is_missing_breaks_its_rule_alone() -> None:
    """The others are evaluated, and the broken one is named."""
    fine = Rule(name="Fine", when=parse("samples > 1"), over_s=900.0)
    engine = Engine((SLOWER, fine), (CHAT, OTHER), location="fra1")
    seen = {view("gpt-chat"): slow(5.0)}
    assert told(engine, 0.0, seen) == [("fired", "gpt-chat", "10")]
    assert list(engine.broken) == ["Fine", "Slower"]


@pytest.mark.parametrize(("failing", "expected"), [(0.0, ["gpt-chat"]), (1.0, []), (None, [])])
def test_facts_take_part(failing: float | None, expected: list[str]) -> None:
    """What is known of this instance is known of each of its targets; unknown, it decides."""
    rule = Rule(name="R", when=parse("latency.p95 > 2s and not egress.failing"), over_s=900.0)
    engine = Engine((rule,), TARGETS, location="fra1")
    facts = {} if failing is None else {"egress__failing": failing}
    assert [target for _, target, _ in told(engine, 0.0, WINDOWS, **facts)] == expected


def test_facts_alone_need_no_window() -> None:
    """Of a provider's two facts, and of the location's."""
    when = parse("budget.used > 80% and rate_limit.headroom < 10%")
    rule = Rule(name="R", when=when, subject=Subject.PROVIDER)
    engine = Engine((rule,), TARGETS, location="fra1")
    assert engine.views == ()
    known: dict[Known, Value] = {(Fact.BUDGET_USED, "openai"): 0.9, (Fact.HEADROOM, "openai"): 0.05}
    changes = engine.evaluate(Snapshot(0.0, {}, known))
    assert [dict(each.labels)["provider"] for each in changes] == ["openai"]


def test_several_comparisons_of_one_window_are_one_look() -> None:
    """Such a rule is passed over like any other while nothing changes."""
    rule = Rule(name="R", when=parse("latency.p95 > 2s and samples > 5"), over_s=900.0)
    engine = Engine((rule,), (CHAT,), location="fra1")
    assert told(engine, 0.0, WINDOWS) == [("fired", "gpt-chat", "5 s")]
