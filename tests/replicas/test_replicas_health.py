"""Three daemons in health: each slot once, each message once."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.e2e.daemon_process import wait_until
from tests.e2e.simulated import simulated
from tests.replicas.audit import told_of
from tests.replicas.group import NOBODY_AHEAD_S, SECRET, three
from tests.servers.redis import RedisServer, Sentinels
from tests.standins.webhook_receiver import Receiver


@pytest.mark.timeout(180)
async def test_each_slot_and_each_message_once(tmp_path: Path, redis_sentinel: Sentinels) -> None:
    """Through an outage and a recovery: one probe a slot, one message a change, all know all."""
    async with (
        Receiver(SECRET, time.time) as receiver,
        simulated("outage", 36.0) as provider,
        three(tmp_path, provider.base_url, redis_sentinel.url, receiver) as group,
    ):
        await wait_until(
            lambda: sum(told.resolved for told in told_of(receiver.deliveries).values()) >= 6,
            "every alert to be over",
            90.0,
        )
        until = time.time()
        slots = await group.audit(until=until)
        known = group.known(group.started_at, until - 4.0)
        members = [
            each.metric('sonde_cluster_replicas{location="test"}')
            for each in group.replicas.values()
        ]
        assert await group.stop() == [0, 0, 0]
        asked = [row for row in await provider.log() if row["path"].startswith("/v1/")]
    assert not slots.doubled
    assert not slots.missing
    assert not slots.lost
    assert slots.reasons <= {"breaker", "in_flight"}
    assert len(slots.skipped_for("in_flight")) <= len(slots.due) / 20  # clocks are slots apart
    assert all(len(slots.skips[slot]) == 1 for slot in slots.skipped)
    assert known["ada"] == known["ben"] == known["cy"]
    assert members == [3, 3, 3]
    assert len({row["prompt"] for row in asked}) == len(asked)
    told = told_of(receiver.deliveries)
    assert {key: each.words for key, each in told.items()} == {
        ("Down", target): ["firing", "resolved"] for target in group.targets
    }
    assert len(receiver.ids) == len(receiver.deliveries)


@pytest.mark.timeout(120)
async def test_the_work_divides(tmp_path: Path, redis_server: RedisServer) -> None:
    """With clocks alike each of three takes its part of the slots, and no slot waits for it."""
    async with (
        Receiver(SECRET, time.time) as receiver,
        simulated("answer") as provider,
        three(
            *(tmp_path, provider.base_url, redis_server.url, receiver, 12),
            ahead_s=NOBODY_AHEAD_S,
        ) as group,
    ):
        await asyncio.sleep(15.0)
        slots = await group.audit()
        assert await group.stop() == [0, 0, 0]
    assert not slots.doubled
    assert not slots.missing
    assert not slots.lost
    assert slots.reasons <= {"in_flight"}
    assert set(slots.shares) == set(NOBODY_AHEAD_S)
    assert min(slots.shares.values()) >= len(slots.due) / 12
