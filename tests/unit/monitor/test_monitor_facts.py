"""Gathering facts: from everybody, anew each time, whoever of them breaks."""

from collections.abc import Iterator

from alerting.metric import AnyFact, Between, BurnRate, Fact, Value
from alerting.series import Known
from monitor.facts import Facts, Reading, written_facts


def test_nobody_knows_anything() -> None:
    """Without sources there is no fact, and nothing to do."""
    assert Facts().gathered(0.0) == {}
    assert list(Facts().gathering(0.0, {})) == []


def test_everybody_is_asked_at_the_same_time() -> None:
    """All sources hear the same steady time; whole numbers become what facts are."""
    facts = Facts()
    facts.add(lambda now: [(Fact.BUDGET_USED, "openai", now / 100), (Fact.BUDGET_USED, "", 1)])
    facts.add(lambda now: [(Fact.EGRESS_FAILING, "", now > 40)])
    found = facts.gathered(50.0)
    assert found == {
        (Fact.BUDGET_USED, "openai"): 0.5,
        (Fact.BUDGET_USED, ""): 1.0,
        (Fact.EGRESS_FAILING, ""): 1.0,
    }
    assert {type(value) for value in found.values()} == {float}


def test_what_is_not_said_again_is_not_known_any_more() -> None:
    """Nothing is remembered from one evaluation to the next."""
    facts = Facts()
    facts.add(lambda now: [(Fact.DRIFT_EVENTS, "chat", 1.0)] if now < 5 else [])
    assert facts.gathered(0.0) == {(Fact.DRIFT_EVENTS, "chat"): 1.0}
    assert facts.gathered(5.0) == {}


def broken(now: float) -> Iterator[Reading]:
    """Say one thing, then break until ten seconds have passed."""
    yield Fact.BUDGET_USED, "openai", 0.5
    if now < 10:
        raise RuntimeError("no purse")


def test_a_source_that_breaks_costs_its_own_facts() -> None:
    """The others are heard, what it said before counts, and it is named until it is mended."""
    facts = Facts()
    facts.add(broken)
    facts.add(lambda _now: [(Fact.EGRESS_FAILING, "", 0.0)])
    assert set(facts.gathered(0.0)) == {(Fact.BUDGET_USED, "openai"), (Fact.EGRESS_FAILING, "")}
    assert facts.broken == {"broken": "RuntimeError: no purse"}
    facts.gathered(10.0)
    assert facts.broken == {}


def test_gathering_can_be_interrupted() -> None:
    """Between two facts others may have the loop."""
    facts = Facts()
    facts.add(lambda _now: [(Fact.DRIFT_EVENTS, str(number), 0.0) for number in range(3)])
    into: dict[Known, Value] = {}
    known = [len(into) for _ in facts.gathering(0.0, into)]
    assert known == [1, 2, 3]


def test_what_is_known_is_shown_of_whom_it_is() -> None:
    """A fact of a provider, a target or this instance; both ends of what is not known exactly."""
    known: dict[tuple[AnyFact, str], Value] = {
        (Fact.HEADROOM, "openai"): 0.5,
        (Fact.DRIFT_EVENTS, "gpt"): 2.0,
        (Fact.BUDGET_USED, ""): 1.0,
        (BurnRate("chat", 3600, 300), ""): Between(1.0, 3.0),
    }
    first, *lines = written_facts(known, "here")
    assert first.endswith("# TYPE sonde_fact gauge\n")
    burn = 'sonde_fact{fact="burn_rate(1h, 5m)",location="here",slo="chat",bound='
    assert "".join(lines).splitlines() == [
        'sonde_fact{fact="rate_limit.headroom",location="here",provider="openai"} 0.5',
        'sonde_fact{fact="drift.events",location="here",target="gpt"} 2.0',
        'sonde_fact{fact="budget.used",location="here"} 1.0',
        f'{burn}"low"}} 1.0',
        f'{burn}"high"}} 3.0',
    ]
