"""Budgets through a real Redis: its script, its Sentinels, its Cluster; and the API beside it."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
from redis.asyncio import Redis

from aggregator.ledger import Ledger
from monitor.budget.purse import BUDGET, Drawn, PurseError
from monitor.clock import Clock
from monitor.cluster.drawn import Waits
from monitor.cluster.link import Link
from monitor.cluster.purse import RedisPurse
from monitor.cluster.purse_fields import PURSE
from monitor.cluster.purse_script import SPEAK
from monitor.cluster.ways import Source
from probes.secret import SecretSource
from probes.wire.trust import Papers
from tests.integration.api_served import served
from tests.servers.redis import RedisCluster, RedisServer, Sentinels
from tests.standins.redis_budget import RememberedRedis

QUICK = Waits(settle_s=0.2, join_s=0.1)
CAP_NUSD = 100


@asynccontextmanager
async def purse_of(url: str, folder: Path, name: str) -> AsyncIterator[RedisPurse]:
    """Run a replica's purse."""
    file = folder / f"{name}.url"
    file.write_text(url, encoding="utf-8")
    source = Source(SecretSource(path=file), Papers())
    link = Link(source.open(), "group", source)
    ledger = Ledger.open(folder / f"{name}.db", (BUDGET, PURSE))
    purse = RedisPurse(link, ledger, Clock(), name, waits=QUICK)
    tasks = [asyncio.create_task(each(), name=name) for each in (link.run, purse.run)]
    try:
        yield purse
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await link.close()
        await ledger.close()


async def drawn(purse: RedisPurse, wanted_nusd: int) -> Drawn:
    """Draw as a keeper does: again, if it could not be."""
    day = date.today()  # noqa: DTZ011 - whichever: all ask for the same
    async with asyncio.timeout(20):
        while True:
            try:
                return await purse.draw("p", day, wanted_nusd, CAP_NUSD)
            except PurseError:
                await asyncio.sleep(0.1)


async def test_replicas_draw_no_more_than_the_cap_together(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """Many small draws at once; a Redis that forgot everything between them."""
    async with (
        purse_of(redis_server.url, tmp_path, "a") as a,
        purse_of(redis_server.url, tmp_path, "b") as b,
    ):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(drawn(each, 7)) for each in (a, b) * 4]
        granted_nusd = sum(task.result().granted_nusd for task in tasks)
        assert granted_nusd == 56
        with redis_server.client() as client:
            client.flushall()
        granted_nusd += (await drawn(a, 30)).granted_nusd
        redis_server.kill()
        await asyncio.sleep(0.3)
        redis_server.start()
        granted_nusd += (await drawn(b, 30)).granted_nusd
        assert granted_nusd == CAP_NUSD
        assert await drawn(a, 30) == Drawn(0, CAP_NUSD)


async def test_a_failover_loses_no_draw(redis_sentinel: Sentinels, tmp_path: Path) -> None:
    """The copy had what was drawn; what is left may be drawn from it once it leads."""
    async with (
        purse_of(redis_sentinel.url, tmp_path, "a") as a,
        purse_of(redis_sentinel.url, tmp_path, "b") as b,
    ):
        with redis_sentinel.master.client() as master:
            master.set("first", 1)
            assert master.wait(1, 10_000) == 1, "the copy did not come"
        await a.speak()
        assert (await drawn(a, 70)).granted_nusd == 70
        with redis_sentinel.replica.client() as copy:
            key = next(iter(copy.scan_iter("*budget*")))
            assert "70" in copy.hvals(key)
        redis_sentinel.master.kill()
        # The new master has no copy: one who knows of the old one's would wait ten minutes.
        b._copies = a._copies = 0
        assert await drawn(b, 70) == Drawn(30, CAP_NUSD)


async def test_a_cluster_of_redis_is_drawn_from_too(
    redis_cluster: RedisCluster, tmp_path: Path
) -> None:
    """The script and the wait go to the node that has the key, on one connection."""
    redis_cluster.flush()
    async with purse_of(redis_cluster.url, tmp_path, "a") as a:
        assert (await drawn(a, 70)).granted_nusd == 70
        a._copies = 1  # none of these masters has one
        with pytest.raises(PurseError, match="copies"):
            await a.draw("p", date.today(), 10, CAP_NUSD)  # noqa: DTZ011
        a._mirror.there = None  # then it is asked, with WAIT
        with pytest.raises(PurseError, match=r"changed|copies"):
            await a.draw("p", date.today(), 10, CAP_NUSD)  # noqa: DTZ011


async def test_the_stand_in_does_what_the_script_does(redis_server: RedisServer) -> None:
    """Random speeches, one after the other: the same statuses, grants and fields."""
    dice = random.Random(8)
    client = Redis.from_url(redis_server.url, decode_responses=True)
    remembered = RememberedRedis()
    statuses = set()
    epoch = ""
    for _ in range(400):
        speech = _speech(dice, epoch)
        real = await client.eval(SPEAK, 1, "hash", json.dumps(speech))  # type: ignore[misc] # typed for both worlds
        remembered.now_ms, remembered.run = int(real[3]), real[4].split(":")[0]
        fields = fields_of(real[6])
        told = remembered.speak(json.dumps(speech))
        assert list(told[:6]) == [real[0], real[1], real[2], real[3], real[4], told[5]], speech
        assert bool(told[5]) == bool(real[5])
        assert fields_of(told[6]) == fields
        assert remembered.hash == await client.hgetall("hash")
        statuses.add(real[0])
        epoch = real[4]
        if dice.random() < 0.03:
            await client.delete("hash")
            remembered.hash = {}
    assert statuses >= {"heard", "granted", "over", "moved", "joining", "absent"}
    await client.aclose()


def fields_of(told: object) -> dict[str, str]:
    texts = json.loads(str(told))
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _speech(dice: random.Random, epoch: str) -> dict[str, object]:
    """Return something that a replica, or a bad one, may say."""
    names, days = ("a", "b", "c"), ("2026-06-01", "2026-06-02", "2026-06-03")
    counters = {
        "|".join((dice.choice("dgo"), dice.choice(names), dice.choice(days), "p")): dice.randrange(
            50
        )
        for _ in range(dice.randrange(3))
    }
    gone = f"old:1|1|1|{dice.choice(days)}|{dice.choice(('open', 'ended'))}"
    return {
        "session": dice.choice(names),
        "day": dice.choice(days),
        "oldest": dice.choice(days[:2]),
        "fresh": dice.choice(names),
        "epoch": dice.choice((epoch,) * 8 + ("", "other")),
        "stale": dice.choice((0, 5_000)),
        "settle": 0,
        "join": dice.choice((0, 0, 0, 50_000)),
        "counters": counters,
        "sessions": {dice.choice(names): gone} if dice.random() < 0.3 else {},
        "ended": {dice.choice(names): dice.choice(days)} if dice.random() < 0.3 else {},
        "book": "p",
        "book_day": dice.choice(days),
        "wanted": dice.choice((0, 5, 1_000)),
        "cap": 200,
        "leave": dice.random() < 0.1,
    }


async def test_the_api_tells_of_all_replicas(redis_server: RedisServer, tmp_path: Path) -> None:
    """Who is there, who made which target's newest probe, and that nothing is amiss."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / "redis").write_text(redis_server.url, encoding="utf-8")
    more: Callable[[str], str] = "cluster: {{redis_file: redis, name: api, replica: {}}}\n".format
    async with (
        served(folders[0], more=more("a")) as a,
        served(folders[1], more=more("b")) as b,
    ):
        async with asyncio.timeout(15):
            while True:
                told = await a.get("/cluster")
                ran = {owner["replica"] for owner in told["owners"]}
                if len(told["replicas"]) == 2 and None not in ran:
                    break
                await asyncio.sleep(0.2)
        assert (told["alone"], told["connected"]) == (False, True)
        assert [(each["name"], each["own"]) for each in told["replicas"]] == [
            ("a", True),
            ("b", False),
        ]
        assert ran <= {"a", "b"}
        assert sum(each["targets"] for each in told["replicas"]) == 2
        instance = await b.get("/instance")
        assert instance["replicas"] == 2


async def test_a_sonde_that_is_alone_has_no_replicas(tmp_path: Path) -> None:
    """It says so, instead of an error."""
    async with served(tmp_path) as daemon:
        told = await daemon.get("/cluster")
        assert told == {
            "alone": True,
            "connected": True,
            "replicas": [],
            "owners": [],
            "warnings": [],
        }
