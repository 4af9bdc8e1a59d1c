"""From transitions to the outbox, or to the deliverer's memory while there is no outbox."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerting import outbox
from alerting.engine import Identity, Transition
from alerting.expression import parse
from alerting.inhibition import Held, Reason
from alerting.notification import Notification, Status
from alerting.routing.group import Timing
from alerting.routing.route import Route
from alerting.routing.router import Router
from alerting.routing.store import load_groups
from alerting.rule import Rule, Severity
from alerting.state import Edge, Firing, Inactive, Pending, State
from alerting.store import load_held, load_states
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.inhibitor import Inhibitor
from monitor.metrics import Metrics
from monitor.routing import Beside, Routing, labelling
from tests.unit.alerting.delivering import HANG, Road, Sink, at_work, empty_road
from tests.unit.alerting.messages import NOW

pytestmark = pytest.mark.looptime

RULE = Rule(name="HighLatency", when=parse("latency.p95 > 5s"), over_s=900.0, hold_s=120.0)
STATE = Firing(NOW - 120, NOW)
AT_ONCE = Timing(dict.fromkeys(Severity, 0.0), 0.0)


def fired(provider: str = "openai") -> Transition:
    """Return what the engine says when the alert on a provider fires."""
    labels = (("alertname", "HighLatency"), ("provider", provider), ("severity", "warning"))
    return Transition(
        identity=Identity("HighLatency", labels),
        edge=Edge.FIRED,
        previous=Pending(NOW - 120),
        state=STATE,
        value="8.2 s",
        lower_bound=False,
        started_at=NOW - 120,
        fired_at=NOW,
        now=NOW,
        rule=RULE,
        targets=(),
    )


def over(transition: Transition) -> Transition:
    """Return what the engine says ten minutes later."""
    return replace(transition, edge=Edge.RESOLVED, previous=STATE, state=Inactive(), now=NOW + 600)


class Desk:
    """An announcer with everything it works with."""

    def __init__(self, road: Road, *channels: str) -> None:
        self.road = road
        self.sink = Sink()
        self.step_s = 0.0
        self.heard: list[Transition] = []
        self.metrics = Metrics("fra1", "1")
        self.deliverer = road.deliverer(self.sink)
        clock = Clock(lambda: road.now() + self.step_s, asyncio.get_running_loop().time)
        self.anew: dict[Identity, Transition] = {}
        """What the engine says when it is asked for the news of an alert again."""
        self.quiet = ""
        """Why nothing is to be heard of anything."""
        self.routing = Routing(
            Router(tuple(Route((name,), timing=AT_ONCE) for name in channels), labelling((), "")),
            Inhibitor(self._again, self.metrics.inhibited),
            self._again,
            clock,
            self.metrics,
            Beside("https://sonde.example/", lambda t: (f"a note on {t.alertname}",)),
            lambda _labels, _now: self.quiet,
        )
        self.announcer = Announcer(
            road.ledger, self.deliverer, self.metrics, self.heard.append, self.routing
        )

    def announce(self, *transitions: Transition) -> None:
        """Announce, and let the engine know of the same alerts."""
        for each in transitions:
            if each.edge is Edge.FIRED:
                self.anew[each.identity] = each
        self.announcer.announce(transitions)

    async def save(self, states: Mapping[Identity, State], now: float) -> None:
        """Do what an evaluation does when all rules have been looked at."""
        for _ in self.announcer.deciding(states, now):
            pass
        await self.announcer.save(states, now)

    def _again(self, identity: Identity, now: float) -> Transition | None:
        found = self.anew.get(identity)
        return None if found is None else replace(found, now=now)

    async def rows(self) -> list[Notification]:
        """Return what is in the outbox."""
        found = await self.road.ledger.read(
            lambda c: c.execute("SELECT payload FROM outbox ORDER BY seq").fetchall()
        )
        return [outbox.decode(payload) for (payload,) in found]


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    """Make an empty outbox."""
    async with empty_road(tmp_path) as made:
        yield made


async def test_states_and_messages_are_committed_together_and_sent(road: Road) -> None:
    """The alert's state, its row and its delivery come of one save, and everybody hears of it."""
    desk = Desk(road, "team")
    transition = fired()
    async with at_work(desk.deliverer):
        await asyncio.sleep(1)
        with capture_logs() as logs:
            desk.announce(transition)
            await desk.save({transition.identity: STATE}, NOW)
        await asyncio.sleep(0.1)
    assert [each.id for each in await desk.rows()] == desk.sink.taken
    assert await road.ledger.read(load_states) == ({transition.identity: STATE}, NOW)
    assert desk.heard == [transition]
    events = ["alert.transition", "alert.routed", "alert.told"]
    assert [each["event"] for each in logs] == events
    labels = {"alertname": "HighLatency", "reason": "fired"}
    assert desk.metrics.registry.get_sample_value("sonde_alert_transitions_total", labels) == 1


async def test_what_nobody_need_hear_is_not_queued(road: Road) -> None:
    """A pending alert is logged and counted, and that is all."""
    desk = Desk(road, "team")
    desk.announce(replace(fired(), edge=Edge.PENDING, fired_at=None))
    await desk.save({}, NOW)
    assert len(desk.heard) == 1
    assert await desk.rows() == []


async def test_a_full_disk_and_a_hung_channel_delay_no_evaluation(road: Road) -> None:
    """Saving returns at once, whatever the channel does; what is refused is sent from memory."""
    desk = Desk(road, "team")
    desk.sink.always = HANG
    road.ledger.full = True
    loop = asyncio.get_running_loop()
    async with at_work(desk.deliverer):
        await asyncio.sleep(1)
        with capture_logs() as logs:
            for number in range(20):
                desk.announce(fired(str(number)))
                await desk.save({}, NOW)
        assert loop.time() == 1
        await asyncio.sleep(0.1)
        assert len(desk.sink.attempts) == 1
    failures = [each for each in logs if each["event"] == "ledger.write_failed"]
    assert [each["notifications"] for each in failures] == [1] * 20


async def test_what_was_handed_over_is_not_saved_again(road: Road) -> None:
    """The deliverer has it: the next save brings its own news only, and each is heard once."""
    desk = Desk(road, "team")
    async with at_work(desk.deliverer):
        await asyncio.sleep(1)
        road.ledger.full = True
        desk.announce(fired())
        await desk.save({}, NOW)
        await road.ledger.free()
        desk.announce(over(fired()))
        await desk.save({}, NOW)
        await asyncio.sleep(10)
    (row,) = await desk.rows()
    assert row.status.value == "resolved"
    assert len(desk.sink.taken) == 2
    assert desk.sink.taken[1] == row.id


async def test_states_that_did_not_change_are_not_written_again(road: Road) -> None:
    """Only the time of the evaluation moves: a row changed by another hand is left as it is."""
    desk = Desk(road, "team")
    states = {fired().identity: STATE}
    await desk.save(states, NOW)
    await road.ledger.write(lambda c: c.execute("DELETE FROM alert_states"))
    await desk.save(dict(states), NOW + 5)
    assert await road.ledger.read(load_states) == ({}, NOW + 5)
    changed = Firing(NOW - 120, NOW, NOW + 10)
    await desk.save({fired().identity: changed}, NOW + 10)
    assert await road.ledger.read(load_states) == ({fired().identity: changed}, NOW + 10)


async def test_states_that_were_not_taken_are_given_again(road: Road) -> None:
    """After a write that failed nothing is known of the ledger: the same states are written."""
    desk = Desk(road, "team")
    states = {fired().identity: STATE}
    await desk.save({}, NOW)
    road.ledger.full = True
    with capture_logs():
        await desk.save(states, NOW + 5)
    await road.ledger.free()
    await desk.save(states, NOW + 10)
    assert await road.ledger.read(load_states) == (states, NOW + 10)


async def test_news_that_comes_during_a_save_waits_for_the_next(road: Road) -> None:
    """Nothing is lost or saved twice while the disk takes its time."""
    desk = Desk(road, "team")
    road.ledger.stuck = True
    async with at_work(desk.deliverer), asyncio.TaskGroup() as group:
        desk.announce(fired("a"))
        group.create_task(desk.save({}, NOW))
        await asyncio.sleep(1)
        desk.announce(fired("b"))
        road.ledger.stuck = False
        await desk.save({}, NOW)
        assert [dict(each.labels)["provider"] for each in await desk.rows()] == ["b"]
        await asyncio.sleep(10)
        assert len(desk.sink.taken) == len(set(desk.sink.taken)) == 2


async def test_a_save_cut_short_hands_over(road: Road) -> None:
    """A daemon that stops does not wait for a disk that hangs: its last news goes out."""
    desk = Desk(road, "team")
    async with at_work(desk.deliverer):
        await asyncio.sleep(1)
        road.ledger.stuck = True
        desk.announce(fired())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await desk.save({}, NOW)
        await asyncio.sleep(0.1)
        assert len(desk.sink.taken) == 1


async def test_people_read_their_own_clock(road: Road) -> None:
    """After the wall clock was stepped messages say wall times.

    A drift of less than half a second changes no time, so that both messages of an alert agree.
    """
    desk = Desk(road, "team")
    desk.step_s = 0.3
    desk.announce(fired())
    await desk.save({}, NOW)
    desk.step_s = -0.3
    desk.announce(over(fired()))
    await desk.save({}, NOW + 600)
    first, second = await desk.rows()
    assert (first.starts_at, first.fired_at, first.ends_at) == (NOW - 120, NOW, None)
    assert (second.starts_at, second.fired_at, second.ends_at) == (NOW - 120, NOW, NOW + 600)
    desk.step_s = 3600.2
    desk.announce(fired("other"))
    await desk.save({}, NOW + 600)
    stepped = (await desk.rows())[-1]
    assert (stepped.starts_at, stepped.fired_at) == (NOW + 3480, NOW + 3600)


async def test_without_channels_there_is_nothing_to_queue(road: Road) -> None:
    """States are saved all the same."""
    desk = Desk(road)
    desk.announce(fired())
    await desk.save({fired().identity: STATE}, NOW)
    assert await desk.rows() == []
    states, _ = await road.ledger.read(load_states)
    assert states == {fired().identity: STATE}


EGRESS = Identity("MonitorEgress", (("alertname", "MonitorEgress"), ("location", "fra1")))


async def test_what_other_news_explains_is_held_back_and_kept(road: Road) -> None:
    """No row is written for it, but the ledger knows it; log and metric say why."""
    desk = Desk(road, "team")
    transition = fired()
    states: dict[Identity, State] = {transition.identity: STATE, EGRESS: Firing(NOW - 60, NOW)}
    with capture_logs() as logs:
        desk.announce(transition)
        await desk.save(states, NOW)
    assert await desk.rows() == []
    assert await road.ledger.read(load_held) == {transition.identity: Held(Reason.MONITOR_EGRESS)}
    (told,) = [each for each in logs if each["event"] == "alert.inhibited"]
    assert (told["reason"], told["edge"]) == ("monitor_egress", "fired")
    assert told["labels"]["alertname"] == "HighLatency"
    labels = {"alertname": "HighLatency", "reason": "monitor_egress"}
    assert desk.metrics.registry.get_sample_value("sonde_alerts_inhibited_total", labels) == 1
    assert desk.heard == [transition]


async def test_what_was_held_back_is_told_in_the_end(road: Road) -> None:
    """Still firing when nothing explains it: told with its newest value, and not held any more."""
    desk = Desk(road, "team")
    transition = fired()
    desk.announce(transition)
    await desk.save({transition.identity: STATE, EGRESS: Firing(NOW - 60, NOW)}, NOW)
    desk.anew[transition.identity] = replace(transition, value="9.9 s")
    with capture_logs() as logs:
        await desk.save({transition.identity: STATE}, NOW + 300)
    (row,) = await desk.rows()
    assert (row.value, row.fired_at) == ("9.9 s", NOW)
    events = ["alert.released", "alert.routed", "alert.told"]
    assert [each["event"] for each in logs] == events
    assert await road.ledger.read(load_held) == {}
    desk.announce(over(transition))
    await desk.save({}, NOW + 600)
    assert [each.status for each in await desk.rows()] == [Status.FIRING, Status.RESOLVED]


async def test_what_was_over_before_says_nothing(road: Road) -> None:
    """Neither that it fired nor that it is over, over a restart too; what is gone is forgotten."""
    first = Desk(road, "team")
    transition = fired()
    states: dict[Identity, State] = {transition.identity: STATE, EGRESS: Firing(NOW - 60, NOW)}
    first.announce(transition)
    await first.save(states, NOW)
    second = Desk(road, "team")
    second.routing.inhibitor.held = await road.ledger.read(load_held)
    second.announce(over(transition))
    await second.save({EGRESS: Firing(NOW - 60, NOW)}, NOW + 300)
    await second.save({}, NOW + 305)
    assert await second.rows() == []
    assert await road.ledger.read(load_held) == {}


async def test_an_alert_the_engine_no_longer_knows_is_let_go(road: Road) -> None:
    """Asked for the news again it has none: nothing is told, and nothing is kept."""
    desk = Desk(road, "team")
    desk.routing.inhibitor.held = {fired().identity: Held(Reason.ACCOUNT)}
    await desk.save({fired().identity: STATE}, NOW)
    assert await desk.rows() == []
    assert desk.routing.inhibitor.held == {}


async def test_what_else_is_known_goes_with_the_news(road: Road) -> None:
    """Notes are asked for when an alert fires, and when it is over: what was lost."""
    desk = Desk(road, "team")
    desk.announce(fired())
    await desk.save({}, NOW)
    desk.announce(over(fired()))
    await desk.save({}, NOW + 600)
    bad, good = await desk.rows()
    assert bad.notes == good.notes == ("a note on HighLatency",)
    assert bad.url == "https://sonde.example/"
    assert bad.thread == good.thread


async def test_what_is_muted_waits(road: Road) -> None:
    """Nothing is queued while somebody wants to hear nothing; what is over by then is not told."""
    desk = Desk(road, "team")
    desk.quiet = "silence 1"
    desk.announce(fired("a"), fired("b"))
    await desk.save({}, NOW)
    assert await desk.rows() == []
    desk.announce(over(fired("a")))
    desk.quiet = ""
    await desk.save({}, NOW + 5)
    (row,) = await desk.rows()
    assert dict(row.labels)["provider"] == "b"
    labels = {"channel": "team", "event": "over_untold"}
    assert desk.metrics.registry.get_sample_value("sonde_alerts_routed_total", labels) == 1


async def test_groups_are_committed_with_what_was_said_of_them(road: Road) -> None:
    """A restart finds what every channel was told of, and every decision has its line."""
    desk = Desk(road, "team")
    transition = fired()
    desk.announce(transition)
    await desk.save({transition.identity: STATE}, NOW)
    (group,) = await road.ledger.read(lambda c: load_groups(c, lambda _: RULE))
    assert (group.sent, group.members[transition.identity].told) == (1, True)
    log = await road.ledger.read(lambda c: c.execute("SELECT event FROM alert_log").fetchall())
    assert log == [("routed",), ("told",)]


async def test_a_message_that_could_not_be_sent_gives_way_to_a_newer_one(road: Road) -> None:
    """A receiver that was away hears how things stand, and of the ends it missed."""
    desk = Desk(road, "team")
    desk.announce(fired())
    await desk.save({}, NOW)
    await road.ledger.write(lambda c: c.execute("UPDATE outbox SET attempts = 1"))
    desk.announce(over(fired()))
    await desk.save({}, NOW + 600)
    rows = await road.ledger.read(
        lambda c: c.execute("SELECT status FROM outbox ORDER BY seq").fetchall()
    )
    assert rows == [("dead",), ("queued",)]
    labels = {"channel": "team", "outcome": "superseded"}
    assert desk.metrics.registry.get_sample_value("sonde_notifications_total", labels) == 1


async def test_what_was_decided_while_the_disk_was_full_is_written_later(road: Road) -> None:
    """With the time at which it was decided: nobody's story has a gap."""
    desk = Desk(road, "team")
    road.ledger.full = True
    desk.announce(fired())
    with capture_logs():
        await desk.save({}, NOW)
    await road.ledger.free()
    await desk.save({}, NOW + 5)
    await desk.save({}, NOW + 10)
    log = await road.ledger.read(lambda c: c.execute("SELECT at, event FROM alert_log").fetchall())
    assert log == [(NOW, "routed"), (NOW, "told")]
