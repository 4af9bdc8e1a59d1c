"""Telling while Redis is away: one after another, and nothing that is known already."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
from redis.asyncio import Redis

from alerting.consent import Word
from alerting.notification import Notification
from monitor.cluster import leases
from monitor.cluster.leases import AGAIN_S, PLACE_S, Leases
from monitor.cluster.link import AwayError, Link
from monitor.cluster.protocol import Member
from tests.unit.alerting.messages import FIRING, RESOLVED

pytestmark = pytest.mark.looptime

T = TypeVar("T")
X = replace(FIRING, fingerprint="x", thread="aa", group_id="g")
X_OVER = replace(RESOLVED, fingerprint="x", thread="aa", group_id="g")


GIVEN = [str(round(FIRING.fired_at)).encode(), b"0", b"", b"", b""]
"""The lease, and a log in which nothing stands."""


class Scripted(Link):
    """A link that gives what it is told to; then nobody answers."""

    def __init__(self, *answers: object) -> None:
        super().__init__(Redis(), "group")
        self.answers = list(answers)
        self.asked = 0
        self.answers_after_s = 0.0

    async def ask(self, _work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = 0.5) -> T:
        self.asked += 1
        if not self.answers:
            raise AwayError("away")
        await asyncio.sleep(self.answers_after_s)
        answer: T = self.answers.pop(0)  # type: ignore[assignment]  # what the test says it is
        return answer


def member(name: str, *, own: bool = False, location: str = "fra1") -> Member:
    """Return a replica."""
    return Member(
        name=name,
        location=location,
        version="1",
        config="",
        started_at=0.0,
        seen_s=0.0,
        ahead_s=0.0,
        in_flight=0,
        load_ratio=0.0,
        claims=0,
        own=own,
    )


async def _knowing(*members: Member) -> Leases:
    """Return leases that asked once, of another group, while Redis was there."""
    link = Scripted("epoch", [])
    known = Leases(link, "t", lambda: FIRING.fired_at, lambda: members)
    assert (await known.ask("team", replace(X, group_id="other"))).word is Word.WAIT
    return known


async def _until_it_goes(known: Leases, message: Notification) -> float:
    """Ask as a lane does, until there is leave; return how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (leave := await known.ask("team", message)).word is Word.WAIT:
        assert 0 < leave.wait_s <= AGAIN_S
        await asyncio.sleep(leave.wait_s)
    assert leave.word is Word.GO
    return loop.time() - began


@pytest.mark.parametrize(("own", "place"), [("a", 0), ("b", 1), ("c", 2)])
async def test_replicas_tell_one_after_another(own: str, place: int) -> None:
    """In the order of their names, a quarter of a minute apart; the first soon."""
    known = await _knowing(*(member(name, own=name == own) for name in "abc"))
    assert await _until_it_goes(known, X) == pytest.approx(AGAIN_S + place * PLACE_S)


async def test_only_those_count_who_make_the_message_too() -> None:
    """An alert of one location is told there: replicas elsewhere are not waited for."""
    known = await _knowing(member("a", location="ams1"), member("b", own=True))
    of_fra1 = replace(X, group=(("location", "fra1"),))
    assert await _until_it_goes(known, of_fra1) == pytest.approx(AGAIN_S)
    of_all = replace(X, id="msg_all", group=(("location", ""),))
    assert await _until_it_goes(known, of_all) == pytest.approx(AGAIN_S + PLACE_S)


async def test_a_replica_that_knows_nobody_does_not_wait_for_anybody() -> None:
    """Redis was never there: each tells."""
    known = Leases(Scripted(), "t", lambda: FIRING.fired_at, tuple)
    assert await _until_it_goes(known, X) == pytest.approx(AGAIN_S)


async def test_a_message_waits_for_its_place_once() -> None:
    """An attempt that failed is repeated when the channel's own patience says so."""
    known = await _knowing(member("a"), member("b", own=True))
    await _until_it_goes(known, X)
    await known.settled("team", X, told=False)
    assert await _until_it_goes(known, X) == 0.0


async def test_what_was_told_is_known_without_redis() -> None:
    """By this replica itself, or by others when Redis was there."""
    known = Leases(Scripted(), "t", lambda: FIRING.fired_at, tuple)
    await _until_it_goes(known, X)
    await known.settled("team", X, told=True)
    again = replace(X, id="msg_again")
    await known.ask("team", again)
    await asyncio.sleep(AGAIN_S)
    assert (await known.ask("team", again)).word is Word.TOLD
    over = replace(X_OVER, thread="bb")
    await known.ask("team", over)
    await asyncio.sleep(AGAIN_S)
    assert (await known.ask("team", over)).notification.thread == "aa"


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest message that got no answer is forgotten, and waits anew."""
    monkeypatch.setattr(leases, "MOST_UNANSWERED", 1)
    known = Leases(Scripted(), "t", lambda: FIRING.fired_at, tuple)
    await known.ask("team", X)
    await known.ask("team", replace(X, id="msg_other"))
    await asyncio.sleep(AGAIN_S)
    assert (await known.ask("team", X)).word is Word.WAIT


async def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group that was not told of for longest is forgotten, and owed no more."""
    monkeypatch.setattr(leases, "MOST_LOGS", 1)
    known = Leases(Scripted(), "t", lambda: FIRING.fired_at, tuple)
    for group in "gh":
        await known.settled("team", replace(X, group_id=group), told=True)
    for group, word in (("g", Word.GO), ("h", Word.TOLD)):
        message = replace(X, group_id=group, id=group)
        await known.ask("team", message)
        await asyncio.sleep(AGAIN_S)
        assert (await known.ask("team", message)).word is word


async def test_who_stood_still_while_it_asked_asks_again() -> None:
    """Paused between the question and the answer: the lease may be another's by now."""
    link = Scripted("epoch", GIVEN, "epoch", GIVEN)
    known = Leases(link, "t", lambda: FIRING.fired_at, tuple)
    link.answers_after_s = 2.6
    assert (await known.ask("team", X)).word is Word.WAIT
    link.answers_after_s = 2.4
    assert (await known.ask("team", X)).word is Word.GO


@pytest.mark.parametrize(
    "answer",
    [
        *([], None, "text", [b"1", b"2"], {}),
        *([clock, b"0", b"", b"", b""] for clock in (b"soon", b"nan", b"-1", b"9" * 400)),
    ],
)
async def test_an_answer_that_is_none_is_waited_for(answer: Sequence[bytes] | None) -> None:
    """Whatever it is: it gives no leave."""
    known = Leases(Scripted("epoch", answer), "t", lambda: FIRING.fired_at, tuple)
    assert (await known.ask("team", X)).word is Word.WAIT
