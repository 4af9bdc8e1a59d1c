"""Fixtures for the servers that others wrote; `make test-servers` installs them.

The two mock providers and InfluxDB start once in a session and forget everything before each test;
the others start when they are asked for.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.servers.aimock import Aimock, aimock_server
from tests.servers.alertmanager import Alertmanager, alertmanager_server
from tests.servers.influxdb import Influxdb, influxdb_server
from tests.servers.llm_katan import LlmKatan, llm_katan_server
from tests.servers.llmock import Llmock, llmock_server
from tests.servers.nginx import TlsProxy, tls_proxy
from tests.servers.prometheus import Prometheus, prometheus_server
from tests.servers.redis import (
    RedisCluster,
    RedisServer,
    Sentinels,
    cluster_started,
    redis_started,
    sentinels_started,
)
from tests.servers.tinyproxy import Tinyproxy, tinyproxy_server
from tests.servers.victoria_metrics import VictoriaMetrics, victoria_metrics_server


@pytest.fixture(scope="session")
def _aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with aimock_server(tmp_path_factory.mktemp("aimock")) as server:
        yield server


@pytest.fixture
def aimock(_aimock: Aimock) -> Aimock:
    """Return a running aimock without fixtures and without a past."""
    _aimock.reset()
    return _aimock


@pytest.fixture(scope="session")
def _llmock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llmock]:
    with llmock_server(tmp_path_factory.mktemp("llmock")) as server:
        yield server


@pytest.fixture
def llmock(_llmock: Llmock) -> Llmock:
    """Return a running llmock without limits, without queued behaviours and without a past."""
    _llmock.reset()
    return _llmock


@pytest.fixture
def llm_katan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmKatan]:
    """Return a running llm-katan that serves one model to one key."""
    with llm_katan_server(tmp_path_factory.mktemp("llm_katan")) as server:
        yield server


@pytest.fixture
def limited_llmock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Llmock]]:
    """Return a function that starts an llmock with a limit of requests per minute."""
    with ExitStack() as stack:
        yield lambda rpm: stack.enter_context(
            llmock_server(tmp_path_factory.mktemp("llmock"), rpm=rpm)
        )


@pytest.fixture
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Prometheus]]:
    """Return a function that starts a Prometheus which scrapes the address it is given."""
    with ExitStack() as stack:
        yield lambda scrape_url: stack.enter_context(
            prometheus_server(scrape_url, tmp_path_factory.mktemp("prometheus"))
        )


@pytest.fixture(scope="session")
def _influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxdb]:
    with influxdb_server(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture
def influxdb(_influxdb: Influxdb) -> Influxdb:
    """Return a running InfluxDB with an empty bucket, whatever the test before did to it."""
    _influxdb.start()
    _influxdb.drop_bucket()
    _influxdb.create_bucket()
    return _influxdb


@pytest.fixture
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Start a VictoriaMetrics that holds nothing."""
    with victoria_metrics_server(tmp_path_factory.mktemp("victoria")) as server:
        yield server


@pytest.fixture
def alertmanager(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Alertmanager]]:
    """Return a function that starts an Alertmanager which posts to the webhook it is given."""
    with ExitStack() as stack:
        yield lambda webhook_url: stack.enter_context(
            alertmanager_server(webhook_url, tmp_path_factory.mktemp("alertmanager"))
        )


@pytest.fixture
def tls_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., TlsProxy]]:
    """Return a function that puts an nginx which speaks TLS in front of a loopback port.

    Beside the port it takes the settings of tls_proxy.
    """
    with ExitStack() as stack:
        yield lambda upstream_port, **settings: stack.enter_context(
            tls_proxy(upstream_port, tmp_path_factory.mktemp("nginx"), **settings)
        )


@pytest.fixture
def tinyproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Tinyproxy]]:
    """Return a function that starts a tinyproxy; it takes what tinyproxy_server takes."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(
            tinyproxy_server(tmp_path_factory.mktemp("tinyproxy"), **settings)
        )


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_started(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(_redis: RedisServer) -> RedisServer:
    """Return a running Redis that holds nothing, whatever the test before did to it."""
    _redis.start()
    with _redis.client() as client:
        client.flushall()
    return _redis


@pytest.fixture
def new_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts a Redis of its own; it takes more of its command line."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(
            redis_started(tmp_path_factory.mktemp("redis"), options)
        )


@pytest.fixture
def redis_sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    """Start a master, a replica of it and three Sentinels."""
    with sentinels_started(tmp_path_factory.mktemp("sentinel")) as servers:
        yield servers


@pytest.fixture(scope="session")
def _redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with cluster_started(tmp_path_factory.mktemp("redis_cluster")) as cluster:
        yield cluster


@pytest.fixture
def redis_cluster(_redis_cluster: RedisCluster) -> RedisCluster:
    """Return a Redis Cluster of three masters that holds nothing."""
    _redis_cluster.flush()
    return _redis_cluster
