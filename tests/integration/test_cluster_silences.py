"""Silences of several ledgers over a real Redis: all have soon what one has."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from alerting.match import Match
from alerting.routing.silence import Silence
from alerting.routing.silence_store import (
    KEPT_S,
    SILENCES,
    add_silence,
    expire_silence,
    load_silences,
)
from monitor.cluster import silences
from monitor.cluster.link import AwayError, Link
from monitor.cluster.silences import SharedSilences
from tests.servers.redis import RedisServer

NOW = time.time()
SILENCE = Silence(
    "3f9c21ab", Match((("provider", ("openai",)),)), NOW, NOW + 3600, "ann", "they told us"
)


@dataclass
class Replica:
    """A ledger, and what keeps its silences like the others'."""

    ledger: Ledger
    shared: SharedSilences

    async def add(self, silence: Silence) -> None:
        """Write a silence as the command does."""
        await self.ledger.write(lambda c: add_silence(c, silence, NOW))

    async def expire(self, after_s: float) -> None:
        """End the silence so long after NOW."""
        assert await self.ledger.write(lambda c: expire_silence(c, SILENCE.id, NOW + after_s))

    async def known(self) -> tuple[Silence, ...]:
        """Return what the ledger has, those that are over among it."""
        return await self.ledger.read(lambda c: load_silences(c, 0.0))


@pytest.fixture
async def three(tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[list[Replica]]:
    """Run three replicas with empty ledgers."""
    async with AsyncExitStack() as stack:
        found = []
        for name in "abc":
            link = Link(Redis.from_url(redis_server.url), "group")
            stack.push_async_callback(link.close)
            ledger = Ledger.open(tmp_path / f"{name}.db", (SILENCES,))
            stack.push_async_callback(ledger.close)
            found.append(Replica(ledger, SharedSilences(link, ledger, lambda: NOW)))
        yield found


async def settle(*replicas: Replica) -> None:
    """Have each look twice: once to tell, once to hear."""
    for _ in range(2):
        for each in replicas:
            await each.shared.settle()


async def test_a_silence_is_everywhere(three: list[Replica]) -> None:
    """Whoever made it, and nothing is done while nothing changes."""
    await three[0].add(SILENCE)
    await settle(*three)
    for each in three:
        assert await each.known() == (SILENCE,)
    with capture_logs() as logs:
        await settle(*three)
    assert logs == []


async def test_the_earlier_end_counts(three: list[Replica]) -> None:
    """Two end it at different moments while they do not hear of each other."""
    await three[0].add(SILENCE)
    await settle(*three)
    await three[1].expire(600)
    await three[2].expire(300)
    await settle(*three)
    for each in three:
        assert await each.known() == (replace(SILENCE, ends_at=NOW + 300),)


async def test_one_that_never_began_never_begins(three: list[Replica]) -> None:
    """Ended before its begin, it is so everywhere."""
    await three[0].add(replace(SILENCE, starts_at=NOW + 1800))
    await settle(*three)
    await three[1].expire(60)
    await settle(*three)
    assert await three[2].known() == (replace(SILENCE, starts_at=NOW + 60, ends_at=NOW + 60),)


async def test_a_redis_that_was_emptied_is_told_again(
    three: list[Replica], redis_server: RedisServer
) -> None:
    """By whoever looks next; a new replica hears of it."""
    await three[0].add(SILENCE)
    await settle(*three[:2])
    redis_server.client().flushall()
    await settle(three[1], three[2])
    assert await three[2].known() == (SILENCE,)


async def test_what_is_long_over_is_forgotten(
    three: list[Replica], redis_server: RedisServer
) -> None:
    """In Redis as in a ledger."""
    await three[0].add(SILENCE)
    await settle(*three)
    past = SharedSilences(three[0].shared._link, three[0].ledger, lambda: NOW + 3601 + KEPT_S)
    await past.settle()
    with redis_server.client() as client:
        assert client.keys("*:silences") == []


async def test_what_no_replica_writes_is_left_alone(
    three: list[Replica], redis_server: RedisServer
) -> None:
    """It is counted, told in the log once, and keeps nothing from being shared."""
    with redis_server.client() as client:
        client.hset("sonde:{group:silences}:silences", mapping={"3f9c21ab": "soon {}", "x": "1"})
    await three[0].add(SILENCE)
    with capture_logs() as logs:
        await settle(*three)
    assert await three[2].known() == (SILENCE,)
    assert three[0].shared.strange >= 1
    assert sum(each["event"] == "silences.not_taken" for each in logs) == len(three)


async def test_too_many_are_not_read(
    three: list[Replica], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who can write into Redis fills a replica's memory; nor is more and more added."""
    monkeypatch.setattr(silences, "MOST", 3)
    with redis_server.client() as client:
        client.hset("sonde:{group:silences}:silences", mapping=dict.fromkeys("abcd", "1 {}"))
    await three[0].add(SILENCE)
    with capture_logs() as logs:
        await settle(three[0])  # looks twice
        assert [each["event"] for each in logs] == ["silences.too_many"]
        with redis_server.client() as client:
            assert client.hlen("sonde:{group:silences}:silences") == 4
            client.delete("sonde:{group:silences}:silences")
        await settle(three[0], three[1])
    assert await three[1].known() == (SILENCE,)


async def test_a_thousand_are_shared(three: list[Replica]) -> None:
    """As many as a ledger keeps, in a few questions."""
    many = [replace(SILENCE, id=f"{number:08x}") for number in range(1000)]
    await three[0].ledger.write(lambda c: [add_silence(c, each, NOW) for each in many])
    await settle(*three[:2])
    assert len(await three[1].known()) == 1000
    with capture_logs() as logs:
        await three[2].add(SILENCE)
        await settle(*three)
    assert "silences.not_taken" in {each["event"] for each in logs}  # no room for one more
    with capture_logs() as logs:
        await settle(*three[:2])
    assert logs == []  # it is said once


async def test_it_goes_on_by_itself(three: list[Replica], redis_server: RedisServer) -> None:
    """Redis away or a ledger that fails cost no more than time."""
    running = asyncio.create_task(three[0].shared.run())
    await three[0].add(SILENCE)
    with redis_server.client() as client:
        async with asyncio.timeout(5):
            while not await asyncio.to_thread(client.keys, "*:silences"):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
    redis_server.stop()
    with pytest.raises(AwayError):
        await three[1].shared.settle()
    running.cancel()
    redis_server.start()
