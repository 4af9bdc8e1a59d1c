"""Rules that several locations must agree on, through the engine."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from aggregator.summary import Summary
from alerting.ballot import Ballot
from alerting.engine import Engine, Snapshot, Transition, View
from alerting.evaluate import Reason, Seen
from alerting.expression import parse
from alerting.quorum import Quorum, Vote
from alerting.rule import NoData, Rule, Severity, Subject
from alerting.state import Edge
from probes.result import Fault
from tests.unit.alerting.windows import CHAT, GROK, distribution

LOCATIONS = ("fra1", "iad1", "sin1")
DOWN = Rule(
    name="DownEverywhere",
    when=parse("failures >= 2"),
    over_s=300.0,
    min_samples=3,
    severity=Severity.CRITICAL,
    quorum=Quorum(2, 3),
)
FINE = Summary(over_s=300.0, n=5, by_fault={Fault.NONE: 5})
BAD = Summary(over_s=300.0, n=5, by_fault={Fault.NONE: 1, Fault.PROVIDER: 4})
THIN = Summary(over_s=300.0, n=1, by_fault={Fault.PROVIDER: 1}, recent_faults=(Fault.PROVIDER,))
EMPTY = Summary(over_s=300.0, n=0)
LOST = Summary(over_s=300.0, n=0, missed=5)


def engine_of(rule: Rule, own: str = "fra1") -> Engine:
    """Return the engine of a replica at a location."""
    return Engine((rule,), (CHAT,), location=own, locations=LOCATIONS)


def seen(engine: Engine, *summaries: Summary | None) -> Mapping[View, Summary]:
    """Return what the locations see, in the order of their views; None: no report."""
    told = zip(engine.views, summaries, strict=True)
    return {view: summary for view, summary in told if summary is not None}


def at(now: float, engine: Engine, *summaries: Summary | None) -> tuple[Transition, ...]:
    return engine.evaluate(Snapshot(now, seen(engine, *summaries)))


def test_it_looks_at_every_location_and_is_of_none() -> None:
    """Its windows are asked for by location, our own without a name; its labels name none."""
    engine = engine_of(DOWN, own="iad1")
    names = ("gpt-chat",)
    own = [View(names, 300.0, "fra1"), View(names, 300.0), View(names, 300.0, "sin1")]
    assert list(engine.views) == own
    (fired,) = at(0.0, engine, BAD, FINE, BAD)
    assert "location" not in dict(fired.labels)
    assert dict(fired.labels)["target"] == "gpt-chat"


@pytest.mark.parametrize("subject", list(Subject))
def test_all_locations_name_the_alert_alike(subject: Subject) -> None:
    """Whoever tells of it, it is the same alert."""
    rule = replace(DOWN, subject=subject)
    named = {at(0.0, engine_of(rule, own), BAD, BAD, FINE)[0].fingerprint for own in LOCATIONS}
    assert len(named) == 1


@pytest.mark.parametrize(
    ("summaries", "edges"),
    [
        ((BAD, BAD, None), [Edge.FIRED]),
        ((BAD, None, BAD), [Edge.FIRED]),
        ((BAD, FINE, None), []),
        ((BAD, FINE, FINE), []),
        ((BAD, None, None), []),
        ((BAD, THIN, FINE), []),
    ],
)
def test_enough_must_say_so(summaries: tuple[Summary | None, ...], edges: list[Edge]) -> None:
    """One alone is not enough; one that does not report, or has too few samples, says nothing."""
    assert [each.edge for each in at(0.0, engine_of(DOWN), *summaries)] == edges


def test_an_alert_ends_when_enough_say_that_it_is_over() -> None:
    """Silence ends nothing."""
    engine = engine_of(DOWN)
    at(0.0, engine, BAD, BAD, FINE)
    assert at(5.0, engine, BAD, None, None) == ()
    assert at(10.0, engine, FINE, None, BAD) == ()
    (over,) = at(15.0, engine, FINE, None, FINE)
    assert over.edge is Edge.RESOLVED


def test_the_hold_is_of_what_they_say_together() -> None:
    """Not of each: who says so may change meanwhile, and a moment without agreement resets it."""
    engine = engine_of(replace(DOWN, hold_s=10.0, keep_firing_for_s=10.0))
    assert [each.edge for each in at(0.0, engine, BAD, BAD, FINE)] == [Edge.PENDING]
    assert [each.edge for each in at(10.0, engine, FINE, BAD, BAD)] == [Edge.FIRED]
    assert [each.edge for each in at(20.0, engine, FINE, FINE, BAD)] == [Edge.CLEARING]
    assert [each.edge for each in at(30.0, engine, FINE, FINE, BAD)] == [Edge.RESOLVED]
    at(40.0, engine, BAD, BAD, FINE)
    at(45.0, engine, BAD, FINE, FINE)
    assert [each.edge for each in at(55.0, engine, BAD, BAD, FINE)] == [Edge.PENDING]


def test_votes_go_with_the_news_and_the_alert() -> None:
    """In the configured order, each with its value; the first that agrees has the word."""
    engine = engine_of(DOWN)
    (fired,) = at(0.0, engine, FINE, BAD, BAD)
    votes = (Vote("fra1", False, "0"), Vote("iad1", True, "4"), Vote("sin1", True, "4"))
    assert (fired.votes, fired.value) == (votes, "4")
    at(5.0, engine, FINE, None, BAD)
    (alert,) = engine.alerts()
    assert alert.votes[1] == Vote("iad1", None, reports=False)
    assert alert.reason is Reason.NO_DATA


@pytest.mark.parametrize(
    ("policy", "summary", "vote"),
    [
        (NoData.OK, EMPTY, False),
        (NoData.KEEP, LOST, None),
        (NoData.ALERT, LOST, True),
        (NoData.ALERT, EMPTY, None),
        (NoData.OK, None, None),
        (NoData.ALERT, None, None),
    ],
)
def test_no_data_is_each_locations_own(
    policy: NoData, summary: Summary | None, vote: bool | None
) -> None:
    """An empty window means what the rule says; a location that does not report means nothing."""
    engine = engine_of(replace(DOWN, no_data=policy))
    at(0.0, engine, BAD, BAD, summary)
    (alert,) = engine.alerts()
    assert alert.votes[2].breached is vote


def test_only_who_agreed_must_be_clear() -> None:
    """`clear` holds back the end at a location that saw it, not at one that never did."""
    rule = replace(DOWN, when=parse("failures >= 4"), clear=parse("failures < 1"))
    nearly = Summary(over_s=300.0, n=5, by_fault={Fault.NONE: 3, Fault.PROVIDER: 2})
    engine = engine_of(rule)
    at(0.0, engine, BAD, BAD, nearly)
    assert at(5.0, engine, nearly, nearly, FINE) == ()
    (alert,) = engine.alerts()
    assert [each.breached for each in alert.votes] == [True, True, False]
    assert at(10.0, engine, nearly, FINE, nearly)[0].edge is Edge.RESOLVED


def test_after_a_restart_everybody_counts_as_having_agreed() -> None:
    """Nobody remembers who did: no location ends an alert on thin evidence."""
    before = engine_of(DOWN)
    at(0.0, before, BAD, BAD, FINE)
    engine = engine_of(DOWN)
    engine.restore(before.states(), 0.0, 0.0)
    assert engine.alerts()[0].votes == ()
    few = replace(THIN, n=3, by_fault={Fault.PROVIDER: 1, Fault.NONE: 2})
    assert at(5.0, engine, few, few, few) == ()
    assert at(10.0, engine, FINE, FINE, few)[0].edge is Edge.RESOLVED


def test_others_of_the_same_location_are_compared() -> None:
    """A rule that compares with other targets does so at each location by itself."""
    rule = replace(
        DOWN, when=parse("latency.p95 > 2 * latency.p95 of {target: grok-code}"), min_samples=0
    )
    engine = Engine((rule,), (CHAT, GROK), location="fra1", locations=LOCATIONS)
    speeds = {"": (5.0, 1.0), "iad1": (5.0, 5.0), "sin1": (9.0, 1.0)}
    summaries = {
        view: Summary(
            over_s=300.0,
            n=10,
            latency=distribution([speeds[view.location][view.targets == ("grok-code",)]] * 10),
        )
        for view in engine.views
    }
    (fired,) = engine.evaluate(Snapshot(0.0, summaries))
    assert [(each.location, each.breached) for each in fired.votes] == [
        ("fra1", True),
        ("iad1", False),
        ("sin1", True),
    ]
    assert fired.votes[0].value == "5 s"


def test_nobody_there_is_unknown() -> None:
    """Where no location is known there is nothing to ask."""
    found = Ballot(Quorum(1, 1)).judge(DOWN, dict[str, Seen | None](), firing=False)
    assert (found.breached, found.reason) == (None, Reason.NO_DATA)


def test_a_window_of_ours_that_is_missing_is_no_error() -> None:
    """A location without windows does not report: the rule goes on with the others."""
    engine = engine_of(DOWN)
    at(0.0, engine, None, BAD, BAD)
    assert engine.broken == {}
    assert len(engine.alerts()) == 1


def test_facts_are_no_other_locations() -> None:
    """What this instance alone knows cannot be voted on."""
    with pytest.raises(ValueError, match="this instance's own"):
        replace(DOWN, when=parse("failures >= 2 and egress.failing"))


def test_what_did_not_change_is_not_asked_again() -> None:
    """Until a window of one location is another one; what is pending or firing is, each time."""
    engine = engine_of(DOWN)
    ballots = [series.ballot for series in engine._mixed]
    (ballot,) = [each for each in ballots if each is not None]
    at(0.0, engine, BAD, FINE, FINE)
    votes = ballot.votes(DOWN)
    again = replace(BAD)
    ballot.quiet = [again, FINE, FINE]
    at(5.0, engine, again, FINE, FINE)
    assert ballot.votes(DOWN) == votes
    assert ballot.quiet is not None
    assert [each.edge for each in at(10.0, engine, BAD, BAD, FINE)] == [Edge.FIRED]
    assert ballot.quiet is None
    assert [each.edge for each in at(15.0, engine, BAD, BAD, None)] == []
    assert not ballot.votes(DOWN)[2].reports
    engine.restore({}, 20.0, 20.0)
    assert at(20.0, engine, BAD, None, FINE) == ()


def test_a_rate_moves_with_time() -> None:
    """A rule about it is asked each time, whatever the windows hold."""
    rule = replace(DOWN, when=parse("rate >= 1"), min_samples=0)
    engine = engine_of(rule)
    idle = replace(FINE, rate_per_min=0.5)
    at(0.0, engine, idle, idle, idle)
    busy = replace(idle, rate_per_min=2.0)
    assert [each.edge for each in at(5.0, engine, busy, busy, idle)] == [Edge.FIRED]


def test_rules_of_one_location_stand_beside_it() -> None:
    """A restart forgets what was quiet of both kinds."""
    own = Rule(name="Own", when=parse("failures >= 2 and egress.failing"), over_s=300.0)
    engine = Engine((DOWN, own), (CHAT,), location="fra1", locations=LOCATIONS)
    at(0.0, engine, FINE, FINE, FINE)
    engine.restore({}, 5.0, 5.0)
    assert [each.alertname for each in at(5.0, engine, BAD, BAD, FINE)] == ["DownEverywhere"]
