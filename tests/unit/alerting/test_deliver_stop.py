"""Stopping delivery, in virtual time: what is in hand is finished, what is due is tried once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerting.notification import SEND_BUDGET_S, DeliveryError
from alerting.patience import LEDGER_WAIT_S
from tests.unit.alerting.delivering import BUSY, HANG, Road, Sink, at_work, empty_road
from tests.unit.alerting.messages import firing, resolved

pytestmark = pytest.mark.looptime

LIMITED = DeliveryError("429", retryable=True, retry_after_s=30, throttled=True)


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    """Make an empty outbox."""
    async with empty_road(tmp_path) as made:
        yield made


async def stopped(road: Road, *sinks: Sink) -> None:
    """Run a deliverer that is stopped before it begins: its last turns are all it has."""
    deliverer = road.deliverer(*sinks)
    deliverer.stop()
    await deliverer.run()


async def test_an_attempt_in_hand_is_finished_and_not_repeated(road: Road) -> None:
    """A receiver that answers after the stop has got one delivery, and the row is marked."""
    await road.put(firing("a"))
    sink = Sink(script=deque([1.5]))
    deliverer = road.deliverer(sink)
    async with at_work(deliverer) as running:
        await sink.in_hand.wait()
        deliverer.stop()
        await running
    assert [identity for _, identity in sink.attempts] == ["msg_a_firing_1"]
    assert sink.taken == ["msg_a_firing_1"]
    assert await road.statuses() == {"msg_a_firing_1": "sent"}


async def test_what_has_just_failed_is_not_tried_again(road: Road) -> None:
    """The attempt in hand was this row's last one; others that are due get theirs."""
    await road.put(firing("a"), firing("b"), firing("c"))
    sink = Sink(script=deque([HANG, 3.0, 3.0]))
    deliverer = road.deliverer(sink)
    with capture_logs() as logs:
        async with at_work(deliverer) as running:
            await sink.in_hand.wait()
            deliverer.stop()
            await running
    assert [identity for _, identity in sink.attempts] == [
        "msg_a_firing_1", "msg_b_firing_1", "msg_c_firing_1",
    ]  # fmt: skip
    assert logs[-1] == {
        "event": "notification.left_queued", "log_level": "warning", "channels": {"team": 1},
    }  # fmt: skip


async def test_each_due_row_is_tried_once(road: Road) -> None:
    """What fails waits for the next start; an alert's end goes out with its beginning."""
    await road.put(firing("a"), firing("b"), resolved("b"), firing("c"))
    sink = Sink(script=deque([BUSY]))
    await stopped(road, sink)
    assert sink.taken == ["msg_b_firing_1", "msg_b_resolved_1", "msg_c_firing_1"]
    assert len(sink.attempts) == 4
    assert (await road.statuses())["msg_a_firing_1"] == "queued"


async def test_a_resting_lane_stops_at_once(road: Road) -> None:
    """Nothing to do: the stop is not waited out."""
    deliverer = road.deliverer(Sink())
    loop = asyncio.get_running_loop()
    async with at_work(deliverer) as running:
        await asyncio.sleep(7)
        deliverer.stop()
        await running
        assert loop.time() == 7


async def test_a_hung_receiver_holds_up_its_own_lane_alone(road: Road) -> None:
    """Its attempt ends with the send budget; the other channel is served meanwhile."""
    await road.put(firing("a"), channels=("team", "ops"))
    team, ops = Sink("team", always=HANG), Sink("ops")
    await stopped(road, team, ops)
    assert asyncio.get_running_loop().time() == pytest.approx(SEND_BUDGET_S)
    assert ops.taken == ["msg_a_firing_1"]
    assert len(team.attempts) == 1


async def test_cut_short_it_says_so(road: Road) -> None:
    """Whoever cancels a stop that takes too long finds in the log what was cut, and it stays."""
    await road.put(firing("a"))
    deliverer = road.deliverer(Sink(always=HANG))
    deliverer.stop()
    with capture_logs() as logs:
        await road.run(deliverer, 3)
    assert logs == [
        {
            "event": "notification.cut_short", "log_level": "warning",
            "channel": "team", "id": "msg_a_firing_1",
        }
    ]  # fmt: skip
    assert await road.statuses() == {"msg_a_firing_1": "queued"}


async def test_a_throttled_channel_is_left_alone(road: Road) -> None:
    """After a 429 the rest of that channel waits for the next start."""
    await road.put(firing("a"), firing("b"))
    sink = Sink(always=LIMITED)
    await stopped(road, sink)
    assert len(sink.attempts) == 1
    assert set((await road.statuses()).values()) == {"queued"}


async def test_what_is_owed_is_settled(road: Road) -> None:
    """A mark that a full disk refused is made at the stop, and nothing is sent twice."""
    await road.put(firing("a"))
    sink = Sink()
    deliverer = road.deliverer(sink)
    road.ledger.full = True
    async with at_work(deliverer) as running:
        await asyncio.sleep(1)
        await road.ledger.free()
        deliverer.stop()
        await running
    assert sink.taken == ["msg_a_firing_1"]
    assert await road.statuses() == {"msg_a_firing_1": "sent"}


async def test_a_dead_disk_does_not_keep_us(road: Road) -> None:
    """A ledger that hangs in every way costs a few short waits."""
    await road.put(firing("a"))
    road.ledger.stuck = road.ledger.hung = True
    with capture_logs() as logs:
        await stopped(road, Sink())
    assert asyncio.get_running_loop().time() <= 4 * LEDGER_WAIT_S
    assert {each["event"] for each in logs} == {"notification.ledger_failed"}


async def test_memory_is_tried_once_and_then_saved(road: Road) -> None:
    """What the channel does not take at the stop is put into a ledger that works again."""
    sink = Sink(always=BUSY)
    deliverer = road.deliverer(sink)
    async with at_work(deliverer) as running:
        road.ledger.full = True
        await asyncio.sleep(1)
        await road.save(deliverer, firing("a"), resolved("a"), firing("b"))
        await asyncio.sleep(0.1)
        tried = len(sink.attempts)
        await road.ledger.free()
        deliverer.stop()
        await running
    assert [identity for _, identity in sink.attempts[tried:]] == [
        "msg_a_firing_1", "msg_b_firing_1",
    ]  # fmt: skip
    after = Sink()
    await road.run(road.deliverer(after), 10)
    assert after.taken == ["msg_a_firing_1", "msg_a_resolved_1", "msg_b_firing_1"]


async def test_memory_that_cannot_be_saved_is_told_as_lost(road: Road) -> None:
    """An error line for each, with its id: somebody may have to be called."""
    deliverer = road.deliverer(Sink(always=BUSY))
    deliverer.stop()
    road.ledger.full = True
    await road.save(deliverer, firing("a"), firing("b"))
    with capture_logs() as logs:
        await deliverer.run()
        deliverer.offer("team", firing("c"))
    lost = [each for each in logs if each["event"] == "notification.lost"]
    assert [each["id"] for each in lost] == ["msg_a_firing_1", "msg_b_firing_1", "msg_c_firing_1"]
    assert {(each["log_level"], each["channel"]) for each in lost} == {("error", "team")}


async def test_what_its_own_end_has_overtaken_is_lost(road: Road) -> None:
    """A beginning is not put behind an end that is queued already: the next start tells the end."""
    sink = Sink(always=BUSY)
    deliverer = road.deliverer(sink)
    with capture_logs() as logs:
        async with at_work(deliverer) as running:
            await asyncio.sleep(1)
            road.ledger.full = True
            await road.save(deliverer, firing("a"))
            await road.ledger.free()
            await road.save(deliverer, resolved("a"))
            deliverer.stop()
            await running
    lost = [each["id"] for each in logs if each["event"] == "notification.lost"]
    assert lost == ["msg_a_firing_1"]
    assert await road.statuses() == {"msg_a_resolved_1": "queued"}
    assert {identity for _, identity in sink.attempts} == {"msg_a_firing_1"}


async def test_memory_is_told_as_lost_when_cut_short(road: Road) -> None:
    """Cancelled in the middle of the attempt, the message is named all the same."""
    deliverer = road.deliverer(Sink(always=HANG))
    with capture_logs() as logs:
        async with at_work(deliverer) as running:
            await asyncio.sleep(1)
            deliverer.offer("team", firing("a"))
            await asyncio.sleep(1)
            running.cancel()
    assert [each["event"] for each in logs] == ["notification.cut_short", "notification.lost"]
