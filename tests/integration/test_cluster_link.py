"""The way to Redis, over real servers of every kind."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis
from structlog.testing import capture_logs

from monitor.cluster.link import AwayError, Link
from monitor.cluster.ways import Source
from probes.secret import Secret, SecretSource
from probes.wire.trust import Papers
from tests.integration.authority import Authority
from tests.servers.redis import MASTER, RedisCluster, RedisServer, Sentinels, redis_started
from tests.servers.running import free_port

USUAL = Papers()
INCREASE = "return redis.call('INCR', KEYS[1])"
DOCUMENTED = (Path(__file__).parents[2] / "docs/replicas.md").read_text()
RIGHTS = tuple(DOCUMENTED.partition(">PASSWORD ")[2].partition("\n")[0].split())
"""What docs/replicas.md says a user must be allowed, from `resetkeys` on."""


def _source(url: str, papers: Papers = USUAL) -> Source:
    return Source(SecretSource(value=Secret(url)), papers)


@asynccontextmanager
async def _linked(source: Source) -> AsyncIterator[Link]:
    link = Link(source.open(), "group", source)
    looking = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        await link.close()


async def _count(link: Link) -> int:
    key = link.key("count", together="a")
    return int(await link.ask(lambda client: client.eval(INCREASE, 1, key), timeout_s=3.0))


async def _until(settled: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not settled():  # noqa: ASYNC110 - the server has no event for us
            await asyncio.sleep(0.02)


async def test_standalone(redis_server: RedisServer) -> None:
    """One server is asked, and holds what it was told under a key of the group."""
    async with _linked(_source(redis_server.url)) as link:
        assert (await _count(link), await _count(link)) == (1, 2)
    with redis_server.client() as client:
        assert client.get("sonde:{group:a}:count") == "2"


async def test_a_cluster(redis_cluster: RedisCluster) -> None:
    """Keys of all three masters are reached from any one of them, and scripts as well."""
    async with _linked(_source(redis_cluster.url)) as link:
        for n in range(20):
            key = link.key("count", together=str(n))
            assert await link.ask(lambda client, k=key: client.eval(INCREASE, 1, k)) == 1
    with redis_cluster.nodes[0].client() as client:
        assert 0 < client.dbsize() < 20


async def test_sentinels_are_followed(redis_sentinel: Sentinels) -> None:
    """A killed master is away at once, and its successor is asked some seconds later."""
    async with _linked(_source(redis_sentinel.url)) as link:
        await _count(link)
        redis_sentinel.master.kill()
        with pytest.raises(AwayError):
            await _count(link)
        await _until(lambda: link.connected, 20.0)
        assert await _count(link) >= 1
    with redis_sentinel.replica.client() as client:
        assert client.exists("sonde:{group:a}:count")


async def test_a_paused_master_is_not_waited_for(redis_sentinel: Sentinels) -> None:
    """A master that answers nothing is left for the one the Sentinels choose."""
    async with _linked(_source(redis_sentinel.url)) as link:
        await _count(link)
        redis_sentinel.master.pause()
        with pytest.raises(AwayError):
            await link.ask(lambda client: client.ping())
        await _until(lambda: link.connected, 20.0)
        assert await _count(link) >= 1
        redis_sentinel.master.start()


async def test_dead_sentinels_are_passed_over(redis_sentinel: Sentinels) -> None:
    """With two of three Sentinels gone the third one still tells who the master is."""
    redis_sentinel.sentinels[0].kill()
    redis_sentinel.sentinels[1].pause()
    async with _linked(_source(redis_sentinel.url)) as link:
        await link.look()
        assert link.connected
        assert await _count(link) == 1
    redis_sentinel.sentinels[1].start()


async def test_away_is_told_once_and_costs_nobody_time(redis_server: RedisServer) -> None:
    """After one failed question all others fail at once; going and coming back are logged once."""
    with capture_logs() as logs:
        async with _linked(_source(redis_server.url)) as link:
            await _count(link)
            redis_server.stop()
            with pytest.raises(AwayError):
                await _count(link)
            assert not link.connected
            await asyncio.sleep(0.6)  # several looks
            with pytest.raises(AwayError, match=r"^away$"):
                await _count(link)
            redis_server.start()
            async with asyncio.timeout(5.0):
                await link.reached()
            assert await _count(link) == 1
    assert [line["event"] for line in logs] == ["redis.away", "redis.back"]


async def test_an_answer_nobody_waits_for_is_no_answer_to_the_next(
    redis_server: RedisServer,
) -> None:
    """A question that was given up takes its connection with it."""
    async with _linked(_source(redis_server.url)) as link:
        await link.ask(lambda client: client.set("first", "wrong"))
        redis_server.pause()
        asked = asyncio.create_task(link.ask(lambda client: client.get("first")))
        await asyncio.sleep(0.1)
        asked.cancel()
        redis_server.start()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await link.reached()
        assert await link.ask(lambda client: client.get("second")) is None


async def test_a_redis_that_takes_no_writes_is_away(redis_server: RedisServer) -> None:
    """A full memory, a disk that is full, a replica: none is of use, and none looks healthy."""
    async with _linked(_source(redis_server.url)) as link:
        await _count(link)
        with redis_server.client() as client:
            client.config_set("min-replicas-to-write", 1)
        try:
            await _until(lambda: not link.connected, 5.0)
        finally:
            with redis_server.client() as client:
                client.config_set("min-replicas-to-write", 0)
        await _until(lambda: link.connected, 5.0)


async def test_a_strange_value_under_one_key_keeps_nobody_from_the_others(
    redis_server: RedisServer,
) -> None:
    """Who asks for it is refused, which is told once; all others are answered as before."""
    with redis_server.client() as client:
        client.set("sonde:{group:a}:count", "a lot")
    async with _linked(_source(redis_server.url)) as link:
        await link.look()
        with capture_logs() as logs:
            for _ in range(3):
                with pytest.raises(AwayError, match="not an integer"):
                    await _count(link)
                assert link.connected
                await link.ask(lambda client: client.get(link.key("other")))
    assert [each["event"] for each in logs] == ["redis.refused"]


async def test_a_user_with_few_rights_is_enough(new_redis: Callable[..., RedisServer]) -> None:
    """The rights that docs/replicas.md names let a user do its work, and no more than that."""
    server = new_redis()
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "sonde", "on", ">p%40 ss", *RIGHTS)
        client.execute_command("ACL", "SETUSER", "default", "resetpass", ">other-password")
    url = f"redis://sonde:p%2540%20ss@127.0.0.1:{server.port}/0"
    async with _linked(_source(url)) as link:
        assert await _count(link) == 1
        with pytest.raises(AwayError, match="NoPermission"):
            await link.ask(lambda client: client.flushall())


async def test_a_new_password_is_read_from_its_file(
    new_redis: Callable[..., RedisServer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """When the password changes, so does the file: the next look takes it. None is ever told."""
    caplog.set_level(logging.DEBUG)
    server = new_redis("--requirepass", "first-password-4711")
    file = tmp_path / "url"
    file.write_text(f"redis://:first-password-4711@127.0.0.1:{server.port}/0\n")
    source = Source(SecretSource(path=file), Papers())
    with capture_logs() as logs:
        async with _linked(source) as link:
            assert await _count(link) == 1
            file.write_text(f"redis://:second-password-4711@127.0.0.1:{server.port}/0\n")
            await _until(lambda: not link.connected, 10.0)
            with Redis(port=server.port, password="first-password-4711") as client:
                client.config_set("requirepass", "second-password-4711")
            await _until(lambda: link.connected, 10.0)
            assert await _count(link) == 2
    told = repr(logs) + caplog.text + repr(link.__dict__)
    assert "redis.away" in told
    assert "password-4711" not in told


async def test_a_file_that_comes_later(redis_server: RedisServer, tmp_path: Path) -> None:
    """A URL that cannot be read yet is Redis away, and read as soon as it is there."""
    file = tmp_path / "url"
    source = Source(SecretSource(path=file), Papers())
    link = Link(source.first(), "group", source)
    with capture_logs() as logs:
        await link.look()
        with pytest.raises(AwayError):
            await _count(link)
        file.write_text("http://nonsense")
        await link.look()
        file.write_text(redis_server.url)
        await link.look()
        assert await _count(link) == 1
        file.write_text("http://nonsense")
        await link.look()  # what was read before goes on
        assert await _count(link) == 2
    await link.close()
    events = [line["event"] for line in logs]
    assert events == ["redis.away", "redis.back", "redis.url_unreadable"]


@pytest.mark.parametrize("number", [0, 1])  # one of them holds no key that is looked at
async def test_a_cluster_of_which_one_master_hangs(
    redis_cluster: RedisCluster, number: int
) -> None:
    """It is away, whichever of them it is: what is asked together would wait for that one."""
    node = redis_cluster.nodes[number]
    async with _linked(_source(redis_cluster.url)) as link:
        await _count(link)
        node.pause()
        try:
            await _until(lambda: not link.connected, 10.0)
            await asyncio.sleep(0.6)
            assert not link.connected
        finally:
            node.start()
        await _until(lambda: link.connected, 10.0)
        assert await _count(link) >= 2


def _tls(authority: Authority) -> list[str]:
    papers = authority.issue("redis")
    return [
        *("--tls-cert-file", str(papers.certificate), "--tls-key-file", str(papers.key)),
        *("--tls-ca-cert-file", str(authority.ca), "--tls-auth-clients", "yes"),
    ]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return a certificate authority of this test's own."""
    return Authority(tmp_path, "root")


async def _asked_over_tls(url: str, papers: Papers) -> int:
    async with _linked(_source(url, papers)) as link:
        await link.look()
        return await _count(link)


async def test_tls_both_ways(new_redis: Callable[..., RedisServer], authority: Authority) -> None:
    """A server of a private CA is believed for that CA, and is shown our certificate."""
    port = free_port()
    new_redis("--tls-port", str(port), *_tls(authority))
    mine = authority.issue("sonde")
    url = f"rediss://127.0.0.1:{port}/0"
    assert await _asked_over_tls(url, Papers(authority.ca, mine.certificate, mine.key)) == 1
    for papers in (Papers(authority.ca), Papers(None, mine.certificate, mine.key)):
        with pytest.raises(AwayError):
            await _asked_over_tls(url, papers)


async def test_a_cluster_over_tls(
    new_redis: Callable[..., RedisServer], authority: Authority
) -> None:
    """The nodes a Cluster names are believed for the same CA as the one we started from."""
    port, bus = free_port(), free_port()
    options = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--tls-cluster", "yes")
    server = new_redis("--tls-port", str(port), *options, *_tls(authority))
    with server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        await _until(lambda: "state:ok" in str(client.execute_command("CLUSTER", "INFO")), 10.0)
    mine = authority.issue("sonde")
    papers = Papers(authority.ca, mine.certificate, mine.key)
    assert await _asked_over_tls(f"rediss+cluster://127.0.0.1:{port}", papers) == 1


async def test_sentinels_over_tls(
    new_redis: Callable[..., RedisServer], authority: Authority, tmp_path: Path
) -> None:
    """Sentinels and the master they name are both spoken to over TLS."""
    port, watcher_port = free_port(), free_port()
    new_redis("--tls-port", str(port), *_tls(authority))
    words = " ".join(_tls(authority)).replace(" --", "\n").removeprefix("--")
    config = f"{words}\ntls-port {watcher_port}\ntls-replication yes\n"
    config += f"sentinel monitor {MASTER} 127.0.0.1 {port} 1\n"
    mine = authority.issue("sonde")
    url = f"rediss+sentinel://127.0.0.1:{watcher_port}/{MASTER}/0"
    with redis_started(tmp_path / "watcher", sentinel=config):
        assert await _asked_over_tls(url, Papers(authority.ca, mine.certificate, mine.key)) == 1
