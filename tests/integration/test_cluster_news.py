"""What replicas tell each other, through a real Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cluster import awaited, publisher
from probes.result import Fault, SkipReason, Verdict
from tests.integration.news_replica import Replica
from tests.servers.redis import RedisCluster, RedisServer
from tests.unit.aggregator.samples import result

WITHIN_S = 15.0
"""More than anything here takes on a machine that does other things as well."""


async def until(met: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        said = met()
        if said if isinstance(said, bool) else await said:
            return
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.005)


async def has(replica: Replica, *slots: int, table: str = "results") -> None:
    """Wait until a replica's ledger has exactly these slots."""

    async def met() -> bool:
        return sorted(slot for _, slot, _ in await replica.rows(table)) == sorted(slots)

    await until(met)


async def told(*replicas: Replica) -> None:
    """Wait until nothing waits to be told."""
    await until(lambda: all(one.figure("untold_news") == 0 for one in replicas))


async def test_all_have_what_one_found(redis_server: RedisServer, tmp_path: Path) -> None:
    """A result is in each ledger and window once, and told to who wants our own only at home."""
    a, b, c = (Replica(tmp_path, redis_server.url, name) for name in "abc")
    async with a.running(), b.running(), c.running():
        await a.find(1)
        await b.find(2, verdict=Verdict.TIMEOUT, fault=Fault.PROVIDER)
        await b.find(2, attempt=2)
        await until(lambda: all(one.counted() == (2, 0) for one in (a, b, c)))
        await has(c, 1, 2, 2)
        assert await c.rows() == [("chat", 1, "a"), ("chat", 2, "b"), ("chat", 2, "b")]
        assert sorted(found.slot for found in c.learnt) == [1, 2, 2]
        assert c.own == []
        assert [found.slot for found in b.own] == [2, 2]
        assert c.pipeline.last_result["chat"].slot == 2
        assert c.pipeline.last_failures.keys() == {("chat", Fault.PROVIDER)}
        assert c.figure("news_total", what="new") == 3
        assert a.figure("news_total", what="told") == 1


async def test_a_skipped_slot_is_told_with_its_reason(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """It counts elsewhere as it counted where it was skipped."""
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        a.skip(1, SkipReason.LATE)
        a.skip(2, SkipReason.BUDGET)
        await has(b, 1, 2, table="skips")
        await until(lambda: b.counted() == (0, 1))
        assert b.pipeline.last_skip["chat"] is SkipReason.BUDGET


async def test_a_restart_hears_what_was_told_meanwhile(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Each once: from where the ledger stands, without what it has."""
    a = Replica(tmp_path, redis_server.url, "a")
    async with a.running():
        async with Replica(tmp_path, redis_server.url, "b").running() as b:
            await a.find(1)
            await has(b, 1)
        await a.find(2)
        await a.find(3)
        await told(a)
        async with Replica(tmp_path, redis_server.url, "b").running() as b:
            assert await b.rows() == [("chat", slot, "a") for slot in (1, 2, 3)]
            assert b.counted() == (2, 0)  # the first comes from its ledger
            assert b.figure("news_total", what="new") == 2
            assert b.figure("news_total", what="known") == 0


async def test_a_new_ledger_hears_its_own_name_as_well(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """A pod without a volume has after its restart what it had found before."""
    async with Replica(tmp_path, redis_server.url, "a").running() as a:
        await a.find(1)
        await told(a)
    elsewhere = tmp_path / "new"
    elsewhere.mkdir()
    async with Replica(elsewhere, redis_server.url, "a").running() as again:
        assert await again.rows() == [("chat", 1, "a")]
        assert again.counted() == (1, 0)


async def test_news_wait_for_redis(redis_server: RedisServer, tmp_path: Path) -> None:
    """What was found while it was away is told when it is back, and nothing twice."""
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        await a.find(1)
        await has(b, 1)
        redis_server.kill()
        await a.find(2)
        await b.find(2)  # both, for nobody could be asked
        await a.find(3)
        await until(lambda: not a.link.connected and not b.link.connected)
        assert a.figure("connected") == 0
        redis_server.start()
        await has(b, 1, 2, 3)
        await has(a, 1, 2, 3)
        await told(a, b)
        await until(lambda: b.figure("news_total", what="known") >= 1)
        assert a.counted() == b.counted() == (3, 0)


async def test_a_redis_that_answers_nothing_is_away(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """What was told to it perhaps is told again, and counts once."""
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        redis_server.pause()
        await a.find(1)
        await until(lambda: not a.link.connected)
        await a.find(2)
        redis_server.start()
        await has(b, 1, 2)
        await until(lambda: b.counted() == (2, 0))


async def test_a_slot_nothing_came_of_is_lost_once(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is missed with a reason; what comes of it later is written down and counts no more."""
    monkeypatch.setattr(awaited, "TOLD_S", 0.5)
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        await a.find(1)
        await has(b, 1)
        b.expect(1)  # the news were faster than the answer to our claim
        b.expect(2)
        await has(b, 2, table="skips")
        query = "SELECT reason FROM skips"
        assert await b.ledger.read(lambda c: c.execute(query).fetchall()) == [("not_claimed",)]
        assert b.counted() == (1, 1)
        await a.find(2)
        await has(b, 1, 2)
        await until(lambda: b.figure("news_total", what="late") == 1)
        assert b.counted() == (1, 1)
        assert b.figure("lost_slots_total") == 1
        assert b.figure("awaited_slots") == 0


async def test_nothing_is_lost_while_nobody_can_be_heard(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slot whose news wait on the other side of a partition is given up after them only."""
    monkeypatch.setattr(awaited, "TOLD_S", 0.5)
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        b.expect(1)
        redis_server.pause()
        await a.find(1)
        await asyncio.sleep(2.0)
        assert b.counted() == (0, 0)
        redis_server.start()
        await has(b, 1)
        await until(lambda: b.counted() == (1, 0))
        assert await b.rows("skips") == []


async def test_other_locations_have_windows_of_their_own(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Their results are in the ledger under their name, and in none of our figures."""
    a, b = (
        Replica(tmp_path, redis_server.url, "a", "fra1"),
        Replica(tmp_path, redis_server.url, "b", "iad1"),
    )
    async with a.running(), b.running():
        await a.find(1)
        await b.find(1)
        await has(b, 1, 1)
        await until(lambda: "fra1" in b.elsewhere.windows)
        assert b.counted() == (1, 0)
        assert b.learnt == []
        there = b.elsewhere.windows["fra1"]
        await until(lambda: there.summary(("chat",), 60.0, b.clock.steady() + 1.0).n == 1)


async def test_a_target_we_do_not_have_is_counted(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Another configuration's results are in no table and no window of ours."""
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        stranger = await a.find(1)
        a.exchange.tell(replace(stranger, target="strange"))
        await until(lambda: b.figure("news_total", what="unknown") == 1)
        await has(b, 1)


async def test_what_somebody_else_writes_harms_nobody(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Broken entries are counted and passed over; what follows them is heard."""
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        stream, members = a.link.key(publisher.STREAM), a.link.key("replicas")
        with redis_server.client() as client:
            client.xadd(stream, {"from": "x", "news": "[" * 90_000})
            client.xadd(stream, {"nothing": "of ours"})
            client.xadd(stream, {"from": "\x1b[2J\n", "news": '[{"slot":1},7]'})
            client.hset(members, "evil", "not JSON")
        await a.find(1)
        await has(b, 1)
        assert b.figure("news_total", what="refused") == 4
        await until(lambda: len(a.exchange.members()) == 2)


async def test_an_emptied_redis_is_heard_from_its_beginning(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Though its numbers are lower than those heard: another server's clock is behind."""
    a, b = (Replica(tmp_path, redis_server.url, name) for name in "ab")
    async with a.running(), b.running():
        stream = a.link.key(publisher.STREAM)
        with redis_server.client() as client:
            ahead_ms = int((time.time() + 600.0) * 1_000)
            client.xadd(stream, {"from": "x", "news": "[]"}, id=f"{ahead_ms}-0")
            await a.find(1)
            await has(b, 1)
            client.delete(stream)
        await a.find(2)
        await has(b, 1, 2)


async def test_the_stream_is_trimmed_by_age(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is older than it should keep goes, by the clock of Redis."""
    monkeypatch.setattr(publisher, "KEPT_S", 0.001)
    monkeypatch.setattr(publisher, "PACE_S", 0.0)
    async with Replica(tmp_path, redis_server.url, "a").running() as a:
        with redis_server.client() as client:
            stream = a.link.key(publisher.STREAM)
            for slot in range(105):  # whole nodes of a hundred entries go at once
                a.exchange.tell(result(slot=slot))
                await until(lambda: a.figure("untold_news") == 0)
            assert client.xlen(stream) < 100
            assert client.ttl(stream) > 0  # what nobody renews goes by itself


async def test_who_is_there_is_known(redis_server: RedisServer, tmp_path: Path) -> None:
    """With its location and load; who leaves says so."""
    async with AsyncExitStack() as stack:
        a = await stack.enter_async_context(Replica(tmp_path, redis_server.url, "a").running())
        async with Replica(tmp_path, redis_server.url, "b", "iad1").running():
            await until(lambda: [each.name for each in a.exchange.members()] == ["a", "b"])
            assert a.figure("replicas", location="iad1") == 1
            assert abs(a.exchange.ahead_s) < 0.3
            assert [each.own for each in a.exchange.members()] == [True, False]
        await until(lambda: [each.name for each in a.exchange.members()] == ["a"])


@pytest.mark.parametrize("away", ["before", "meanwhile"])
async def test_a_start_without_redis_is_a_start(
    new_redis: Callable[[], RedisServer], tmp_path: Path, away: str
) -> None:
    """It waits for nobody; what was told is heard later."""
    server = new_redis()
    if away == "before":
        server.stop()
    else:
        server.pause()
    a, b = (Replica(tmp_path, server.url, name) for name in "ab")
    async with a.running(), b.running():
        await a.find(1)
        server.start()
        await has(b, 1)


async def test_a_redis_cluster_carries_news(redis_cluster: RedisCluster, tmp_path: Path) -> None:
    """Stream and members are keys of one slot, for one script touches both."""
    a, b = (Replica(tmp_path, redis_cluster.url, name) for name in "ab")
    async with a.running(), b.running():
        await a.find(1)
        await has(b, 1)
        await until(lambda: len(b.exchange.members()) == 2)
