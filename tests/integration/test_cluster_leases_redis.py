"""Who tells, over a real Redis: killed holders, a Redis that forgets, one that is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import pytest
from redis.asyncio import Redis

from alerting.consent import Word
from alerting.notification import SEND_BUDGET_S, Notification
from monitor.cluster.leases import LEASE_S, Leases
from monitor.cluster.link import Link
from monitor.cluster.ways import Source
from probes.secret import Secret, SecretSource
from probes.wire.trust import Papers
from tests.servers.redis import RedisCluster, RedisServer, Sentinels
from tests.unit.alerting.messages import FIRING, RESOLVED

X = replace(FIRING, fingerprint="x", thread="aa", group_id="g")
X_OVER = replace(RESOLVED, fingerprint="x", thread="aa", group_id="g", ends_at=FIRING.fired_at + 60)
NAME = "sonde:{group:team/g}"


@asynccontextmanager
async def replicas(url: str, *names: str, looking: bool = False) -> AsyncIterator[list[Leases]]:
    """Run replicas that keep what was told, each with a link of its own."""
    async with AsyncExitStack() as stack:
        found: list[Leases] = []
        for name in names:
            source = Source(SecretSource(value=Secret(url)), Papers())
            link = Link(source.open(), "group", source)
            stack.push_async_callback(link.close)
            found.append(Leases(link, name, time.time, tuple))
            running = [asyncio.create_task(link.run())] if looking else []
            stack.callback(_cancel, running)
        yield found


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


async def until(settled: Callable[[], Awaitable[bool]], within_s: float = 8.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within_s):
        while not await settled():  # noqa: ASYNC110 - Redis has no event for us
            await asyncio.sleep(0.02)


async def tell(who: Leases, message: Notification = X) -> None:
    """Have one tell a message, which must have leave."""
    leave = await who.ask("team", message)
    assert leave.word is Word.GO
    await who.settled("team", leave.notification, told=True)


async def test_who_dies_while_telling_holds_up_nobody_for_long(redis_server: RedisServer) -> None:
    """Its lease lasts longer than an attempt, and runs out by itself; then another tells."""
    async with replicas(redis_server.url, "a", "b") as (a, b):
        assert (await a.ask("team", X)).word is Word.GO
        assert (await b.ask("team", X)).word is Word.WAIT
        with redis_server.client() as client:
            left_s = client.pttl(f"{NAME}:lease:team/g") / 1e3
            assert SEND_BUDGET_S < left_s <= LEASE_S
            client.pexpire(f"{NAME}:lease:team/g", 1)
        await until(lambda: _word(b, Word.GO))


async def test_each_attempt_has_a_whole_lease(redis_server: RedisServer) -> None:
    """Who has it still, and does not know it, has leave again: for as long as an attempt takes."""
    async with replicas(redis_server.url, "a") as (a,):
        assert (await a.ask("team", X)).word is Word.GO
        with redis_server.client() as client:
            client.pexpire(f"{NAME}:lease:team/g", 1_000)
            assert (await a.ask("team", X)).word is Word.GO
            assert client.pttl(f"{NAME}:lease:team/g") / 1e3 > SEND_BUDGET_S


async def _word(who: Leases, word: Word) -> bool:
    return (await who.ask("team", X)).word is word


async def test_who_was_paused_frees_no_lease_but_its_own(redis_server: RedisServer) -> None:
    """It comes back, and another is telling: nobody else may."""
    async with replicas(redis_server.url, "a", "b", "c") as (a, b, c):
        await a.ask("team", X)
        with redis_server.client() as client:
            client.delete(f"{NAME}:lease:team/g")
        assert (await b.ask("team", X)).word is Word.GO
        await a.settled("team", X, told=False)
        assert (await c.ask("team", X)).word is Word.WAIT


async def test_who_was_paused_overwrites_nothing_newer(redis_server: RedisServer) -> None:
    """What it told before the pause is noted after it: meanwhile all was over."""
    async with replicas(redis_server.url, "a", "b", "c") as (a, b, c):
        assert (await a.ask("team", X)).word is Word.GO
        with redis_server.client() as client:
            client.delete(f"{NAME}:lease:team/g")
        await tell(b)
        await tell(b, X_OVER)
        await a.settled("team", X, told=True)
        assert (await c.ask("team", X)).word is Word.TOLD


async def test_a_redis_that_was_emptied_is_told_what_it_knew(redis_server: RedisServer) -> None:
    """By those who know, while all others wait: nothing is told twice."""
    async with replicas(redis_server.url, "a", "b", "c") as (a, b, c):
        await tell(a)
        assert (await b.ask("team", replace(X, group_id="h"))).word is Word.GO  # it knows the epoch
        redis_server.client().flushall()
        leave = await b.ask("team", X)
        assert leave.word is Word.WAIT
        assert 1.0 < leave.wait_s <= 5.0
        keeping = asyncio.create_task(a.keep())
        with redis_server.client() as client:
            await until(lambda: _exists(client.exists, f"{NAME}:told:team/g"))
        keeping.cancel()
        assert (await c.ask("team", X)).word is Word.TOLD


async def _exists(exists: Callable[[str], object], key: str) -> bool:
    return bool(await asyncio.to_thread(exists, key))


async def test_what_was_told_meanwhile_is_brought_back(redis_server: RedisServer) -> None:
    """Redis hangs, one replica tells, Redis is back: the others know it."""
    async with replicas(redis_server.url, "a", "b", looking=True) as (a, b):
        assert (await b.ask("team", replace(X, group_id="h"))).word is Word.GO
        redis_server.pause()
        await until(lambda: _word(a, Word.GO))
        await a.settled("team", X, told=True)
        redis_server.start()
        keeping = asyncio.create_task(a.keep())
        with redis_server.client() as client:
            await until(lambda: _exists(client.exists, f"{NAME}:told:team/g"))
        keeping.cancel()
        await until(lambda: _word(b, Word.TOLD))


async def test_two_that_told_apart_close_what_they_opened(redis_server: RedisServer) -> None:
    """Redis was away for so long that both told: there are two incidents, and both end."""
    async with replicas(redis_server.url, "a", "b", looking=True) as (a, b):
        redis_server.pause()
        theirs = replace(X, thread="bb")
        for who, message in ((a, X), (b, theirs)):
            await until(partial(_goes, who, message))
            await who.settled("team", message, told=True)
        redis_server.start()
        keeping = [asyncio.create_task(each.keep()) for each in (a, b)]
        with redis_server.client() as client:
            await until(lambda: _has_threads(client.hget, "aa", "bb"))
        for each in keeping:
            each.cancel()
        for who, message in ((a, X_OVER), (b, replace(X_OVER, thread="bb"))):
            leave = await who.ask("team", message)
            assert (leave.word, leave.notification.thread) == (Word.GO, message.thread)
            await who.settled("team", leave.notification, told=True)
        assert (await a.ask("team", X_OVER)).word is Word.TOLD


async def _goes(who: Leases, message: Notification) -> bool:
    return (await who.ask("team", message)).word is Word.GO


async def _has_threads(hget: Callable[[str, str], object], *threads: str) -> bool:
    found = str(await asyncio.to_thread(hget, f"{NAME}:told:team/g", "threads"))
    return set(found.split()) == set(threads)


async def test_what_nobody_of_us_wrote_is_nothing(redis_server: RedisServer) -> None:
    """Strange words in Redis cost no message, and are overwritten."""
    with redis_server.client() as client:
        strange = {"alert:x": "rings <!channel>", "at": "soon", "threads": "../.. \x00"}
        client.hset(f"{NAME}:told:team/g", mapping=strange)
    async with replicas(redis_server.url, "a", "b") as (a, b):
        await tell(a)
        assert (await b.ask("team", X)).word is Word.TOLD


async def test_over_a_cluster(redis_cluster: RedisCluster) -> None:
    """Lease and log of a group are on one of its nodes, whichever that is."""
    async with replicas(redis_cluster.url, "a", "b") as (a, b):
        for number in range(8):
            message = replace(X, group_id=str(number), id=f"msg_{number}")
            leave = await a.ask("team", message)
            await a.settled("team", leave.notification, told=True)
            assert (await b.ask("team", message)).word is Word.TOLD


@pytest.mark.parametrize("notes", [1, 250])
async def test_many_groups_are_brought_back(redis_server: RedisServer, notes: int) -> None:
    """Some hundred at once, as many questions as that takes."""
    async with replicas(redis_server.url, "a") as (a,):
        for number in range(notes):
            await a.settled("team", replace(X, group_id=str(number)), told=True)
        assert (await a.ask("team", replace(X, group_id="0"))).word is Word.TOLD
        redis_server.client().flushall()
        keeping = asyncio.create_task(a.keep())
        async with Redis.from_url(redis_server.url) as client:
            await until(lambda: _holds(client, notes))
        keeping.cancel()


async def test_a_group_of_thousands_is_noted_and_brought_back(redis_server: RedisServer) -> None:
    """An outage of everything, told in one message."""
    others = tuple(replace(X.alerts[0], fingerprint=f"{number:x}") for number in range(5_000))
    async with replicas(redis_server.url, "a") as (a,):
        await tell(a, replace(X, others=others))
        with redis_server.client() as client:
            assert client.hlen(f"{NAME}:told:team/g") == 5_003
            client.flushall()
            keeping = asyncio.create_task(a.keep())
            await until(lambda: _exists(client.exists, f"{NAME}:told:team/g"))
            keeping.cancel()


async def test_groups_are_brought_back_across_an_ocean(redis_server: RedisServer) -> None:
    """In few round trips: an answer that is a tenth of a second away is in time."""
    async with far_away(redis_server) as url, replicas(url, "a") as (a,):
        await tell(a)
        for begin in range(0, 60, 6):
            async with asyncio.TaskGroup() as group:
                for number in range(begin, begin + 6):
                    message = replace(X, group_id=str(number))
                    group.create_task(a.settled("team", message, told=True))
        redis_server.client().flushall()
        keeping = asyncio.create_task(a.keep())
        async with Redis.from_url(redis_server.url) as client:
            await until(lambda: _holds(client, 61))
        keeping.cancel()


@asynccontextmanager
async def far_away(server: RedisServer) -> AsyncIterator[str]:
    """Have every word to the server, and from it, take a twentieth of a second."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while words := await reader.read(1 << 20):
                await asyncio.sleep(0.05)
                writer.write(words)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(asyncio.current_task())
        theirs, ours = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(carry(reader, ours))
            group.create_task(carry(theirs, writer))

    met: list[asyncio.Task[None] | None] = []

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        yield f"redis://127.0.0.1:{port}/0"
        await asyncio.wait([each for each in met if each is not None])


async def _holds(client: Redis, notes: int) -> bool:
    return len(await client.keys("*:told:*")) == notes


async def test_a_failover_that_lost_the_log_tells_nothing_twice(
    redis_sentinel: Sentinels,
) -> None:
    """The new master never had what was told: who told it brings it back."""
    async with replicas(redis_sentinel.url, "a", "b", looking=True) as (a, b):
        keeping = asyncio.create_task(a.keep())
        await until(lambda: _word(a, Word.GO))
        with redis_sentinel.replica.client() as client:
            await asyncio.to_thread(client.replicaof, "NO", "ONE")  # it hears nothing more
            await a.settled("team", X, told=True)
            assert not client.exists(f"{NAME}:told:team/g")
            redis_sentinel.master.kill()
            await until(lambda: _exists(client.exists, f"{NAME}:told:team/g"), 20.0)
        keeping.cancel()
        await until(lambda: _word(b, Word.TOLD), 10.0)
