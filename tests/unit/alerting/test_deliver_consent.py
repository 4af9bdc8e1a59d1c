"""Delivery that needs leave: what goes, what is told elsewhere, what waits for another replica."""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from alerting import outbox
from alerting.consent import Leave, Word
from alerting.notification import Notification
from tests.unit.alerting.delivering import BUSY, REFUSED, Road, Sink, at_work, empty_road
from tests.unit.alerting.messages import FIRING, firing, resolved

pytestmark = pytest.mark.looptime

WAIT_S = 3.0


@dataclass
class Scripted:
    """A consent that says what it is told to, then GO."""

    script: deque[Word] = field(default_factory=deque)
    always: Word = Word.GO
    thread: str = ""
    """What messages go out under."""
    asked: list[tuple[float, str]] = field(default_factory=list)
    settlements: list[tuple[str, bool]] = field(default_factory=list)

    async def ask(self, channel: str, notification: Notification) -> Leave:
        """Say the next word."""
        assert channel == "team"
        self.asked.append((asyncio.get_running_loop().time(), notification.id))
        word = self.script.popleft() if self.script else self.always
        return Leave(word, replace(notification, thread=self.thread), WAIT_S)

    async def settled(self, _channel: str, notification: Notification, *, told: bool) -> None:
        """Take note."""
        self.settlements.append((notification.id, told))


async def told(road: Road, name: str) -> tuple[str, int, str]:
    """Return status, attempts and error of a row."""
    found: tuple[str, int, str] = await road.ledger.read(
        lambda c: c.execute(
            "SELECT status, attempts, last_error FROM outbox WHERE id = ?", (name,)
        ).fetchone()
    )
    return found


@dataclass
class Threads(Sink):
    """A sink that remembers under which thread it was told."""

    threads: list[str] = field(default_factory=list)

    async def send(self, notification: Notification, /) -> None:
        """Make one attempt."""
        self.threads.append(notification.thread)
        await super().send(notification)


async def test_what_goes_out_is_what_had_leave(tmp_path: Path) -> None:
    """A message goes out as it came back from the question, and what came of it is said."""
    sink, consent = Threads(script=deque([BUSY])), Scripted(thread="shared")
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        await road.run(road.deliverer(sink, consent=consent), 10)
    assert sink.threads == ["shared", "shared"]
    assert consent.settlements == [(FIRING.id, False), (FIRING.id, True)]


async def test_what_is_told_elsewhere_is_not_sent(tmp_path: Path) -> None:
    """Its row is settled as if the channel had taken it, and says why; it was no attempt."""
    sink, consent = Sink(), Scripted(always=Word.TOLD)
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        with capture_logs() as logs:
            await road.run(road.deliverer(sink, consent=consent), 10)
        assert await told(road, FIRING.id) == ("sent", 0, outbox.TOLD)
        assert road.outcomes == {("team", "told"): 1}
    assert sink.attempts == []
    assert consent.settlements == []
    assert [each["event"] for each in logs] == ["notification.told_elsewhere"]


async def test_what_is_told_elsewhere_stands(tmp_path: Path) -> None:
    """A receiver that forgets is told again from every replica that knows it was told."""
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        await road.run(road.deliverer(Sink(), consent=Scripted(always=Word.TOLD)), 1)
        assert await road.ledger.read(lambda c: outbox.standing(c, "team")) == (FIRING,)


async def test_who_waits_asks_again_and_nothing_else_meanwhile(tmp_path: Path) -> None:
    """So often as it was told to; a wait is no attempt and puts no row off."""
    sink, consent = Sink(), Scripted(script=deque([Word.WAIT] * 3))
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        await road.run(road.deliverer(sink, consent=consent), 60)
        assert await told(road, FIRING.id) == ("sent", 1, "")
    assert [at for at, _ in consent.asked] == pytest.approx([0, 3, 6, 9], abs=0.1)
    assert consent.settlements == [(FIRING.id, True)]


async def test_a_wait_that_ends_while_the_ledger_is_read_is_over(tmp_path: Path) -> None:
    """Looked at a moment too early, it is looked at again at once, and not a minute later."""
    sink, consent = Sink(), Scripted(script=deque([Word.WAIT]))
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        deliverer = road.deliverer(sink, consent=consent)
        async with at_work(deliverer):
            await asyncio.sleep(WAIT_S - 0.05)
            road.ledger.slow_s = 0.1
            deliverer.wake()
            await asyncio.sleep(5)
    assert [at for at, _ in consent.asked] == pytest.approx([0, WAIT_S], abs=0.5)


async def test_a_wait_holds_up_its_own_alert_alone(tmp_path: Path) -> None:
    """An end stays behind its beginning; another alert goes at once."""
    sink, consent = Sink(), Scripted(script=deque([Word.WAIT]))
    async with empty_road(tmp_path) as road:
        await road.put(firing("a"), resolved("a"), firing("b"))
        await road.run(road.deliverer(sink, consent=consent), 60)
    assert sink.taken == ["msg_b_firing_1", "msg_a_firing_1", "msg_a_resolved_1"]


async def test_a_wait_is_no_attempt_of_the_hour(tmp_path: Path) -> None:
    """A channel that may be told twice an hour is told twice, however often it was asked for."""
    sink, consent = Sink(), Scripted(script=deque([Word.WAIT, Word.TOLD, Word.WAIT, Word.WAIT]))
    async with empty_road(tmp_path) as road:
        await road.put(firing("a"), firing("b"), firing("c"))
        await road.run(road.deliverer(sink, most_per_hour=2, consent=consent), 60)
    assert len(sink.taken) == 2


@pytest.mark.parametrize("error", [REFUSED, BUSY])
async def test_who_fails_says_so(tmp_path: Path, error: Exception) -> None:
    """Given up or tried later: another replica, whose way out works, may try meanwhile."""
    sink, consent = Sink(script=deque([error])), Scripted()
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        await road.run(road.deliverer(sink, consent=consent), 0.5)
    assert consent.settlements == [(FIRING.id, False)]


@pytest.mark.parametrize("word", [Word.TOLD, Word.GO])
async def test_what_is_in_memory_asks_as_well(tmp_path: Path, word: Word) -> None:
    """While the ledger takes nothing: it waits, and is sent or settled, and never twice."""
    sink, consent = Sink(), Scripted(script=deque([Word.WAIT, Word.WAIT, word]))
    async with empty_road(tmp_path) as road:
        road.ledger.full = True
        deliverer = road.deliverer(sink, consent=consent)
        async with at_work(deliverer):
            await road.save(deliverer, FIRING)
            await asyncio.sleep(20)
            await road.ledger.free()
            await road.save(deliverer, FIRING)
            await asyncio.sleep(20)
        assert await road.statuses() == {FIRING.id: "sent"}
    assert sink.taken == ([FIRING.id] if word is Word.GO else [])
    assert len(consent.asked) == 3


async def test_what_waits_at_a_stop_stays_queued(tmp_path: Path) -> None:
    """A stop waits for nobody: the next start asks again."""
    sink, consent = Sink(), Scripted(always=Word.WAIT)
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        deliverer = road.deliverer(sink, consent=consent)
        async with at_work(deliverer) as running, asyncio.timeout(30):
            await asyncio.sleep(1)
            deliverer.stop()
            await running
        assert await told(road, FIRING.id) == ("queued", 0, "")


async def test_a_mark_that_is_owed_is_not_asked_for_again(tmp_path: Path) -> None:
    """Told elsewhere while the ledger was stuck: the row is settled when it can be written."""
    sink, consent = Sink(), Scripted(always=Word.TOLD)
    async with empty_road(tmp_path) as road:
        await road.put(FIRING)
        road.ledger.full = True
        deliverer = road.deliverer(sink, consent=consent)
        async with at_work(deliverer):
            await asyncio.sleep(20)
            await road.ledger.free()
            await asyncio.sleep(20)
        assert await told(road, FIRING.id) == ("sent", 0, outbox.TOLD)
    assert len(consent.asked) == 1
