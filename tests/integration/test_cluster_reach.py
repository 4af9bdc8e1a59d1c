"""`sonde check --connect` and `sonde doctor` try a real Redis."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.clock import Clock
from monitor.cluster import reach
from monitor.cluster.protocol import ReachError
from monitor.config.values import Cluster
from monitor.connect import report_redis
from probes.secret import Secret, SecretSource
from tests.integration.test_cluster_link import RIGHTS
from tests.servers.redis import RedisCluster, RedisServer


def cluster(url: str) -> Cluster:
    return Cluster(redis=SecretSource(value=Secret(url)), replica="a")


def test_one_line_says_how_it_went(redis_server: RedisServer) -> None:
    """Where everything works, how long it took; nothing of the try is left behind for long."""
    line, works = report_redis(cluster(redis_server.url))
    assert works
    assert line.startswith("Redis of sonde did all that was asked, a round trip in ")
    with redis_server.client() as client:
        assert all(0 < client.pttl(key) <= 10_000 for key in client.keys("*"))


def test_the_line_says_what_is_wrong(redis_server: RedisServer) -> None:
    """Nobody there."""
    redis_server.stop()
    line, works = report_redis(cluster(redis_server.url))
    assert not works
    assert line.startswith("Redis of sonde: SET: ConnectionError")


async def test_a_clock_that_differs_is_told(redis_server: RedisServer) -> None:
    """By how much ours is ahead."""
    ahead = Clock()
    wall = ahead.wall
    ahead.wall = lambda: wall() + 100.0
    assert 99.0 < (await reach(cluster(redis_server.url), ahead)).ahead_s < 101.0


@pytest.mark.parametrize("right", [right for right in RIGHTS if right.startswith("+h")])
async def test_a_right_that_is_missing_is_named(
    new_redis: Callable[..., RedisServer], right: str
) -> None:
    """Whoever wrote the list of rights is told what is not on it; all of it is enough."""
    server = new_redis()
    few = [each for each in RIGHTS if each != right]
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "sonde", "on", ">pass", *RIGHTS)
        client.execute_command("ACL", "SETUSER", "poor", "on", ">pass", *few)
    url = f"redis://{{}}:pass@127.0.0.1:{server.port}"
    await reach(cluster(url.format("sonde")), Clock())
    with pytest.raises(ReachError, match=f"^{right[1:].upper()}: NoPermissionError"):
        await reach(cluster(url.format("poor")), Clock())


async def test_a_cluster_wants_two_rights_more(redis_cluster: RedisCluster) -> None:
    """To ask which node has what, and where in a command its keys are."""
    for node in redis_cluster.nodes:
        with node.client() as client:
            rights = (*RIGHTS, "+cluster|slots", "+command")
            client.execute_command("ACL", "SETUSER", "sonde", "on", ">pass", *rights)
    url = redis_cluster.url.replace("://", "://sonde:pass@")
    await reach(cluster(url), Clock())


async def test_a_url_that_cannot_be_read(tmp_path: Path) -> None:
    """Its file is named."""
    gone = Cluster(redis=SecretSource(path=tmp_path / "gone"), replica="a")
    with pytest.raises(ReachError, match="gone"):
        await reach(gone, Clock())
