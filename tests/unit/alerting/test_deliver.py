"""Delivery in virtual time: who is tried when, and what becomes of each answer."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerting.notification import SEND_BUDGET_S, DeliveryError
from alerting.patience import LEDGER_PAUSE_S, LEDGER_WAIT_S
from alerting.retry import GIVE_UP_AFTER_S, LONGEST_BACKOFF_S, LONGEST_WAIT_S, backoff_s
from tests.unit.alerting.delivering import BUSY, HANG, REFUSED, Road, Sink, at_work, empty_road
from tests.unit.alerting.messages import NOW, firing, resolved

pytestmark = pytest.mark.looptime


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    """Make an empty outbox."""
    async with empty_road(tmp_path) as made:
        yield made


async def test_what_is_queued_is_sent_once(road: Road) -> None:
    """Each row reaches its channel once, in order, and is marked."""
    await road.put(firing("a"), firing("b"), resolved("a"))
    sink = Sink()
    with capture_logs() as logs:
        await road.run(road.deliverer(sink), 100)
    assert sink.taken == ["msg_a_firing_1", "msg_b_firing_1", "msg_a_resolved_1"]
    assert set((await road.statuses()).values()) == {"sent"}
    assert road.outcomes == {("team", "sent"): 3}
    assert logs[0] == {
        "event": "notification.sent", "log_level": "info", "channel": "team",
        "id": "msg_a_firing_1", "alertname": "a", "attempt": 1,
    }  # fmt: skip


async def test_waking_delivers_at_once(road: Road) -> None:
    """A row put in while the loop rests goes out when it is woken, not at the next look."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deliverer.run(), name="deliver")
        await asyncio.sleep(7)
        await road.put(firing("a"))
        deliverer.wake()
        await asyncio.sleep(1)
        running.cancel()
    assert [at for at, _ in sink.attempts] == [7]


async def test_a_lost_wake_costs_a_minute_at_most(road: Road) -> None:
    """Even unwoken, the loop looks by itself."""
    sink = Sink()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(road.deliverer(sink).run(), name="deliver")
        await asyncio.sleep(7)
        await road.put(firing("a"))
        await asyncio.sleep(60)
        running.cancel()
    assert sink.taken == ["msg_a_firing_1"]


async def test_failures_are_tried_again_at_growing_intervals(road: Road) -> None:
    """The schedule is the retry policy's, to the moment."""
    await road.put(firing("a"))
    sink = Sink(script=deque([BUSY] * 4))
    with capture_logs() as logs:
        await road.run(road.deliverer(sink), 100)
    expected = [0.0]
    for attempt in range(1, 5):
        expected.append(expected[-1] + backoff_s("msg_a_firing_1", attempt))
    assert [at for at, _ in sink.attempts] == pytest.approx(expected, abs=0.02)
    assert road.outcomes == {("team", "retried"): 4, ("team", "sent"): 1}
    retries = [each for each in logs if each["event"] == "notification.retry"]
    assert [each["attempt"] for each in retries] == [1, 2, 3, 4]
    assert retries[0]["error"] == "busy"
    assert retries[0]["log_level"] == "warning"


async def test_resolved_never_overtakes_firing(road: Road) -> None:
    """The end of an alert waits until its beginning is out, however long that takes."""
    await road.put(firing("a"), resolved("a"))
    sink = Sink(script=deque([BUSY] * 3))
    await road.run(road.deliverer(sink), 100)
    assert sink.taken == ["msg_a_firing_1", "msg_a_resolved_1"]
    assert {identity for _, identity in sink.attempts[:4]} == {"msg_a_firing_1"}


async def test_a_failing_alert_does_not_hold_up_another(road: Road) -> None:
    """The backoff is the row's own."""
    await road.put(firing("a"), firing("b"))
    sink = Sink(script=deque([BUSY]))
    await road.run(road.deliverer(sink), 100)
    assert sink.taken == ["msg_b_firing_1", "msg_a_firing_1"]
    assert sink.attempts[1][0] < 0.1


async def test_throttling_holds_the_whole_channel_and_no_other(road: Road) -> None:
    """After a 429 nothing goes to that channel before its Retry-After; others go on."""
    await road.put(firing("a"), firing("b"), channels=("team", "ops"))
    limited = DeliveryError("429", retryable=True, retry_after_s=30, throttled=True)
    team, ops = Sink("team", deque([limited])), Sink("ops")
    deliverer = road.deliverer(team, ops)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deliverer.run(), name="deliver")
        await asyncio.sleep(10)
        await road.put(firing("c"))
        deliverer.wake()
        await asyncio.sleep(40)
        running.cancel()
    assert [at for at, _ in team.attempts] == pytest.approx([0, 30, 30, 30], abs=0.02)
    assert [at for at, _ in ops.attempts] == [0, 0]
    assert sorted(team.taken) == ["msg_a_firing_1", "msg_b_firing_1", "msg_c_firing_1"]


async def test_a_refusal_is_dead_and_the_rest_goes_on(road: Road) -> None:
    """What the receiver refuses for good is buried, loudly; what follows is still told."""
    await road.put(firing("a"), resolved("a"))
    sink = Sink(script=deque([REFUSED]))
    with capture_logs() as logs:
        await road.run(road.deliverer(sink), 100)
    assert await road.statuses() == {"msg_a_firing_1": "dead", "msg_a_resolved_1": "sent"}
    assert road.outcomes == {("team", "dead"): 1, ("team", "sent"): 1}
    assert logs[0] == {
        "event": "notification.dead", "log_level": "error", "channel": "team",
        "id": "msg_a_firing_1", "alertname": "a", "attempt": 1, "error": "no_service",
    }  # fmt: skip


async def test_a_bug_in_a_notifier_stops_nobody(road: Road) -> None:
    """An unexpected exception is that row's end, named by type and place, never by its text."""
    await road.put(firing("a"), firing("b"))
    sink = Sink(script=deque([ValueError("https://hooks.slack.com/services/secret")]))
    with capture_logs() as logs:
        await road.run(road.deliverer(sink), 100)
    assert sink.taken == ["msg_b_firing_1"]
    assert logs[0]["event"] == "notification.dead"
    assert "ValueError at delivering.py:" in logs[0]["error"]
    assert "secret" not in str(logs)


async def test_a_hang_costs_the_send_budget(road: Road) -> None:
    """A receiver that never answers is left after ten seconds and tried again."""
    await road.put(firing("a"), firing("b"))
    sink = Sink(script=deque([HANG]))
    await road.run(road.deliverer(sink), 100)
    second, third = sink.attempts[1:]
    assert second == (pytest.approx(SEND_BUDGET_S, abs=0.1), "msg_b_firing_1")
    assert third[0] == pytest.approx(SEND_BUDGET_S + backoff_s("msg_a_firing_1", 1), abs=0.1)


async def test_given_up_after_a_day(road: Road) -> None:
    """A sink that is gone for a day loses what was for it, and not before."""
    await road.put(firing("a"))
    await road.ledger.write(  # as after a day of attempts, but for two minutes
        lambda connection: (
            connection.execute(
                "UPDATE outbox SET attempts = 290, created_at = ?", (NOW - GIVE_UP_AFTER_S + 120,)
            ).rowcount
        )
    )
    sink = Sink(always=BUSY)
    await road.run(road.deliverer(sink), 119)
    assert await road.statuses() == {"msg_a_firing_1": "queued"}
    await road.run(road.deliverer(sink), LONGEST_BACKOFF_S)
    assert await road.statuses() == {"msg_a_firing_1": "dead"}
    assert len(sink.attempts) == 2


@pytest.mark.parametrize("step_s", [86_400.0, -86_400.0, -1_800.0])
async def test_a_clock_step_over_a_restart_loses_nothing(road: Road, step_s: float) -> None:
    """A clock set forward or back while we were away delays by its step, an hour at most."""
    await road.put(firing("a"))
    sink = Sink(script=deque([BUSY]))
    await road.run(road.deliverer(sink), 0.1)
    road.clock_offset_s += step_s
    await road.run(road.deliverer(sink), LONGEST_WAIT_S)
    assert sink.taken == ["msg_a_firing_1"]


async def test_cancelled_while_sending_the_row_stays(road: Road) -> None:
    """A daemon stopped in the middle of a send sends again when it is back, under the same id."""
    await road.put(firing("a"))
    sink = Sink(script=deque([HANG]))
    await road.run(road.deliverer(sink), 3)
    assert await road.statuses() == {"msg_a_firing_1": "queued"}
    await road.run(road.deliverer(sink), 3)
    assert [identity for _, identity in sink.attempts] == ["msg_a_firing_1"] * 2
    assert await road.statuses() == {"msg_a_firing_1": "sent"}


async def test_a_full_disk_repeats_nothing(road: Road) -> None:
    """What was sent but could not be marked is not sent again; the mark is made up for."""
    await road.put(firing("a"), firing("b"), resolved("a"))
    sink = Sink()
    sent = ["msg_a_firing_1", "msg_b_firing_1", "msg_a_resolved_1"]
    road.ledger.full = True
    with capture_logs() as logs:
        async with at_work(road.deliverer(sink)):
            await asyncio.sleep(0.1)
            assert sink.taken == sent
            await asyncio.sleep(3 * LEDGER_PAUSE_S)
            assert set((await road.statuses()).values()) == {"queued"}
            await road.ledger.free()
            await asyncio.sleep(2 * LEDGER_PAUSE_S)
    assert sink.taken == sent
    assert set((await road.statuses()).values()) == {"sent"}
    assert {each["event"] for each in logs} == {"notification.ledger_failed", "notification.sent"}


async def test_a_full_disk_does_not_end_retries(road: Road) -> None:
    """A failure that could not be noted is remembered: the row's next attempts keep their pace."""
    await road.put(firing("a"))
    sink = Sink(script=deque([BUSY] * 3))
    road.ledger.full = True
    async with at_work(road.deliverer(sink)):
        await asyncio.sleep(30)
        await road.ledger.free()
        await asyncio.sleep(2 * LEDGER_PAUSE_S)
    waits = [backoff_s("msg_a_firing_1", attempt) for attempt in (1, 2, 3)]
    expected = [0.0, waits[0], sum(waits[:2]), sum(waits)]
    assert [at for at, _ in sink.attempts] == pytest.approx(expected, abs=0.1)
    assert await road.statuses() == {"msg_a_firing_1": "sent"}


async def test_a_disk_that_hangs_costs_one_wait(road: Road) -> None:
    """Marks that get no answer hold up the first row only; none is sent twice in the end."""
    await road.put(*(firing(str(number)) for number in range(20)))
    sink = Sink()
    road.ledger.stuck = True
    async with at_work(road.deliverer(sink)):
        await asyncio.sleep(2 * LEDGER_WAIT_S + 0.1)
        assert len(sink.taken) == 20
        await asyncio.sleep(60)
        await road.ledger.free()
        await asyncio.sleep(2 * LEDGER_PAUSE_S)
    assert len(sink.taken) == len(set(sink.taken)) == 20
    assert set((await road.statuses()).values()) == {"sent"}


async def test_stopped_while_marking_nothing_is_repeated(road: Road) -> None:
    """Stopped between sending and the mark's commit, the deliverer still owes the mark."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with at_work(deliverer) as running:
        await asyncio.sleep(1)
        await road.put(firing("a"))
        road.ledger.stuck = True
        deliverer.wake()
        await asyncio.sleep(1)
        deliverer.stop()
        road.ledger.stuck = False
        await running
    assert await road.statuses() == {"msg_a_firing_1": "sent"}
    assert sink.taken == ["msg_a_firing_1"]


async def test_an_unreadable_ledger_is_looked_at_again(road: Road) -> None:
    """A ledger that cannot be read for a while delays, and ends nothing."""
    await road.put(firing("a"))
    sink = Sink()
    road.ledger.unreadable = True
    async with asyncio.TaskGroup() as group:
        running = group.create_task(road.deliverer(sink).run(), name="deliver")
        await asyncio.sleep(1)
        await road.ledger.free()
        await asyncio.sleep(LEDGER_PAUSE_S)
        running.cancel()
    assert sink.taken == ["msg_a_firing_1"]


async def test_a_damaged_row_is_buried(road: Road) -> None:
    """A payload that cannot be read ends that row and not the loop."""
    await road.put(firing("a"), firing("b"))
    await road.ledger.write(
        lambda connection: (
            connection.execute(
                "UPDATE outbox SET payload = '[]' WHERE id = 'msg_a_firing_1'"
            ).rowcount
        )
    )
    sink = Sink()
    await road.run(road.deliverer(sink), 10)
    assert await road.statuses() == {"msg_a_firing_1": "dead", "msg_b_firing_1": "sent"}


async def test_rows_of_removed_channels_are_buried_at_the_start(road: Road) -> None:
    """What waited for a channel that is gone is given up, counted and told."""
    await road.put(firing("a"), channels=("old",))
    with capture_logs() as logs:
        await road.run(road.deliverer(Sink()), 10)
    assert await road.statuses() == {"msg_a_firing_1": "dead"}
    assert road.outcomes == {("old", "dead"): 1}
    assert logs[0]["event"] == "notification.dead"


async def test_without_channels_it_still_runs(road: Road) -> None:
    """No channel is a configuration like any other: it returns when stopped, not before."""
    deliverer = road.deliverer()
    async with at_work(deliverer) as running:
        await asyncio.sleep(10)
        assert not running.done()
        deliverer.stop()
        await running


async def test_delivery_tasks_bear_their_channels_names(road: Road) -> None:
    """A stack dump says which channel a task serves."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(road.deliverer(Sink(), Sink("ops")).run(), name="deliver")
        await asyncio.sleep(1)
        names = {task.get_name() for task in asyncio.all_tasks()}
        running.cancel()
    assert {"deliver to team", "deliver to ops"} <= names


async def test_a_channel_that_is_limited_sends_no_more_in_any_hour(road: Road) -> None:
    """What is beyond waits its turn, and goes when the oldest attempt is an hour old."""
    sink = Sink()
    deliverer = road.deliverer(sink, most_per_hour=3)
    await road.put(*(firing(str(number)) for number in range(5)))
    with capture_logs() as logs:
        await road.run(deliverer, 8_000)
    assert [round(at) for at, _ in sink.attempts] == [0, 0, 0, 3600, 3600]
    limited = [each for each in logs if each["event"] == "notification.limited"]
    assert [each["wait_s"] for each in limited] == [3600]


async def test_a_limit_that_is_not_reached_is_not_told(road: Road) -> None:
    """As many attempts as an hour may have, and one more when the oldest of them is long past."""
    sink = Sink()
    deliverer = road.deliverer(sink, most_per_hour=2)

    async def now_and_then() -> None:
        for number in range(4):
            await road.save(deliverer, firing(str(number)))
            await asyncio.sleep(3_700)

    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(now_and_then())
            group.create_task(road.run(deliverer, 15_000))
    assert [round(at) for at, _ in sink.attempts] == [0, 3700, 7400, 11100]
    assert "notification.limited" not in {each["event"] for each in logs}
