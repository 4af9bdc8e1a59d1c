"""Claims of several replicas over one real Redis."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from monitor.clock import Clock
from monitor.cluster.claims import Claims
from monitor.cluster.link import ASK_S, Link
from monitor.cluster.protocol import Member, Turn
from monitor.cluster.rank import rank
from monitor.cluster.ways import Source
from probes.result import Operation
from probes.secret import Secret, SecretSource
from probes.target import Slot, Target
from probes.wire.trust import Papers
from tests.servers.redis import RedisCluster, RedisServer

CLOCK = Clock()
NAMES = ("a", "b", "c")


def target(name: str = "gpt", interval_s: float = 60.0, deadline_s: float = 30.0) -> Target:
    return Target(
        name=name,
        provider="p",
        preset="compatible",
        model="m",
        operation=Operation.CHAT,
        prompt="hi",
        interval_s=interval_s,
        deadline_s=deadline_s,
    )


def slot(number: int = 1) -> Slot:
    return Slot(number, CLOCK.wall())


def member(name: str, own: str, *, load_ratio: float = 0.0, ahead_s: float = 0.0) -> Member:
    return Member(
        name=name,
        location="fra1",
        version="1",
        config="",
        started_at=0.0,
        seen_s=0.0,
        ahead_s=ahead_s,
        in_flight=0,
        load_ratio=load_ratio,
        claims=0,
        own=name == own,
    )


@dataclass
class Replica:
    """One that claims."""

    link: Link
    claims: Claims
    members: list[Member]
    _tasks: Sequence[asyncio.Task[None]] = ()

    def begin(self) -> None:
        self._tasks = [asyncio.create_task(one()) for one in (self.link.run, self.claims.run)]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.link.close()


@asynccontextmanager
async def replicas(url: str, names: Sequence[str] = NAMES) -> AsyncIterator[list[Replica]]:
    """Let replicas of one location claim over this Redis; they have not heard of each other."""
    async with AsyncExitStack() as stack:
        made = []
        for name in names:
            source = Source(SecretSource(value=Secret(url)), Papers())
            link = Link(source.open(), "group", source)
            members: list[Member] = []
            claims = Claims(
                link, CLOCK, replica=name, location="fra1", members=lambda known=members: known
            )
            one = Replica(link, claims, members)
            stack.push_async_callback(one.end)
            await link.look()
            one.begin()
            made.append(one)
        yield made


async def all_claim(them: Sequence[Replica], asked: Target, due: Slot) -> Counter[Turn]:
    async with asyncio.TaskGroup() as group:
        claims = [group.create_task(one.claims.claim(asked, due)) for one in them]
    return Counter(claim.result() for claim in claims)


async def _each_slot_is_one_replicas(url: str) -> None:
    async with replicas(url) as them, asyncio.TaskGroup() as group:
        claims = [group.create_task(all_claim(them, target(f"t{n}"), slot())) for n in range(100)]
    for claim in claims:
        assert claim.result() == {Turn.OURS: 1, Turn.TAKEN: 2}


async def test_each_slot_is_one_replicas(redis_server: RedisServer) -> None:
    """Whoever asks first probes it, all others know that it is taken."""
    await _each_slot_is_one_replicas(redis_server.url)


async def test_each_slot_is_one_replicas_in_a_cluster(redis_cluster: RedisCluster) -> None:
    """So it is when targets live on three masters."""
    await _each_slot_is_one_replicas(redis_cluster.url)


async def test_a_redis_that_forgot_its_scripts_is_told_them_again(
    redis_server: RedisServer,
) -> None:
    """A restart or a failover forgets them; nobody is told that a slot could not be asked for."""
    async with replicas(redis_server.url) as them:
        await all_claim(them, target(), slot(1))
        with redis_server.client() as client:
            client.script_flush()
        assert (await all_claim(them, target("other"), slot(2)))[Turn.OURS] == 1


async def test_in_flight_elsewhere(redis_server: RedisServer) -> None:
    """A slot waits for the grace, then one of the others counts it as skipped, and one only."""
    asked = target(interval_s=3.0)
    async with replicas(redis_server.url) as them:
        assert await them[0].claims.claim(asked, slot(1)) is Turn.OURS
        turns = await all_claim(them[1:], asked, slot(2))
    assert turns == {Turn.IN_FLIGHT: 1, Turn.TAKEN: 1}


async def test_released_in_time(redis_server: RedisServer) -> None:
    """A probe that ends within the grace of the next slot does not cost that slot."""
    asked = target(interval_s=5.0)
    async with replicas(redis_server.url) as them, asyncio.TaskGroup() as group:
        await them[0].claims.claim(asked, slot(1))
        turns = group.create_task(all_claim(them[1:], asked, slot(2)))
        await asyncio.sleep(0.1)
        them[0].claims.release(asked)
    assert turns.result() == {Turn.OURS: 1, Turn.TAKEN: 1}


async def test_what_a_killed_replica_had_in_flight_comes_free(redis_server: RedisServer) -> None:
    """After its deadline, and within the grace of the next slot where the two meet."""
    asked = target(interval_s=10.0, deadline_s=0.2)
    async with replicas(redis_server.url) as them:
        await them[0].claims.claim(asked, slot(1))
        await asyncio.sleep(0.2)
        assert await them[1].claims.claim(asked, slot(2)) is Turn.OURS


async def test_a_slot_comes_before_a_confirmation(redis_server: RedisServer) -> None:
    """A confirming attempt elsewhere refuses no slot, a slot's attempt refuses every other one."""
    asked = target()
    async with replicas(redis_server.url) as (one, two, three):
        assert await one.claims.claim_further(asked, slot(1), 2)
        assert not await two.claims.claim_further(asked, slot(1), 2)
        assert await two.claims.claim(asked, slot(2)) is Turn.OURS
        one.claims.release(asked, 2)  # is not its own any more
        assert not await three.claims.claim_further(asked, slot(1), 3)
        two.claims.release(asked)
        await _settled(two)
        assert await three.claims.claim_further(asked, slot(1), 3)


async def _settled(one: Replica) -> None:
    """Wait for what was sent without waiting."""
    assert await one.claims.claim(target("after"), slot(99)) is Turn.OURS


async def test_a_skipped_slot_is_counted_once(redis_server: RedisServer) -> None:
    """By one of those that cannot probe it, and by none of them where somebody did."""
    async with replicas(redis_server.url) as them:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(one.claims.claim_skip(target(), slot(1))) for one in them]
        assert Counter(each.result() for each in asked) == {True: 1, False: 2}
        assert await them[0].claims.claim(target(), slot(1)) is Turn.TAKEN
        probed = slot(2)
        assert await them[0].claims.claim(target(), probed) is Turn.OURS
        assert not await them[1].claims.claim_skip(target(), probed)


async def test_alone_when_redis_is_away(redis_server: RedisServer) -> None:
    """Everybody probes, counts and confirms, and asks again when Redis is back."""
    async with replicas(redis_server.url) as them:
        await all_claim(them, target(), slot(1))
        redis_server.stop()
        assert await all_claim(them, target(), slot(2)) == {Turn.UNASKED: 3}
        assert await them[0].claims.claim_skip(target(), slot(3))
        assert await them[0].claims.claim_further(target(), slot(3), 2)
        redis_server.start()
        for one in them:
            async with asyncio.timeout(10.0):
                await one.link.reached()
        assert (await all_claim(them, target("other"), slot(3)))[Turn.OURS] == 1


async def test_an_answer_missed_by_a_late_loop_doubles_no_slot(redis_server: RedisServer) -> None:
    """A question that ran out while our own loop stood still is asked again, and answered."""
    async with replicas(redis_server.url) as (a, b, _):
        for number in range(1, 4):
            due, which = slot(number), target(f"t{number}")
            asked = [asyncio.create_task(one.claims.claim(which, due)) for one in (a, b)]
            await asyncio.sleep(0.0)
            await asyncio.sleep(0.0)
            time.sleep(ASK_S + 0.2)  # noqa: ASYNC251 - nothing else than a loop that stands still
            turns = [await one for one in asked]
            assert sorted(turns) == [Turn.OURS, Turn.TAKEN]


async def test_a_redis_that_hangs_holds_nobody_up(redis_server: RedisServer) -> None:
    """Who waits for an answer that does not come probes; so does who asks after that."""
    async with replicas(redis_server.url) as them:
        redis_server.pause()
        async with asyncio.timeout(5.0):
            for number in range(5):
                assert await all_claim(them, target(), slot(number)) == {Turn.UNASKED: 3}
        redis_server.start()


async def test_who_stood_still_probes_nothing_by_the_way(redis_server: RedisServer) -> None:
    """A process that was paused while it asked finds no answer: the others had the slot."""
    async with replicas(redis_server.url, ("a",)) as (one,):
        now = asyncio.get_running_loop().time
        paused: list[float] = []
        one.claims = Claims(
            one.link,
            Clock(CLOCK.wall, lambda: now() + sum(paused)),
            replica="a",
            location="fra1",
            members=lambda: (),
        )
        runs = asyncio.create_task(one.claims.run())
        redis_server.pause()
        claim = asyncio.create_task(one.claims.claim(target(), slot(1)))
        await asyncio.sleep(0.1)
        paused.append(20.0)
        assert await claim is Turn.TAKEN
        redis_server.start()
        runs.cancel()
        await asyncio.wait([runs])


async def test_an_answer_of_before_a_pause_is_none(redis_server: RedisServer) -> None:
    """It says that the slot is ours; by now its place in flight may be another probe's."""
    paused: list[float] = []
    async with replicas(redis_server.url, ("a",)) as (one,):
        one.claims._clock = Clock(CLOCK.wall, lambda: CLOCK.monotonic() + sum(paused))
        asked = target(interval_s=1.0, deadline_s=0.1)
        claim = asyncio.create_task(one.claims.claim(asked, slot(1)))
        await asyncio.sleep(0)
        paused.append(20.0)
        assert await claim is Turn.TAKEN
        assert one.claims.in_flight == 0


async def test_a_strange_value_costs_its_own_target_alone(redis_server: RedisServer) -> None:
    """Others that are asked for in the same round trip have their answers."""
    async with replicas(redis_server.url, ("a", "b")) as them, asyncio.TaskGroup() as group:
        with redis_server.client() as client:
            client.hset("sonde:{group:fra1/t3}:slot:1", "not", "a claim")
        asked = [target(f"t{n}", interval_s=1.0) for n in range(10)]
        claims = [group.create_task(all_claim(them, each, slot(1))) for each in asked]
    turns = [claim.result() for claim in claims]
    assert turns.pop(3) == {Turn.UNASKED: 2}
    assert turns == [{Turn.OURS: 1, Turn.TAKEN: 1}] * 9


async def test_a_claim_that_is_cancelled_holds_no_place(redis_server: RedisServer) -> None:
    """A stop that comes between asking and hearing leaves nothing in flight."""
    async with replicas(redis_server.url) as them:
        claim = asyncio.create_task(them[0].claims.claim(target(), slot(1)))
        await asyncio.sleep(0)
        claim.cancel()
        await asyncio.wait([claim])
        await _settled(them[0])
        assert await them[1].claims.claim(target(), slot(2)) is Turn.OURS
        assert them[0].claims.in_flight == 1  # of _settled


async def test_who_ranks_first_is_asked_for(redis_server: RedisServer) -> None:
    """Replicas that know of each other divide targets by rank; most slots go where they belong."""
    async with replicas(redis_server.url) as them:
        for name, one in zip(NAMES, them, strict=True):
            one.members.extend(member(other, name) for other in NAMES)
        right = 0
        for n in range(20):
            asked, due = target(f"t{n}"), slot(n)
            async with asyncio.TaskGroup() as group:
                turns = [group.create_task(one.claims.claim(asked, due)) for one in them]
            (ours,) = (
                name for name, turn in zip(NAMES, turns, strict=True) if turn.result() is Turn.OURS
            )
            right += rank(asked.name, ours, frozenset(NAMES)) == 0
    assert right > 10


@pytest.mark.parametrize("why", ["busy", "ahead", "hindered"])
async def test_who_is_busy_or_early_leaves_slots_to_others(
    redis_server: RedisServer, why: str
) -> None:
    """Though it asks at the same moment, most go to the one that has time, or whose time it is."""
    async with replicas(redis_server.url, ("a", "b")) as them:
        ahead_s = 0.2 if why == "ahead" else 0.0
        for name, one in zip("ab", them, strict=True):
            one.members.extend([member("a", name, ahead_s=ahead_s), member("b", name)])
        if why == "busy":
            late = Slot(0, CLOCK.wall() - 1.0)
            async with asyncio.TaskGroup() as group:
                for n in range(100):
                    group.create_task(them[0].claims.claim(target(f"late{n}"), late))
            assert them[0].claims.load_ratio > 1.0
        if why == "hindered":
            them[0].claims.hindered = lambda: True
        before = them[1].claims.turns[Turn.OURS]
        async with asyncio.TaskGroup() as group:
            for n in range(50):
                group.create_task(all_claim(them, target(f"t{n}"), slot()))
        assert them[1].claims.turns[Turn.OURS] - before > 25


async def test_replicas_of_another_location_are_not_asked(redis_server: RedisServer) -> None:
    """Slots are each location's own, and so is the ranking."""
    async with replicas(redis_server.url, ("a", "b")) as (one, two):
        two.claims = Claims(
            two.link, CLOCK, replica="b", location="nyc1", members=lambda: one.members
        )
        one.members.extend(replace(member(name, "x"), location="nyc1") for name in "bcdefg")
        two_runs = asyncio.create_task(two.claims.run())
        assert await one.claims.claim(target(), slot(1)) is Turn.OURS
        assert await two.claims.claim(target(), slot(1)) is Turn.OURS
        two_runs.cancel()
        await asyncio.wait([two_runs])


async def test_whoever_waits_at_the_end_is_told(redis_server: RedisServer) -> None:
    """When claims are no longer sent, who waits or asks could not be asked: nobody hangs."""
    async with replicas(redis_server.url, ("a",)) as (one,):
        redis_server.pause()
        waits = asyncio.create_task(one.claims.claim(target(), slot(1)))
        await asyncio.sleep(0.05)
        late = asyncio.create_task(one.claims.claim(target("late"), slot(1)))
        await asyncio.sleep(0.05)
        for task in one._tasks:
            task.cancel()
        async with asyncio.timeout(5.0):
            assert (await waits, await late) == (Turn.UNASKED, Turn.UNASKED)
            assert await one.claims.claim(target(), slot(2)) is Turn.UNASKED
        redis_server.start()
