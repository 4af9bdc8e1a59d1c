"""Clients for every kind of Redis, with the same patience and the same trust."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Final, cast

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool, SentinelManagedConnection
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeoutError

from monitor.config.redis_url import Kind, Login, RedisAddress, parse_redis_url
from probes.secret import SecretError, SecretSource
from probes.wire.trust import Papers, Trust

CONNECT_S: Final = 1.0
"""For one address: of three Sentinels two may be dead, and the third is to be heard in time."""
MOST_CONNECTIONS: Final = 16
"""Twice as many as `Link` has places: a connection that is being dropped counts for a while."""

_WRITE: Final = "return redis.call('SET', KEYS[1], '1', 'PX', 60000)"

_Settings = Mapping[str, Any]  # Any: redis-py's keyword arguments, each of its own type


class TrustingConnection(SSLConnection):
    """TLS with the roots we believe, instead of a new context for each connection.

    redis-py would load the system's roots again for every connection (20 ms in which the loop
    stands still), and believe them beside the CA that was named.
    """

    def __init__(self, *, trust: Trust, **settings: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(**settings)
        self._trust = trust

    def _connection_arguments(self) -> dict[str, str | int | ssl.SSLContext]:
        return {"host": self.host, "port": self.port, "ssl": self._trust.now()}


class TrustingManagedConnection(SentinelManagedConnection, TrustingConnection):
    """The same, to whom the Sentinels name."""


class PromptRedis(Redis):
    """A Sentinel: one that is paused accepts and answers nothing, and there are others to ask.

    Not by redis-py's socket_timeout: its asyncio.wait_for may swallow a cancellation in Python 3.11
    (https://github.com/python/cpython/issues/86296), and whoever was cancelled would run for ever.
    """

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as there
        """Do what Redis does, within CONNECT_S. Raises redis-py's TimeoutError."""
        try:
            async with asyncio.timeout(CONNECT_S):
                return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # as there
        except TimeoutError:
            raise RedisTimeoutError("no answer") from None


class Source:
    """Where clients come from: a URL, as its file says it now."""

    def __init__(self, url: SecretSource, papers: Papers) -> None:
        self._url = url
        self._papers = papers
        self._trust: Trust | None = None
        self._version: tuple[int, int, int] | None = None

    def open(self) -> Redis:
        """Return a client that has connected nowhere yet. Raises SecretError."""
        self._version = self._url.version()
        text = self._url.read().reveal()
        try:
            address = parse_redis_url(text)
        except ValueError as error:
            raise SecretError(f"the URL of Redis: {error}") from None
        if address.tls and self._trust is None:
            self._trust = Trust(self._papers)
        return open_client(address, self._trust if address.tls else None)

    def first(self) -> Redis | None:
        """Return a client, or None while the URL cannot be read."""
        try:
            return self.open()
        except SecretError:
            return None  # the first look tells

    def changed(self) -> bool:
        """Say whether the file was changed since `open`; one that is gone was not."""
        try:
            return self._url.version() != self._version
        except SecretError:
            return False  # it is being replaced, or what we have read is all there is


def open_client(address: RedisAddress, trust: Trust | None) -> Redis:
    """Return a client for an address; it connects when it is first used."""
    settings = _settings(address.login, trust) | {"db": address.db}
    match address.kind:
        case Kind.STANDALONE:
            host, port = address.hosts[0]
            return _one(host, port, settings)
        case Kind.SENTINEL:
            return _behind_sentinels(address, settings, trust)
        case Kind.CLUSTER:
            return _cluster(address, trust)


async def prove(client: Redis | RedisCluster, key: str) -> None:
    """Have a script write `key`, and every master of a Cluster answer.

    A Redis that refuses to (READONLY, a full disk, no right) is no use. Of a Cluster each master
    has its share of all targets, and what is asked together waits for the slowest one.
    """
    await client.eval(_WRITE, 1, key)
    if isinstance(client, RedisCluster):
        await client.ping(target_nodes=RedisCluster.PRIMARIES)


async def drop_idle(client: Redis | RedisCluster) -> None:
    """Close the connections that nobody uses: to a server that is gone each would fail in turn."""
    if isinstance(client, RedisCluster):
        await client.aclose()  # all of them: it looks for its nodes anew
    else:
        await client.connection_pool.disconnect(inuse_connections=False)


async def close_client(client: Redis | RedisCluster) -> None:
    """Close every connection of a client, those to Sentinels among them."""
    if isinstance(client, RedisCluster):
        # By itself it closes nothing while it looks for its nodes, and never those it began with.
        await client.nodes_manager.aclose()
        await client.nodes_manager.aclose("startup_nodes")
    elif isinstance(client.connection_pool, SentinelConnectionPool):
        for sentinel in client.connection_pool.sentinel_manager.sentinels:
            await sentinel.aclose()
    await client.aclose()


def _settings(login: Login, trust: Trust | None) -> dict[str, Any]:
    """Return what all connections have in common.

    `Link` sets the deadline of each command, so there is none here; nothing is tried twice behind
    its back, because a script that was run may not have been heard of. Of ourselves nothing is told
    (CLIENT SETINFO), so that a user who may do little more than run scripts is enough.
    """
    return {
        "username": login.user,
        "password": login.password,
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT_S,
        "protocol": 2,
        "driver_info": None,
        "retry": Retry(NoBackoff(), 0),
        **({"trust": trust} if trust else {}),
    }


def _one(host: str, port: int, settings: _Settings, client: type[Redis] = Redis) -> Redis:
    kind = TrustingConnection if "trust" in settings else Connection
    pool = ConnectionPool(
        host=host, port=port, connection_class=kind, max_connections=MOST_CONNECTIONS, **settings
    )
    return client.from_pool(pool)


def _behind_sentinels(address: RedisAddress, settings: _Settings, trust: Trust | None) -> Redis:
    sentinels = Sentinel([])  # type: ignore[no-untyped-call] # redis-py has not typed it
    login = _settings(address.sentinel_login, trust)
    # Set by hand: the class takes no kind of connection for them.
    sentinels.sentinels = [_one(host, port, login, PromptRedis) for host, port in address.hosts]
    kind = TrustingManagedConnection if trust else SentinelManagedConnection
    client: Redis = sentinels.master_for(
        address.service, connection_class=kind, max_connections=MOST_CONNECTIONS, **settings
    )
    return client


def _cluster(address: RedisAddress, trust: Trust | None) -> Redis:
    settings = _settings(address.login, None)
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    client = RedisCluster(
        startup_nodes=nodes,
        require_full_coverage=False,
        max_connections=MOST_CONNECTIONS,
        **settings,
    )
    if trust is not None:
        # It takes no kind of connection either: for nodes that it finds, and those it starts from.
        client.nodes_manager.connection_kwargs.update(
            connection_class=TrustingConnection, trust=trust
        )
        for node in client.nodes_manager.startup_nodes.values():
            node.connection_class = TrustingConnection
            node.connection_kwargs["trust"] = trust
    # Its commands are those of Redis, each sent to the node that has its key.
    return cast("Redis", client)
