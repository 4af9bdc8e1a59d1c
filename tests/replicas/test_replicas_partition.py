"""One of three daemons is cut off: from Redis, from everything, and for how long it wants."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.e2e.daemon_process import wait_until
from tests.e2e.simulated import simulated
from tests.replicas.audit import told_of
from tests.replicas.group import SECRET, Group, three
from tests.replicas.island import REDIS, REST, island
from tests.servers.redis import RedisServer
from tests.standins.webhook_receiver import Receiver

CUT_S = 20.0
"""Longer than a heartbeat, a lease and everything in flight."""


def windows(group: Group, name: str) -> dict[str, tuple[float, float]]:
    """Return each target's samples and error ratio as one replica has them."""
    exposed = group.replicas[name].get("/metrics").text.splitlines()
    found: dict[str, dict[str, float]] = {}
    for line in exposed:
        for metric in ("sonde_window_samples", "sonde_window_error_ratio"):
            if line.startswith(metric + "{") and 'window="10s"' in line:
                target = line.partition('target="')[2].partition('"')[0]
                found.setdefault(target, {})[metric] = float(line.rpartition(" ")[2])
    return {
        target: (each["sonde_window_samples"], each["sonde_window_error_ratio"])
        for target, each in found.items()
        if len(each) == 2
    }


def alike(group: Group) -> bool:
    """Say whether all three see the same, but for what arrived while we asked."""
    ada, ben, cy = (windows(group, name) for name in ("ada", "ben", "cy"))
    return bool(ada) and all(
        ada.keys() == other.keys()
        and all(
            abs(ada[target][0] - other[target][0]) <= 2.0
            and abs(ada[target][1] - other[target][1]) <= 0.25
            for target in ada
        )
        for other in (ben, cy)
    )


@pytest.mark.timeout(200)
async def test_cut_off_from_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    """It works alone, the others share the rest; when it is back all agree."""
    async with (
        Receiver(SECRET, time.time) as receiver,
        simulated("answer") as provider,
        island(
            {"REDIS_URL": redis_server.url, "SIM": provider.base_url, "HOOK": receiver.url}
        ) as apart,
        three(
            *(tmp_path, provider.base_url, redis_server.url, receiver),
            elsewhere={"cy": (list(apart.prefix), apart.environ)},
        ) as group,
    ):
        apart.cut(REDIS)
        cut_at = time.time()
        await asyncio.sleep(CUT_S)
        assert group.replicas["cy"].metric("sonde_cluster_connected") == 0.0
        assert group.replicas["ada"].metric("sonde_cluster_connected") == 1.0
        mended_at = time.time()
        apart.mend(REDIS)
        await wait_until(
            lambda: group.replicas["cy"].metric("sonde_cluster_connected") == 1.0,
            "the one cut off to be back",
        )
        back_at = time.time()
        await wait_until(lambda: alike(group), "all three to see the same")
        apart_slots = await group.audit(since=cut_at + 4.0, until=mended_at - 4.0)
        calm = await group.audit(since=back_at + 6.0, until=time.time() + 10.0)
        assert await group.stop() == [0, 0, 0]
    assert not apart_slots.missing
    assert not apart_slots.lost
    assert apart_slots.doubled  # the one that was alone, beside the others
    assert {who for slot in apart_slots.doubled for who in apart_slots.runs[slot]} >= {"cy"}
    assert all(len(apart_slots.runs[slot]) == 2 for slot in apart_slots.doubled)
    assert not calm.doubled
    assert not calm.missing
    assert not calm.lost
    assert not receiver.deliveries


@pytest.mark.timeout(200)
async def test_cut_off_from_the_provider_and_the_receiver(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """What one replica alone cannot reach is no outage: its own way out is, and others go on."""
    async with (
        Receiver(SECRET, time.time) as receiver,
        simulated("answer") as provider,
        island(
            {"REDIS_URL": redis_server.url, "SIM": provider.base_url, "HOOK": receiver.url}
        ) as apart,
        three(
            *(tmp_path, provider.base_url, redis_server.url, receiver),
            elsewhere={"cy": (list(apart.prefix), apart.environ)},
        ) as group,
    ):
        since = time.time()
        apart.cut(REST)
        await asyncio.sleep(CUT_S)
        apart.mend(REST)
        await wait_until(lambda: alike(group), "all three to see the same", 40.0)
        slots = await group.audit(since=since)
        assert await group.stop() == [0, 0, 0]
    assert not slots.doubled
    assert not slots.missing
    assert not slots.lost
    told = told_of(receiver.deliveries)
    assert not [key for key in told if key[0] == "Down"]
