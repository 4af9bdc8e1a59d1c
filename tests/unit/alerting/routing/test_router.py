"""Which message about which alerts is due."""

from dataclasses import replace

from alerting.match import Match
from alerting.routing.group import Timing, Why
from alerting.routing.route import Route
from alerting.routing.router import Event, Group, Member, Message, Router, group_text
from alerting.rule import Severity
from alerting.state import Edge
from tests.unit.alerting.routing.routed import EVERYBODY, Desk, fired, identity, labels_of, over

DOWN, OTHER = identity(), identity(target="embeddings")
SLOW = identity("HighLatency", Severity.WARNING)
SHARED = (("provider", "openai"), ("fault", ""))


def test_an_alert_that_fires_is_told_and_that_it_is_over_too() -> None:
    """First the beginning; the end when the interval is over; then nothing is left."""
    desk = Desk()
    desk.take(fired(DOWN))
    assert desk.say(0.0) == [Message("team", SHARED, Why.FIRST, 0, 0.0, (DOWN,), ())]
    end = over(DOWN, 60.0)
    desk.take(end)
    assert desk.say(299.0) == []
    assert desk.say(300.0) == [Message("team", SHARED, Why.ALL_RESOLVED, 1, 0.0, (), (end,))]
    assert desk.router.groups == {}
    assert desk.events() == ["routed", "told", "told_over"]


def test_alerts_of_a_group_are_told_together() -> None:
    """What joins before the message is in it; what joins after it waits for the interval."""
    desk = Desk()
    desk.take(fired(DOWN), fired(OTHER))
    (first,) = desk.say(0.0)
    assert first.firing == (DOWN, OTHER)
    third = identity(target="third")
    desk.take(fired(third, 10.0))
    assert desk.say(10.0) == []
    (second,) = desk.say(300.0)
    assert (second.why, second.firing) == (Why.ADDED, (DOWN, OTHER, third))


def test_another_group_is_another_message() -> None:
    """Two providers do not wait for each other."""
    desk = Desk()
    desk.take(fired(DOWN), fired(identity(provider="xai")))
    assert [each.labels[0][1] for each in desk.say(0.0)] == ["openai", "xai"]


def test_what_is_over_before_it_was_told_is_not_told() -> None:
    """A warning that lasts shorter than its wait wakes nobody, and that is written down."""
    desk = Desk()
    desk.take(fired(SLOW), over(SLOW, 20.0))
    assert desk.say(1_000.0) == []
    assert desk.events() == ["routed", "over_untold"]
    assert desk.router.groups == {}


def test_an_alert_that_comes_back_before_its_end_was_told_goes_on() -> None:
    """Flapping within the interval is one alert to the reader."""
    desk = Desk()
    desk.take(fired(DOWN))
    desk.say(0.0)
    desk.take(over(DOWN, 60.0), fired(DOWN, 120.0))
    assert desk.say(300.0) == []
    assert desk.say(14_400.0)[0].why is Why.REPEAT


def test_edges_in_between_are_nobodys_business() -> None:
    """Pending, clearing and the like neither begin nor end anything."""
    desk = Desk()
    desk.take(fired(DOWN))
    desk.say(0.0)
    for edge in (Edge.CLEARING, Edge.RELAPSED):
        desk.take(replace(fired(DOWN, 9.0), edge=edge))
    desk.take(replace(over(OTHER, 9.0), edge=Edge.RESET, fired_at=None))
    assert desk.say(9_000.0) == []


def test_the_end_of_an_alert_nobody_took_in_is_ignored() -> None:
    """Such as one that no route leads anywhere."""
    desk = Desk((Route(("team",), Match((("severity", ("info",)),))),))
    desk.take(fired(DOWN), over(DOWN, 10.0))
    assert desk.say(400.0) == []
    assert desk.events() == ["no_route"]


def test_a_muted_alert_is_not_told_until_it_is_heard_again() -> None:
    """A silence puts news off, and does not lose it."""
    desk = Desk()
    desk.quiet["chat"] = "silence 1"
    desk.take(fired(DOWN))
    assert desk.say(0.0) == desk.say(60.0) == []
    assert [each.detail for each in desk.decided] == ["provider=openai", "silence 1"]
    desk.quiet.clear()
    assert desk.say(120.0)[0].firing == (DOWN,)
    assert desk.events() == ["routed", "muted", "heard_again", "told"]


def test_a_muted_alert_is_left_out_of_the_message_about_others() -> None:
    """Only its own news is held back."""
    desk = Desk()
    desk.quiet["chat"] = "maintenance"
    desk.take(fired(DOWN), fired(OTHER))
    assert desk.say(0.0)[0].firing == (OTHER,)


def test_what_was_told_and_silenced_then_is_told_to_be_over() -> None:
    """A pager that rang can be closed, whoever silenced the alert meanwhile."""
    desk = Desk()
    desk.take(fired(DOWN))
    desk.say(0.0)
    desk.quiet["chat"] = "silence 1"
    assert desk.say(14_400.0) == []  # nothing is repeated under a silence
    end = over(DOWN, 14_500.0)
    desk.take(end)
    assert desk.say(14_500.0)[0].ended == (end,)


def test_a_group_is_not_taken_for_over_while_a_silenced_alert_fires() -> None:
    """A pager closes when nothing fires: what it rang for, silenced since, keeps it open."""
    desk = Desk()
    desk.take(fired(DOWN), fired(OTHER))
    desk.say(0.0)
    desk.quiet["chat"] = "silence 1"
    end = over(OTHER, 60.0)
    desk.take(end)
    (message,) = desk.say(300.0)
    assert (message.why, message.firing, message.ended) == (Why.SOME_RESOLVED, (DOWN,), (end,))


def test_a_silenced_alert_is_no_part_of_what_else_fires() -> None:
    """Even if it was told before; and its end is told."""
    desk = Desk()
    desk.take(fired(DOWN))
    desk.say(0.0)
    desk.quiet["chat"] = "silence 1"
    desk.take(fired(OTHER, 60.0))
    assert desk.say(300.0)[0].firing == (OTHER,)


def test_the_loudest_come_first() -> None:
    """A message has room for so many: the same ones when they begin and when they end."""
    desk = Desk((Route(("team",), group_by=("provider",)),))
    desk.take(fired(SLOW), fired(OTHER), fired(DOWN))
    assert desk.say(0.0)[0].firing == (OTHER, DOWN, SLOW)
    desk.take(*(over(each, 10.0) for each in (SLOW, OTHER, DOWN)))
    assert [each.identity for each in desk.say(300.0)[0].ended] == [OTHER, DOWN, SLOW]


def test_who_is_interrupted_while_a_message_is_gathered_tells_it_the_next_time() -> None:
    """Thousands of alerts are gathered in many steps, and noted as told in one."""
    desk = Desk()
    alerts = [identity(target=f"chat-{number}") for number in range(50)]
    desk.take(*map(fired, alerts))
    for steps in range(1, 250):
        left_off = desk.router.messages(0.0, lambda _: "")
        if any(isinstance(next(left_off), Message) for _ in range(steps)):
            break
        left_off.close()
        assert not any(
            each.told for group in desk.router.snapshot() for each in group.members.values()
        )
    assert steps > 50
    assert desk.say(1.0) == []


def test_what_was_muted_and_is_over_is_not_told() -> None:
    """The reason it was never told of is written down."""
    desk = Desk()
    desk.quiet["chat"] = "silence 1"
    desk.take(fired(DOWN))
    desk.say(0.0)
    desk.take(over(DOWN, 60.0))
    assert desk.say(900.0) == []
    last = desk.decided[-1]
    assert (last.event, last.detail) == (Event.OVER_UNTOLD, "silence 1")


def test_every_channel_is_told_at_its_own_pace() -> None:
    """A slow channel does not hold a quick one up."""
    slow = Route(("mail",), timing=Timing({Severity.CRITICAL: 60.0}), goes_on=True)
    desk = Desk((slow, EVERYBODY))
    desk.take(fired(DOWN))
    assert [each.channel for each in desk.say(0.0)] == ["team"]
    assert [each.channel for each in desk.say(60.0)] == ["mail"]


def test_an_end_is_told_where_the_beginning_was() -> None:
    """Of two channels one may not have heard of it yet: it has nothing to be told."""
    slow = Route(("mail",), timing=Timing({Severity.CRITICAL: 60.0}), goes_on=True)
    desk = Desk((slow, EVERYBODY))
    desk.take(fired(DOWN))
    desk.say(0.0)
    desk.take(over(DOWN, 30.0))
    assert [each.channel for each in desk.say(600.0)] == ["team"]
    assert desk.events() == ["routed", "routed", "told", "over_untold", "told_over"]
    assert desk.router.groups == {}


def test_a_restart_neither_repeats_nor_forgets() -> None:
    """What was told stays told; what was not goes out as it would have."""
    before = Desk()
    before.take(fired(DOWN))
    before.say(0.0)
    before.take(fired(OTHER, 10.0))
    after = Desk()
    after.decided += after.router.restore(before.router.snapshot(), (), ("team",), 20.0)
    assert after.say(20.0) == []
    (message,) = after.say(300.0)
    assert (message.number, message.firing) == (1, (DOWN, OTHER))


def test_a_clock_that_is_set_back_silences_no_group() -> None:
    """Restarted a day before its own last message, a group waits an interval and not a day."""
    day_s = 86_400.0
    before = Desk()
    before.take(fired(DOWN, day_s))
    before.say(day_s)
    before.take(fired(OTHER, day_s + 10.0))
    after = Desk()
    list(after.router.restore(before.router.snapshot(), (), ("team",), 0.0))
    assert after.say(299.0) == []
    (message,) = after.say(300.0)
    assert message.firing == (DOWN, OTHER)


def test_an_alert_that_waits_is_not_kept_waiting_by_a_clock_that_is_set_back() -> None:
    """Its wait begins anew with the process, at the most."""
    before = Desk()
    before.take(fired(SLOW, 86_400.0))
    after = Desk()
    list(after.router.restore(before.router.snapshot(), (), ("team",), 0.0))
    assert after.say(29.0) == []
    assert [message.firing for message in after.say(30.0)] == [(SLOW,)]


def test_an_alert_that_fires_in_no_group_joins_at_a_restart() -> None:
    """A channel that is new is told of what already fires; one that knows it is not."""
    before = Desk()
    before.take(fired(DOWN))
    before.say(0.0)
    after = Desk((Route(("team", "pager")),))
    fires = fired(DOWN)  # a transition stands in for the alert: both have identity and labels
    list(after.router.restore(before.router.snapshot(), (), ("team", "pager"), 50.0))
    after.decided += after.router.join(fires, 50.0)
    assert [each.channel for each in after.say(50.0)] == ["pager"]


def test_groups_of_channels_that_are_gone_are_forgotten() -> None:
    """Nobody can be told there any more."""
    before = Desk()
    before.take(fired(DOWN))
    after = Router((), labels_of)
    assert list(after.restore(before.router.snapshot(), (), (), 0.0)) == []
    assert after.groups == {}


def test_an_alert_stays_in_the_group_a_channel_knows_it_in() -> None:
    """Grouping by other labels after a reload does not tell the channel twice."""
    before = Desk()
    before.take(fired(DOWN))
    before.say(0.0)
    after = Desk((Route(("team",), group_by=("target",)),))
    list(after.router.restore(before.router.snapshot(), (), ("team",), 10.0))
    after.take(fired(DOWN, 10.0))
    assert list(after.router.groups) == [("team", SHARED)]


def test_a_restored_group_takes_the_pace_of_the_routes_there_are() -> None:
    """Routes are configuration and not stored; a channel on no route keeps the default pace."""
    quick = Timing(interval_s=1.0)
    saved = Group(("team", SHARED), Timing(), {DOWN: Member(0.0, told=True)}, 0.0, 1)
    router = Router((Route(("team",), timing=quick),), labels_of)
    list(router.restore((saved,), (), ("team", "lost"), 0.0))
    assert router.groups["team", SHARED].timing == quick
    lost = replace(saved, key=("lost", SHARED))
    list(router.restore((lost,), (), ("team", "lost"), 0.0))
    assert router.groups["lost", SHARED].timing == Timing()


def test_what_changed_is_known_until_it_is_written_down() -> None:
    """A snapshot is asked for when there is something new in it, and stays as it was taken."""
    desk = Desk()
    assert not desk.router.changed
    desk.take(fired(DOWN))
    assert desk.router.changed
    (saved,) = desk.router.snapshot()
    assert not desk.router.changed
    desk.say(0.0)
    assert desk.router.changed
    assert saved.sent_at is None
    assert not saved.members[DOWN].told


def test_a_repetition_is_a_change() -> None:
    """The time of the newest message has to survive, or a restart would repeat it again."""
    desk = Desk()
    desk.take(fired(DOWN))
    desk.say(0.0)
    desk.router.snapshot()
    desk.say(14_400.0)
    assert desk.router.changed


def test_a_group_without_labels_is_everything() -> None:
    """People read which group they are told of."""
    assert group_text(("team", ())) == "everything"
    assert group_text(("team", (("provider", "openai"), ("fault", "")))) == "provider=openai"
