"""The Redis servers that other tests stand on do what they are started for."""

import time

from tests.servers.redis import RedisCluster, RedisServer, Sentinels


def test_a_redis_is_empty_and_comes_back_at_its_port(redis_server: RedisServer) -> None:
    """A killed server is there again under the same address, and has forgotten everything."""
    with redis_server.client() as client:
        client.set("told", "1")
    redis_server.kill()
    redis_server.start()
    with redis_server.client() as client:
        assert client.get("told") is None


def test_sentinels_choose_another_master(redis_sentinel: Sentinels) -> None:
    """The replica is the master some seconds after the master was killed."""
    assert redis_sentinel.master_port() == redis_sentinel.master.port
    redis_sentinel.master.kill()
    deadline = time.monotonic() + 30.0
    while redis_sentinel.master_port() != redis_sentinel.replica.port:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_cluster_refuses_what_is_elsewhere(redis_cluster: RedisCluster) -> None:
    """Each master has a part of the slots and points to the others for the rest."""
    with redis_cluster.nodes[0].client() as client:
        slots = client.execute_command("CLUSTER", "SLOTS")
    assert len(slots) == 3
