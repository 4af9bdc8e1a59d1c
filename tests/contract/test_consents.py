"""One suite over every consent: of several replicas one tells each piece of news, in one thread."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from redis.asyncio import Redis

from alerting.consent import FREE, Consent, Word
from alerting.notification import Notification
from alerting.routing.group import Why
from monitor.cluster.leases import Leases
from monitor.cluster.link import Link
from tests.servers.redis import RedisServer
from tests.standins.consent import Book, MemoryConsent
from tests.unit.alerting.messages import FIRING, RESOLVED

NOW = 1_700_000_000.0
APART_S = 2.0
"""So far the clock of the second replica is ahead of that of the first."""


@dataclass
class Two:
    """Two replicas that evaluate the same, two seconds apart by their clocks."""

    a: Consent
    b: Consent

    async def tells(self, who: Consent, message: Notification) -> Notification:
        """Have one tell a message, which must have leave; return what went out."""
        leave = await who.ask("team", message)
        assert leave.word is Word.GO
        await who.settled("team", leave.notification, told=True)
        return leave.notification

    async def word(self, who: Consent, message: Notification) -> Word:
        """Return what one hears."""
        return (await who.ask("team", message)).word


@asynccontextmanager
async def _over_redis(url: str, name: str, ahead_s: float) -> AsyncIterator[Leases]:
    link = Link(Redis.from_url(url), "group")
    yield Leases(link, name, lambda: time.time() + ahead_s, tuple)
    await link.close()


@pytest.fixture(params=["memory", "redis"])
async def two(request: pytest.FixtureRequest) -> AsyncIterator[Two]:
    """Each implementation in turn, with nothing told yet."""
    if request.param == "memory":
        book = Book(time.time)
        yield Two(
            MemoryConsent(book, "a", time.time),
            MemoryConsent(book, "b", lambda: time.time() + APART_S),
        )
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with AsyncExitStack() as stack:
        a = await stack.enter_async_context(_over_redis(server.url, "a", 0.0))
        b = await stack.enter_async_context(_over_redis(server.url, "b", APART_S))
        yield Two(a, b)


def fires(by: str, at: float = 0.0, alert: str = "x", *more: str) -> Notification:
    """Return that alerts fire `at` seconds of the story, as replica `by` tells it."""
    ahead_s = APART_S if by == "b" else 0.0
    first, *others = (
        replace(FIRING, fingerprint=each, fired_at=NOW + at + ahead_s) for each in (alert, *more)
    )
    return _by(replace(first, others=tuple(each.alerts[0] for each in others)), by, at)


def ends(by: str, at: float, alert: str = "x") -> Notification:
    """Return that an alert is over."""
    ahead_s = APART_S if by == "b" else 0.0
    over = replace(RESOLVED, fingerprint=alert, ends_at=NOW + at + ahead_s)
    return _by(replace(over, why=Why.ALL_RESOLVED), by, at)


def _by(message: Notification, by: str, at: float) -> Notification:
    thread = by * 24 if at < 1000 else by * 23 + "2"
    return replace(message, id=f"msg_{by}_{at}", group_id="group", thread=thread)


async def test_one_tells_and_the_other_waits(two: Two) -> None:
    """While one has leave the others wait; once it told, they know that people know."""
    leave = await two.a.ask("team", fires("a"))
    assert leave.word is Word.GO
    other = await two.b.ask("team", fires("b"))
    assert other.word is Word.WAIT
    assert 0 < other.wait_s <= 2
    await two.a.settled("team", leave.notification, told=True)
    assert await two.word(two.b, fires("b")) is Word.TOLD


async def test_whoever_failed_lets_another_try_at_once(two: Two) -> None:
    """A way out that does not work holds up nobody whose way works; then it may try again."""
    leave = await two.a.ask("team", fires("a"))
    await two.a.settled("team", leave.notification, told=False)
    leave = await two.b.ask("team", fires("b"))
    assert leave.word is Word.GO
    await two.b.settled("team", leave.notification, told=False)
    assert await two.word(two.a, fires("a")) is Word.GO


async def test_the_end_is_told_once(two: Two) -> None:
    """Whoever sees it first tells it, whoever told the beginning."""
    await two.tells(two.a, fires("a"))
    await two.tells(two.b, ends("b", 60))
    assert await two.word(two.a, ends("a", 60)) is Word.TOLD


async def test_an_incident_is_one_thread(two: Two) -> None:
    """What another replica began goes on in its thread, to the end; the next one begins anew."""
    began = await two.tells(two.a, fires("a"))
    went_on = await two.tells(two.b, fires("b", 0, "x", "y"))
    ended = await two.tells(two.b, replace(ends("b", 60), others=(ends("b", 60, "y").alerts[0],)))
    assert began.thread == went_on.thread == ended.thread == "a" * 24
    anew = await two.tells(two.b, fires("b", 1060))
    assert anew.thread == "b" * 23 + "2"


async def test_what_is_new_beside_what_is_known_is_told(two: Two) -> None:
    """A message about two alerts, one of which people know, tells of both."""
    await two.tells(two.a, fires("a"))
    told = await two.tells(two.b, fires("b", 0, "x", "y"))
    assert [each.fingerprint for each in told.alerts] == ["x", "y"]
    assert await two.word(two.a, fires("a", 3, "x", "y")) is Word.TOLD


async def test_what_was_over_since_is_not_told_to_fire(two: Two) -> None:
    """A replica that was paused tells no stale beginning; what fires anew afterwards is news."""
    await two.tells(two.a, fires("a"))
    await two.tells(two.a, ends("a", 60))
    assert await two.word(two.b, fires("b", 1)) is Word.TOLD
    await two.tells(two.b, fires("b", 70))


async def test_what_fires_again_since_is_not_told_to_be_over(two: Two) -> None:
    """A replica that was paused tells no stale end; the end that follows is news."""
    await two.tells(two.a, fires("a"))
    await two.tells(two.a, ends("a", 60))
    await two.tells(two.a, fires("a", 120))
    assert await two.word(two.b, ends("b", 61)) is Word.TOLD
    await two.tells(two.b, ends("b", 180))


async def test_a_repeat_repeats_for_all(two: Two) -> None:
    """Who says once more what is known does so unless somebody spoke since."""
    await two.tells(two.a, fires("a"))
    again = replace(fires("b"), id="msg_again", why=Why.REPEAT, repeat_s=3600.0)
    assert await two.word(two.b, again) is Word.TOLD
    await asyncio.sleep(0.05)
    await two.tells(two.b, replace(again, repeat_s=0.04))


async def test_channels_and_groups_are_told_apart(two: Two) -> None:
    """What one channel knows of one group says nothing of others."""
    await two.tells(two.a, fires("a"))
    assert (await two.b.ask("other", fires("b"))).word is Word.GO
    assert await two.word(two.b, replace(fires("b"), group_id="another")) is Word.GO


async def test_alone_everything_goes(two: Two) -> None:
    """Who is alone asks nobody, and hears nothing of replicas that there are."""
    await two.tells(two.a, fires("a"))
    assert await two.word(FREE, fires("a")) is Word.GO
    await FREE.settled("team", fires("a"), told=True)
