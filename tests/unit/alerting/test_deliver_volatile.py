"""Delivery while the ledger takes no writes, in virtual time: from memory, in order, once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerting import outbox
from alerting.notification import SEND_BUDGET_S, DeliveryError
from alerting.patience import LEDGER_PAUSE_S, LEDGER_WAIT_S
from alerting.retry import backoff_s
from alerting.volatile import VOLATILE_LIMIT
from tests.unit.alerting.delivering import BUSY, HANG, REFUSED, Road, Sink, at_work, empty_road
from tests.unit.alerting.messages import firing, resolved

pytestmark = pytest.mark.looptime

LIMITED = DeliveryError("429", retryable=True, retry_after_s=30, throttled=True)


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    """Make an empty outbox."""
    async with empty_road(tmp_path) as made:
        yield made


def ids(sink: Sink) -> list[str]:
    """Return what was attempted, in order."""
    return [identity for _, identity in sink.attempts]


async def test_a_full_disk_silences_nobody(road: Road) -> None:
    """Twenty notifications reach every channel at once, in order of arrival, counted."""
    team, ops = Sink("team"), Sink("ops")
    deliverer = road.deliverer(team, ops)
    offered = [firing(str(number)) for number in range(20)]
    road.ledger.full = True
    with capture_logs() as logs:
        async with at_work(deliverer):
            await asyncio.sleep(1)
            await road.save(deliverer, *offered, channels=("team", "ops"))
            await asyncio.sleep(0.1)
    assert team.taken == ops.taken == [notification.id for notification in offered]
    assert road.outcomes == {("team", "sent"): 20, ("ops", "sent"): 20}
    assert sum(each["event"] == "notification.sent" for each in logs) == 40


async def test_offering_returns_at_once(road: Road) -> None:
    """A channel that hangs holds up nobody who offers, and no other channel."""
    hung, ops = Sink("hung", always=HANG), Sink("ops")
    deliverer = road.deliverer(hung, ops)
    road.ledger.full = True
    async with at_work(deliverer):
        for number in range(20):
            await road.save(deliverer, firing(str(number)), channels=("hung", "ops"))
        assert asyncio.get_running_loop().time() == 0
        await asyncio.sleep(0.1)
        assert len(ops.taken) == 20
        assert len(hung.attempts) == 1


@pytest.mark.parametrize("disk", ["full", "stuck"])
async def test_the_end_never_overtakes_the_beginning(road: Road, disk: str) -> None:
    """Fired in memory and not taken; resolved into a ledger that works again: heard in order."""
    sink = Sink(script=deque([BUSY] * 4))
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await asyncio.sleep(1)
        setattr(road.ledger, disk, True)
        await road.save(deliverer, firing("a"))
        await road.ledger.free()
        await road.save(deliverer, resolved("a"))
        await asyncio.sleep(60)
    assert sink.taken == ["msg_a_firing_1", "msg_a_resolved_1"]
    assert ids(sink) == ["msg_a_firing_1"] * 5 + ["msg_a_resolved_1"]


async def test_memory_waits_for_earlier_rows_of_its_alert(road: Road) -> None:
    """The beginning is queued and not taken yet; its end, in memory, waits; other alerts do not."""
    sink = Sink(script=deque([BUSY, None, BUSY]))
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(0.1)
        road.ledger.full = True
        await road.save(deliverer, resolved("a"), firing("b"))
        await asyncio.sleep(60)
    assert sink.taken == ["msg_b_firing_1", "msg_a_firing_1", "msg_a_resolved_1"]


async def test_memory_waits_for_rows_of_an_earlier_life(road: Road) -> None:
    """A beginning the process before us could not deliver goes out before its end does."""
    await road.put(firing("a"))
    sink = Sink(script=deque([BUSY]))
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await asyncio.sleep(0.1)
        road.ledger.full = True
        await road.save(deliverer, resolved("a"))
        await asyncio.sleep(10)
    assert sink.taken == ["msg_a_firing_1", "msg_a_resolved_1"]


async def test_memory_does_not_wait_for_a_mark(road: Road) -> None:
    """The beginning was sent, only its mark could not be written: the end goes out."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await road.put(firing("a"))
        road.ledger.full = True
        deliverer.wake(1)
        await asyncio.sleep(0.1)
        await road.save(deliverer, resolved("a"))
        await asyncio.sleep(0.1)
    assert sink.taken == ["msg_a_firing_1", "msg_a_resolved_1"]


async def test_memory_keeps_its_own_order_per_alert(road: Road) -> None:
    """Beginning and end both in memory: the end waits for the beginning's retries."""
    sink = Sink(script=deque([BUSY]))
    deliverer = road.deliverer(sink)
    road.ledger.full = True
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"), resolved("a"), firing("b"))
        await asyncio.sleep(60)
    assert sink.taken == ["msg_b_firing_1", "msg_a_firing_1", "msg_a_resolved_1"]


async def test_retries_from_memory_keep_the_policys_pace(road: Road) -> None:
    """1, 2, 4 s, as for rows, though nothing is written."""
    sink = Sink(script=deque([BUSY] * 3))
    deliverer = road.deliverer(sink)
    road.ledger.full = True
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(30)
    waits = [backoff_s("msg_a_firing_1", attempt) for attempt in (1, 2, 3)]
    expected = [0.0, waits[0], sum(waits[:2]), sum(waits)]
    assert [at for at, _ in sink.attempts] == pytest.approx(expected, abs=0.1)
    assert road.outcomes == {("team", "retried"): 3, ("team", "sent"): 1}


async def test_throttling_holds_memory_too(road: Road) -> None:
    """After a 429 nothing goes to the channel before its Retry-After, wherever it is kept."""
    sink = Sink(script=deque([LIMITED]))
    deliverer = road.deliverer(sink)
    road.ledger.full = True
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"), firing("b"))
        await asyncio.sleep(10)
        await road.save(deliverer, firing("c"))
        await asyncio.sleep(60)
    assert [at for at, _ in sink.attempts] == pytest.approx([0, 30, 30, 30], abs=0.1)
    assert sorted(sink.taken) == ["msg_a_firing_1", "msg_b_firing_1", "msg_c_firing_1"]


async def test_a_refusal_in_memory_is_dead(road: Road) -> None:
    """What the receiver refuses for good is told once and does not hold its end back."""
    sink = Sink(script=deque([REFUSED]))
    deliverer = road.deliverer(sink)
    road.ledger.full = True
    with capture_logs() as logs:
        async with at_work(deliverer):
            await road.save(deliverer, firing("a"), resolved("a"))
            await asyncio.sleep(60)
    assert sink.taken == ["msg_a_resolved_1"]
    assert road.outcomes == {("team", "dead"): 1, ("team", "sent"): 1}
    (dead,) = [each for each in logs if each["event"] == "notification.dead"]
    assert (dead["id"], dead["error"]) == ("msg_a_firing_1", "no_service")


async def test_what_is_too_much_is_dropped_and_counted(road: Road) -> None:
    """The oldest go, each counted and named; the one just being sent is not torn away."""
    sink = Sink(script=deque([5.0]), always=HANG)
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        deliverer.offer("team", firing("0"))
        await sink.in_hand.wait()
        with capture_logs() as logs:
            for number in range(1, VOLATILE_LIMIT + 2):
                deliverer.offer("team", firing(str(number)))
        await asyncio.sleep(6)
    assert [(each["event"], each["id"]) for each in logs] == [
        ("notification.dropped", "msg_1_firing_1"),
        ("notification.dropped", "msg_2_firing_1"),
    ]
    assert road.outcomes == {("team", "dropped"): 2, ("team", "sent"): 1}
    assert ids(sink) == ["msg_0_firing_1", "msg_3_firing_1"]


@pytest.mark.parametrize("answer", [None, REFUSED])
async def test_committed_after_all_is_not_sent_twice(road: Road, answer: Exception | None) -> None:
    """The write got no answer and was done in the end: its row is settled as memory was."""
    sink = Sink(script=deque([answer]))
    deliverer = road.deliverer(sink)
    road.ledger.stuck = True
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(1)
        assert ids(sink) == ["msg_a_firing_1"]
        await road.ledger.free()
        await road.save(deliverer, resolved("a"))
        await asyncio.sleep(2 * LEDGER_PAUSE_S)
    assert ids(sink) == ["msg_a_firing_1", "msg_a_resolved_1"]
    assert await road.statuses() == {
        "msg_a_firing_1": "sent" if answer is None else "dead",
        "msg_a_resolved_1": "sent",
    }


async def test_committed_while_still_in_memory_is_sent_once(road: Road) -> None:
    """The row of what is waiting here for its retry waits too, and so do later ones."""
    sink = Sink(script=deque([BUSY] * 3))
    deliverer = road.deliverer(sink)
    road.ledger.stuck = True
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(1)
        await road.ledger.free()
        await road.save(deliverer, resolved("a"))
        await road.save(deliverer, firing("a", 2))
        await asyncio.sleep(60)
    assert sink.taken == ["msg_a_firing_1", "msg_a_resolved_1", "msg_a_firing_2"]
    assert ids(sink).count("msg_a_firing_1") == 4
    assert set((await road.statuses()).values()) == {"sent"}


@pytest.mark.parametrize("disk", ["unreadable", "hung"])
async def test_without_a_readable_ledger_people_hear_of_outages(road: Road, disk: str) -> None:
    """Beginnings go out, after one wait at most for all of them; ends wait for a ledger to ask."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await asyncio.sleep(1)
        road.ledger.full = True
        setattr(road.ledger, disk, True)
        await road.save(deliverer, firing("a"), resolved("b"), firing("c"), firing("d"))
        await asyncio.sleep(LEDGER_WAIT_S + 0.1)
        assert sink.taken == ["msg_a_firing_1", "msg_c_firing_1", "msg_d_firing_1"]
        before = road.ledger.reads
        await asyncio.sleep(60)
        assert road.ledger.reads - before <= 60 / LEDGER_PAUSE_S + 1
        assert len(sink.taken) == 3
        await road.ledger.free()
        await asyncio.sleep(LEDGER_WAIT_S + LEDGER_PAUSE_S)
    assert sink.taken[3:] == ["msg_b_resolved_1"]


async def test_a_hung_disk_is_noticed_by_others_within_the_send_budget(road: Road) -> None:
    """A lane that is just asking a disk that hangs turns to what is offered soon after."""
    await road.put(firing("a"))
    sink = Sink()
    deliverer = road.deliverer(sink)
    road.ledger.hung = True
    async with at_work(deliverer):
        await asyncio.sleep(0.5)
        deliverer.offer("team", firing("b"))
        await asyncio.sleep(SEND_BUDGET_S)
        assert sink.taken == ["msg_b_firing_1"]


async def test_the_outbox_has_its_turn_while_memory_waits(road: Road) -> None:
    """Retries in memory do not hold up rows of other alerts."""
    sink = Sink(script=deque([BUSY]))
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await asyncio.sleep(1)
        deliverer.offer("team", firing("a"))
        await asyncio.sleep(0.1)
        await road.save(deliverer, firing("b"))
        await asyncio.sleep(0.1)
        assert sink.taken == ["msg_b_firing_1"]


async def test_a_ledger_that_works_again_is_used_at_once(road: Road) -> None:
    """Rows that were just written do not wait out the pause after a failure."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await asyncio.sleep(1)
        road.ledger.unreadable = True
        deliverer.wake()
        await asyncio.sleep(0.1)
        await road.ledger.free()
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(0.1)
    assert sink.taken == ["msg_a_firing_1"]


async def test_offering_twice_sends_once(road: Road) -> None:
    """The same news is the same news, while it waits and after it was sent."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        for _ in range(2):
            deliverer.offer("team", firing("a"))
            deliverer.offer("team", firing("a"))
            await asyncio.sleep(1)
    assert sink.taken == ["msg_a_firing_1"]
    assert await road.ledger.read(outbox.pending_counts) == {}


async def test_what_is_in_memory_is_written_once_the_disk_takes_it(road: Road) -> None:
    """A process that is killed later loses nothing: it is a row, as often tried and as old."""
    sink = Sink(always=LIMITED)
    deliverer = road.deliverer(sink)
    road.ledger.full = True
    async with at_work(deliverer):
        await asyncio.sleep(1)
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(1)
        await road.ledger.free()
        assert await road.statuses() == {}
        await asyncio.sleep(2 * LEDGER_PAUSE_S)
        assert await road.statuses() == {"msg_a_firing_1": "queued"}
        ((attempts, created_at, next_at),) = await road.ledger.read(
            lambda c: c.execute("SELECT attempts, created_at, next_at FROM outbox").fetchall()
        )
        assert attempts == 1
        assert created_at == pytest.approx(road.now() - 2 * LEDGER_PAUSE_S - 1)
        assert next_at == pytest.approx(created_at + 30, abs=1)
    assert ids(sink) == ["msg_a_firing_1"]


async def test_a_row_that_was_sent_before_it_was_acknowledged_is_not_sent_again(road: Road) -> None:
    """The ledger took it and did not say so in time: it is offered, and is known."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await asyncio.sleep(1)
        await road.put(firing("a"))
        deliverer.wake()
        await asyncio.sleep(0.1)
        deliverer.offer("team", firing("a"))
        await asyncio.sleep(60)
    assert ids(sink) == ["msg_a_firing_1"]
