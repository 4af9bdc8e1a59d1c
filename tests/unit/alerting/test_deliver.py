"""Delivery in virtual time: who is tried when, and what becomes of each answer."""

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger, LedgerError
from alerting import outbox
from alerting.deliver import LEDGER_PAUSE_S, SEND_BUDGET_S, Deliverer, Outcome
from alerting.notification import DeliveryError, Notification
from alerting.retry import GIVE_UP_AFTER_S, LONGEST_BACKOFF_S, backoff_s
from alerting.store import ALERTING
from tests.unit.alerting.messages import NOW, firing, resolved

pytestmark = pytest.mark.looptime

T = TypeVar("T")

BUSY = DeliveryError("busy", retryable=True)
REFUSED = DeliveryError("no_service", retryable=False)
HANG = TimeoutError()
"""Scripted: the receiver never answers."""


class Full(Ledger):
    """A ledger whose disk can be full or stuck, and take no writes, or be unreadable."""

    full = False
    stuck = False
    unreadable = False

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Refuse while the disk is full."""
        if self.full:
            raise LedgerError("disk full")
        if self.stuck:
            await asyncio.Event().wait()
        return await super().write(work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Refuse while the disk is broken."""
        if self.unreadable:
            raise LedgerError("I/O error")
        return await super().read(work)


@dataclass
class Sink:
    """A notifier that follows a script, then takes everything."""

    name: str = "team"
    script: deque[Exception | None] = field(default_factory=deque)
    always: Exception | None = None
    """What every attempt meets once the script is used up."""
    attempts: list[tuple[float, str]] = field(default_factory=list)
    """When, and which notification."""
    taken: list[str] = field(default_factory=list)
    in_hand: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, notification: Notification, /) -> None:
        """Make one attempt."""
        self.attempts.append((asyncio.get_running_loop().time(), notification.id))
        self.in_hand.set()
        error = self.script.popleft() if self.script else self.always
        if error is HANG:
            await asyncio.Event().wait()
        if error is not None:
            raise error
        self.taken.append(notification.id)

    async def close(self) -> None:
        """Nothing to release."""


@dataclass
class Road:
    """An outbox, its deliverer, and what came of it."""

    ledger: Full
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    clock_offset_s: float = NOW

    def wall(self) -> float:
        """Return the wall time, which moves with the loop's."""
        return self.clock_offset_s + asyncio.get_running_loop().time()

    def deliverer(self, *sinks: Sink) -> Deliverer:
        """Return a deliverer to these sinks."""

        def note(channel: str, outcome: Outcome) -> None:
            self.outcomes[channel, outcome.value] += 1

        return Deliverer(self.ledger, {sink.name: sink for sink in sinks}, self.wall, note)

    async def put(self, *notifications: Notification, channels: Sequence[str] = ("team",)) -> None:
        """Queue notifications."""
        now = self.wall()
        await self.ledger.write(
            lambda connection: outbox.enqueue(connection, notifications, channels, now)
        )

    async def statuses(self) -> dict[str, str]:
        """Return what became of each notification."""
        rows = await self.ledger.read(
            lambda connection: connection.execute("SELECT id, status FROM outbox").fetchall()
        )
        return dict(rows)

    async def run(self, deliverer: Deliverer, seconds: float) -> None:
        """Let it work for some virtual seconds."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await deliverer.run()


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    """Make an empty outbox."""
    ledger = Full.open(tmp_path / "sonde.db", [ALERTING], inline=True)
    assert isinstance(ledger, Full)
    yield Road(ledger)
    ledger.full = ledger.unreadable = False
    await ledger.close()


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
    assert "ValueError at test_deliver.py:" in logs[0]["error"]
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


async def test_a_clock_step_neither_kills_nor_holds(road: Road) -> None:
    """A day forwards or backwards between two attempts changes nothing for long."""
    for number, step_s in enumerate((86_400.0, -86_400.0)):
        await road.put(firing("a", number))
        sink = Sink(script=deque([BUSY]))
        deliverer = road.deliverer(sink)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(deliverer.run(), name="deliver")
            await sink.in_hand.wait()
            await asyncio.sleep(0.1)
            road.clock_offset_s += step_s
            await asyncio.sleep(61)
            running.cancel()
        assert len(sink.taken) == 1


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
    await road.put(firing("a"), firing("b"))
    sink = Sink()
    road.ledger.full = True
    deliverer = road.deliverer(sink)
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(deliverer.run(), name="deliver")
            await asyncio.sleep(3 * LEDGER_PAUSE_S)
            assert sink.taken == ["msg_a_firing_1", "msg_b_firing_1"]
            assert set((await road.statuses()).values()) == {"queued"}
            road.ledger.full = False
            await asyncio.sleep(2 * LEDGER_PAUSE_S)
            running.cancel()
    assert sink.taken == ["msg_a_firing_1", "msg_b_firing_1"]
    assert set((await road.statuses()).values()) == {"sent"}
    assert {each["event"] for each in logs} == {"notification.ledger_failed", "notification.sent"}


async def test_cancelled_while_marking_nothing_is_repeated(road: Road) -> None:
    """Stopped between sending and the mark's commit, the deliverer still owes the mark."""
    sink = Sink()
    deliverer = road.deliverer(sink)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deliverer.run(), name="deliver")
        await asyncio.sleep(1)
        await road.put(firing("a"))
        road.ledger.stuck = True
        deliverer.wake()
        await asyncio.sleep(1)
        running.cancel()
    assert await road.statuses() == {"msg_a_firing_1": "queued"}
    road.ledger.stuck = False
    assert await deliverer.drain(5) == 0
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
        road.ledger.unreadable = False
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
    """No channel is a configuration like any other: the task does not return."""
    await road.run(road.deliverer(), 10)


async def test_draining_tries_once_what_is_due(road: Road) -> None:
    """At shutdown each due row gets one attempt; what fails waits for the next start."""
    await road.put(firing("a"), firing("b"), resolved("b"), firing("c"))
    sink = Sink(script=deque([BUSY]))
    assert await road.deliverer(sink).drain(5) == 1
    assert sink.taken == ["msg_b_firing_1", "msg_b_resolved_1", "msg_c_firing_1"]
    assert len(sink.attempts) == 4
    assert (await road.statuses())["msg_a_firing_1"] == "queued"


async def test_draining_keeps_its_budget(road: Road) -> None:
    """A hung receiver costs the budget, not the shutdown; the other channel is served."""
    await road.put(firing("a"), channels=("team", "ops"))
    team, ops = Sink("team", always=HANG), Sink("ops")
    loop = asyncio.get_running_loop()
    before = loop.time()
    assert await road.deliverer(team, ops).drain(3) == 1
    assert loop.time() - before == pytest.approx(3, abs=0.1)
    assert ops.taken == ["msg_a_firing_1"]


async def test_draining_a_throttled_channel_stops_there(road: Road) -> None:
    """After a 429 the rest of that channel waits for the next start."""
    await road.put(firing("a"), firing("b"))
    limited = DeliveryError("429", retryable=True, retry_after_s=30, throttled=True)
    sink = Sink(always=limited)
    assert await road.deliverer(sink).drain(5) == 2
    assert len(sink.attempts) == 1


async def test_draining_settles_what_is_owed(road: Road) -> None:
    """A mark that a full disk refused is made at shutdown, and nothing is sent twice."""
    await road.put(firing("a"))
    sink = Sink()
    deliverer = road.deliverer(sink)
    road.ledger.full = True
    await road.run(deliverer, 1)
    road.ledger.full = False
    assert await deliverer.drain(5) == 0
    assert sink.taken == ["msg_a_firing_1"]
    assert await road.statuses() == {"msg_a_firing_1": "sent"}


async def test_draining_without_a_ledger_ends(road: Road) -> None:
    """A dead disk does not stop the shutdown."""
    await road.put(firing("a"))
    road.ledger.full = road.ledger.unreadable = True
    assert await road.deliverer(Sink()).drain(5) == 0


async def test_draining_beside_the_loops_is_refused(road: Road) -> None:
    """Two loops on one channel would send everything twice."""
    deliverer = road.deliverer(Sink())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(deliverer.run(), name="deliver")
        await asyncio.sleep(1)
        with pytest.raises(RuntimeError, match="while the delivery loops run"):
            await deliverer.drain(1)
        running.cancel()
    assert await deliverer.drain(1) == 0


async def test_delivery_tasks_bear_their_channels_names(road: Road) -> None:
    """A stack dump says which channel a task serves."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(road.deliverer(Sink(), Sink("ops")).run(), name="deliver")
        await asyncio.sleep(1)
        names = {task.get_name() for task in asyncio.all_tasks()}
        running.cancel()
    assert {"deliver to team", "deliver to ops"} <= names
