"""The memory behind the decisions: what is held, and when it is looked at again."""

from collections.abc import Mapping
from dataclasses import replace

from structlog.testing import capture_logs

from alerting.consequence import natures_of
from alerting.defaults import default_rules
from alerting.engine import Identity, Transition
from alerting.inhibition import LINGERS_S, Held, Reason
from alerting.routing.router import Event
from alerting.state import Edge, Firing, Inactive, State
from monitor.inhibitor import Inhibitor
from tests.unit.alerting.test_render import FIRED, NOW

EGRESS = Identity("MonitorEgress", (("alertname", "MonitorEgress"), ("location", "fra1")))
BROKEN: Mapping[Identity, State] = {EGRESS: Firing(NOW - 600, NOW - 570)}
LOW = replace(FIRED, identity=replace(FIRED.identity, rule="LowThroughput"))


class Desk:
    """An inhibitor that counts, over an engine that knows two alerts."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []
        self.inhibitor = Inhibitor(self._anew, lambda *what: self.counted.append(what))

    def _anew(self, identity: Identity, now: float) -> Transition | None:
        known = {each.identity: each for each in (FIRED, LOW)}
        return replace(known[identity], now=now) if identity in known else None

    def passing(self, *news: Transition, broken: bool = False, now: float = NOW) -> list[float]:
        """Say when what is told happened; both alerts fire."""
        states = {FIRED.identity: FIRED.state, LOW.identity: LOW.state}
        told = self.inhibitor.passing(news, {**states, **(BROKEN if broken else {})}, now)
        return [each.now for each in told]


def test_nothing_held_and_nothing_new_is_nothing_to_do() -> None:
    """Nobody is told, nothing is counted."""
    desk = Desk()
    assert desk.passing() == []
    assert desk.passing(broken=True) == []
    assert (desk.inhibitor.held, desk.counted) == ({}, [])


def test_what_is_held_stays_so_while_the_same_explains_it() -> None:
    """However often it is asked; then it is told, once, and counted once."""
    desk = Desk()
    with capture_logs() as logs:
        assert desk.passing(FIRED, broken=True) == []
        for now in (NOW + 5, NOW + 10):
            assert desk.passing(broken=True, now=now) == []
            assert desk.inhibitor.held == {FIRED.identity: Held(Reason.MONITOR_EGRESS)}
        assert desk.passing(now=NOW + 15) == [NOW + 15]
        assert desk.passing(now=NOW + 20) == []
    assert desk.counted == [("HighLatency", "monitor_egress")]
    assert [each["event"] for each in logs] == ["alert.inhibited", "alert.released"]


def test_what_lingers_is_looked_at_until_its_time_has_come() -> None:
    """Nothing explains it any more and nothing changes but the time: that is enough."""
    desk = Desk()
    assert desk.passing(LOW, broken=True) == []
    lingers_s = LINGERS_S["LowThroughput"]
    assert desk.passing(now=NOW + 5) == []
    assert desk.passing(now=NOW + lingers_s) == []
    assert desk.passing(now=NOW + 5 + lingers_s) == [NOW + 5 + lingers_s]
    assert desk.inhibitor.held == {}


def test_what_a_process_before_us_held_is_looked_at_at_once() -> None:
    """Our way out may have come back while nobody was there."""
    desk = Desk()
    desk.inhibitor.held = {FIRED.identity: Held(Reason.MONITOR_EGRESS)}
    assert desk.passing() == [NOW]


def test_an_end_that_is_held_back_is_counted_too() -> None:
    """Both pieces of news that nobody got."""
    desk = Desk()
    over = replace(FIRED, edge=Edge.RESOLVED, state=Inactive())
    assert desk.passing(FIRED, broken=True) == []
    assert desk.passing(over, broken=True) == []
    assert desk.counted == [("HighLatency", "monitor_egress")] * 2
    assert desk.inhibitor.held == {}


def test_every_decision_is_handed_over_once() -> None:
    """With the reason, and with who explains it, for those who ask later."""
    desk = Desk()
    desk.passing(FIRED, broken=True)
    desk.passing()
    taken = desk.inhibitor.taken()
    assert [(each.event, each.detail) for each in taken] == [
        (Event.INHIBITED, "monitor_egress: MonitorEgress"),
        (Event.RELEASED, ""),
    ]
    assert desk.inhibitor.taken() == ()
    over = replace(FIRED, edge=Edge.RESOLVED, state=Inactive())
    desk.passing(FIRED, broken=True)
    desk.passing(over, broken=True)
    assert [(each.event, each.detail) for each in desk.inhibitor.taken()][1:] == [
        (Event.OVER_UNTOLD, "monitor_egress")
    ]


def test_left_off_in_between_nothing_is_decided() -> None:
    """The same news can be given again, and comes out once."""
    desk = Desk()
    states = {FIRED.identity: FIRED.state, **BROKEN}
    steps = desk.inhibitor.deciding((FIRED,), states, NOW)
    for _ in range(4):
        next(steps)
    steps.close()
    assert (desk.inhibitor.held, desk.inhibitor.taken()) == ({}, ())
    assert desk.passing(FIRED, broken=True) == []
    assert [each.event for each in desk.inhibitor.taken()] == [Event.INHIBITED]


def test_what_joined_a_group_before_a_louder_one_came_is_explained_by_it() -> None:
    """From when somebody has looked; before that nobody knows what fires."""
    labels = dict(FIRED.labels)
    down = Identity("Down", tuple(sorted((labels | LOUD).items())))
    inhibitor = Inhibitor(lambda *_: None, lambda *_: None, natures_of(default_rules()))
    assert inhibitor.explains(labels) == ""
    assert inhibitor.failing is None
    inhibitor.passing((), {FIRED.identity: FIRED.state, down: Firing(NOW, NOW)}, NOW)
    assert inhibitor.explains(labels) == "held back, louder: Down"
    assert inhibitor.explains(labels | LOUD) == ""
    assert inhibitor.failing == {labels["provider"]: frozenset({labels["model"]})}


LOUD = {"alertname": "Down", "severity": "critical"}
