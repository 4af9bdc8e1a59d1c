"""Reloads and Slack threads over a real Redis: what one began or took up, others know of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from alerting.slack_threads import Thread, Threads
from monitor.cluster.link import Link
from monitor.cluster.places import SharedPlaces
from monitor.cluster.reloads import SharedReloads
from tests.servers.redis import RedisServer

BEGUN = Thread("C0123", "1700000000.000100", "msg_1")


@pytest.fixture
async def links(redis_server: RedisServer) -> AsyncIterator[list[Link]]:
    """Give two replicas a way to Redis each."""
    async with AsyncExitStack() as stack:
        found = [Link(Redis.from_url(redis_server.url), "group") for _ in "ab"]
        for link in found:
            stack.push_async_callback(link.close)
        yield found


async def test_what_one_takes_up_the_others_look_at(
    links: list[Link], redis_server: RedisServer
) -> None:
    """Within a few seconds, once; the one that told hears nothing of itself."""
    heard: list[str] = []
    a, b = (SharedReloads(link) for link in links)
    a.heed(lambda: heard.append("a"))
    b.heed(lambda: heard.append("b"))
    running = [asyncio.create_task(each.run()) for each in (a, b)]
    await asyncio.sleep(0.2)  # both have looked once
    a.tell()
    async with asyncio.timeout(8):
        while not heard:  # noqa: ASYNC110 - Redis has no event for us
            await asyncio.sleep(0.05)
    for each in running:
        each.cancel()
    assert heard == ["b"]
    with redis_server.client() as client:
        assert client.get("sonde:{group:}:reload") == "1"


async def test_what_is_old_or_lost_is_no_news(links: list[Link], redis_server: RedisServer) -> None:
    """A new replica has read its file already; an emptied Redis says nothing about any."""
    with redis_server.client() as client:
        client.set("sonde:{group:}:reload", "7")
    heard: list[str] = []
    reloads = SharedReloads(links[0])
    reloads.heed(lambda: heard.append("a"))
    running = asyncio.create_task(reloads.run())
    await asyncio.sleep(0.2)
    redis_server.client().flushall()
    await asyncio.sleep(2.2)
    running.cancel()
    assert heard == []


async def test_what_could_not_be_told_is_told_later(
    links: list[Link], redis_server: RedisServer
) -> None:
    """Redis is away when a configuration is taken up."""
    redis_server.stop()
    looking = asyncio.create_task(links[0].run())
    reloads = SharedReloads(links[0])
    reloads.tell()
    running = asyncio.create_task(reloads.run())
    await asyncio.sleep(0.3)
    redis_server.start()
    with redis_server.client() as client:
        async with asyncio.timeout(8):
            while not await asyncio.to_thread(client.get, "sonde:{group:}:reload"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    for each in (looking, running):
        each.cancel()


async def test_an_incident_goes_on_where_another_replica_began_it(links: list[Link]) -> None:
    """Its message is edited and its thread goes on, also what was told in it since."""
    a, b = (Threads(places=SharedPlaces(link)) for link in links)
    assert await b.find("team", "aa") is None
    await a.keep("team", "aa", BEGUN, 0.0)
    assert await b.find("team", "aa") == BEGUN
    newer = Thread(BEGUN.place, BEGUN.ts, "msg_2")
    await b.keep("team", "aa", newer, 0.0)
    assert await a.find("team", "aa") == newer
    assert await a.find("other", "aa") is None


async def test_without_redis_a_bot_goes_on_where_it_began(
    links: list[Link], redis_server: RedisServer
) -> None:
    """Its own thread is in its own memory."""
    threads = Threads(places=SharedPlaces(links[0]))
    redis_server.stop()
    await threads.keep("team", "aa", BEGUN, 0.0)
    assert await threads.find("team", "aa") == BEGUN
    redis_server.start()


@pytest.mark.parametrize("text", ["", "C1", "c1 1.2 msg_1", "C1 x msg_1", "C1 1.2 <!channel>"])
async def test_a_place_that_is_none_is_not_found(
    links: list[Link], redis_server: RedisServer, text: str
) -> None:
    """Nobody who can write into Redis chooses where a bot writes what."""
    with redis_server.client() as client:
        client.set("sonde:{group:}:thread:team/aa", text)
    assert await SharedPlaces(links[0]).find("team", "aa") is None
