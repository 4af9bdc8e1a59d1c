"""How long an answer of Redis is waited for."""

import asyncio
import time
from typing import cast

import pytest
from redis.asyncio import Redis

from monitor.cluster.link import ASK_S, AwayError, Link


@pytest.fixture
def link() -> Link:
    """A link that believes in its Redis, whatever that is."""
    return Link(cast("Redis", object()), "group")


async def test_a_late_loop_takes_redis_for_away_no_sooner(link: Link) -> None:
    """A loop that stood still past the end of the wait reads what there is before it judges."""

    async def work(_client: Redis) -> str:
        asyncio.get_running_loop().call_soon(time.sleep, 0.25)
        await asyncio.sleep(0.3)
        return "answer"

    assert await link.ask(work, timeout_s=0.15) == "answer"
    assert link.connected


async def test_who_answers_nothing_is_away(link: Link) -> None:
    """Also when the loop is in time; and then nobody waits any more."""
    with pytest.raises(AwayError):
        await link.ask(lambda _client: asyncio.sleep(10.0), timeout_s=0.01)
    assert not link.connected
    with pytest.raises(AwayError, match="away"):
        await link.ask(lambda _client: asyncio.sleep(10.0))


async def test_a_loop_that_is_always_late_gives_up_in_the_end(link: Link) -> None:
    """It gets the time again twice, and no more."""
    loop = asyncio.get_running_loop()

    def stand() -> None:
        time.sleep(0.08)
        loop.call_later(0.001, stand)

    loop.call_soon(stand)
    with pytest.raises(AwayError):
        await link.ask(lambda _client: asyncio.sleep(10.0), timeout_s=0.01)


class Late:
    """A Redis that answers, and has our loop stand still past the end of the second wait."""

    def __init__(self) -> None:
        self.asked = 0

    async def eval(self, *_words: object) -> None:
        """Be asked to write."""
        self.asked += 1
        if self.asked == 2:  # the first connects, and has longer
            asyncio.get_running_loop().call_soon(time.sleep, ASK_S + 0.1)
            await asyncio.sleep(ASK_S + 0.05)


async def test_a_late_look_takes_redis_for_away_no_sooner() -> None:
    """The look is a question as any other."""
    link = Link(cast("Redis", Late()), "group")
    await link.look()
    assert link.connected
