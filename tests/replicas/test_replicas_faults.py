"""Three daemons, and what befalls them: after each fault slots and messages are audited."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.daemon_process import wait_until
from tests.e2e.simulated import simulated
from tests.replicas.audit import Slots, told_of
from tests.replicas.group import SECRET, Group, three
from tests.servers.redis import RedisServer, Sentinels
from tests.standins.webhook_receiver import Receiver

OUTAGE_S = 36.0
"""A play of three parts: well, failing, well again."""
PAUSED_S = 22.0
"""Longer than a lease on a message (15 s), a heartbeat (10 s) and whatever is in flight."""


@asynccontextmanager
async def through_an_outage(folder: Path, redis_url: str) -> AsyncIterator[tuple[Group, Receiver]]:
    """Run the three against a provider that fails for a while."""
    async with (
        Receiver(SECRET, time.time) as receiver,
        simulated("outage", OUTAGE_S) as provider,
        three(folder, provider.base_url, redis_url, receiver) as group,
    ):
        yield group, receiver


async def all_over(group: Group, receiver: Receiver) -> None:
    """Wait until every target was told as down and as well again."""

    def over() -> bool:
        told = told_of(receiver.deliveries)
        return all(told["Down", target].resolved for target in group.targets)

    await wait_until(over, f"the end of all alerts; told: {told_of(receiver.deliveries)}", 120.0)


def at_most_one_lost(slots: Slots, faults: int) -> None:
    """A replica that goes takes at most the slot it held with it, of each target."""
    assert max(slots.lost_by_target().values(), default=0) <= faults


def told_well(receiver: Receiver, group: Group, most: int) -> None:
    """Each alert is told, in order, and at most so often."""
    for target in group.targets:
        told = told_of(receiver.deliveries)["Down", target]
        assert told.words[0] == "firing"
        assert told.words[-1] == "resolved"
        assert told.firing <= most
        assert told.resolved <= most


@pytest.mark.timeout(240)
async def test_killed_one_after_the_other(tmp_path: Path, redis_sentinel: Sentinels) -> None:
    """`kill -9` of each, and back: at most a slot of each target, and all is told."""
    luck = random.Random(8)
    async with through_an_outage(tmp_path, redis_sentinel.url) as (group, receiver):
        for replica in group.replicas.values():
            await asyncio.sleep(luck.uniform(5.0, 9.0))
            replica.kill()
            await asyncio.sleep(luck.uniform(2.0, 4.0))
            await replica.start()
        await all_over(group, receiver)
        slots = await group.audit()
        assert await group.stop() == [0, 0, 0]
    assert not slots.doubled
    assert not slots.missing
    at_most_one_lost(slots, faults=3)
    told_well(receiver, group, most=2)


@pytest.mark.timeout(240)
async def test_paused_for_longer_than_any_lease(tmp_path: Path, redis_sentinel: Sentinels) -> None:
    """A replica that stood still probes nothing twice, and tells nobody what is over by then."""
    async with through_an_outage(tmp_path, redis_sentinel.url) as (group, receiver):
        ada = group.replicas["ada"]
        await asyncio.sleep(10.0)
        ada.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(PAUSED_S)
        ada.process.send_signal(signal.SIGCONT)
        await all_over(group, receiver)
        slots = await group.audit()
        assert await group.stop() == [0, 0, 0]
    assert not slots.doubled
    assert not slots.missing
    at_most_one_lost(slots, faults=1)
    told_well(receiver, group, most=1)


@pytest.mark.timeout(240)
async def test_a_failover_of_redis(tmp_path: Path, redis_sentinel: Sentinels) -> None:
    """The master is killed under load and its replica promoted: nobody is silent, all agree."""
    async with through_an_outage(tmp_path, redis_sentinel.url) as (group, receiver):
        await asyncio.sleep(10.0)
        failed_at = time.time()
        redis_sentinel.master.kill()
        await wait_until(
            lambda: (
                all(
                    each.metric("sonde_cluster_connected") == 1.0
                    for each in group.replicas.values()
                )
                and time.time() > failed_at + 2.0
            ),
            "all replicas to have found the new master",
            30.0,
        )
        back_at = time.time()
        await all_over(group, receiver)
        calm = await group.audit(since=back_at + 5.0)
        storm = await group.audit(until=back_at + 5.0)
        assert await group.stop() == [0, 0, 0]
    assert not calm.doubled
    assert not calm.missing
    assert not calm.lost
    assert not storm.missing
    told_well(receiver, group, most=2)  # one that is still cut off may tell as well


@pytest.mark.timeout(240)
async def test_redis_is_gone_and_comes_back_empty(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """Without Redis each works alone, so nothing goes unseen; with it they are one again."""
    async with through_an_outage(tmp_path, redis_server.url) as (group, receiver):
        await asyncio.sleep(8.0)
        gone_at = time.time()
        await asyncio.to_thread(redis_server.kill)
        await asyncio.sleep(20.0)
        await asyncio.to_thread(redis_server.start)
        back_at = time.time()
        await all_over(group, receiver)
        alone = await group.audit(since=gone_at + 3.0, until=back_at - 3.0)
        calm = await group.audit(since=back_at + 8.0)
        assert await group.stop() == [0, 0, 0]
    assert not alone.missing
    assert not alone.lost
    assert alone.decisions == {3}  # they know nothing of each other
    assert not calm.doubled
    assert not calm.missing
    assert not calm.lost
    told_well(receiver, group, most=3)


@pytest.mark.timeout(240)
async def test_a_rolling_restart(tmp_path: Path, redis_sentinel: Sentinels) -> None:
    """SIGTERM one after the other, under load: no slot is lost and nobody is told twice."""
    async with through_an_outage(tmp_path, redis_sentinel.url) as (group, receiver):
        for replica in group.replicas.values():
            await asyncio.sleep(6.0)
            assert await replica.stop() == 0
            await replica.start()
        await all_over(group, receiver)
        slots = await group.audit()
        assert await group.stop() == [0, 0, 0]
    assert not slots.doubled
    assert not slots.missing
    assert not slots.lost
    told_well(receiver, group, most=1)
