"""The small Redis of the overlay: a real one, with our file and the users that the page makes."""

import signal
import subprocess
from pathlib import Path
from typing import Final

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, OutOfMemoryError

from monitor.clock import Clock
from monitor.cluster.reach import reach
from monitor.config.redis_url import Kind, parse_redis_url
from monitor.config.values import Cluster
from probes.secret import SecretSource
from tests.integration.kubernetes_objects import SOURCES, named, pods
from tests.integration.kubernetes_redis import PAGE, made_secret, small_redis
from tests.servers.running import free_port, installed

GROUP: Final = "sonde:{sonde:}:probe"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return the Secret's folder."""
    return made_secret(tmp_path)


def _sonde(secret: Path, port: int) -> Redis:
    login = parse_redis_url((secret / "url").read_text()).login
    return Redis(port=port, username=login.user, password=login.password, socket_timeout=5.0)


async def test_replicas_may_do_all_they_do(secret: Path) -> None:
    """The user that the page makes has a right to each command that some part of Sonde sends."""
    port = free_port()
    url = secret / "url"
    url.write_text(url.read_text().replace("sonde-redis:6379", f"127.0.0.1:{port}"))
    cluster = Cluster(redis=SecretSource(path=url), replica="sonde-0")
    with small_redis(secret, port):
        assert (await reach(cluster, Clock())).took_s > 0


def test_it_lets_in_whom_the_secret_names(secret: Path) -> None:
    """A stranger may PING, as the kubelet's probe does; Sonde what it needs, on its own keys."""
    port = free_port()
    with small_redis(secret, port), Redis(port=port) as stranger, _sonde(secret, port) as sonde:
        assert stranger.ping()
        for refused in (stranger.info, lambda: stranger.set(GROUP, 1), stranger.flushall):
            with pytest.raises(NoPermissionError):
                refused()
        assert sonde.set(GROUP, 1, nx=True, px=60_000)
        assert sonde.xadd(f"{GROUP}:told", {"a": "b"})
        assert sonde.xread({f"{GROUP}:told": 0})
        script = (
            "return {redis.call('TIME'), redis.call('INFO', 'server'), redis.call('GET', KEYS[1])}"
        )
        assert sonde.eval(script, 1, GROUP)[2] == b"1"
        for refused in (lambda: sonde.set("other", 1), sonde.flushall, sonde.config_get):
            with pytest.raises(NoPermissionError):
                refused()


def test_the_probe_is_what_a_pod_can_run(secret: Path) -> None:
    """The readiness command ends well when it answers, and badly when it does not."""
    port = free_port()
    (container,) = dict(pods(SOURCES["kustomize replicas"]()))["sonde-redis"]["containers"]
    *shell, script = container["readinessProbe"]["exec"]["command"]
    asked = [*shell, script.replace("redis-cli", f"{installed('redis-cli')} -p {port}")]
    with small_redis(secret, port):
        assert subprocess.run(asked, timeout=30, check=False).returncode == 0
    down = subprocess.run(asked, timeout=30, check=False, capture_output=True)
    assert down.returncode != 0


def test_what_it_holds_outlives_it(secret: Path) -> None:
    """Killed and started again it knows what it was told: it writes as it goes."""
    port = free_port()
    with small_redis(secret, port) as process, _sonde(secret, port) as sonde:
        sonde.set(GROUP, "kept")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with small_redis(secret, port), _sonde(secret, port) as sonde:
        assert sonde.get(GROUP) == b"kept"


def test_full_is_told_and_nothing_is_evicted(secret: Path) -> None:
    """A claim that is evicted would have its slot probed twice, and nobody would know."""
    port = free_port()
    with (
        small_redis(secret, port, {"maxmemory 192mb": "maxmemory 32mb"}),
        _sonde(secret, port) as sonde,
    ):
        assert sonde.set(GROUP, bytes(2**20))
        with pytest.raises(OutOfMemoryError):
            [sonde.set(f"{GROUP}:{number}", bytes(2**20)) for number in range(64)]
        assert sonde.get(GROUP) == bytes(2**20)


def test_a_password_is_changed_with_both_valid_meanwhile(secret: Path) -> None:
    """As the page says: a second one, a restart, the new address, and the old one is taken away."""
    port = free_port()
    users = secret / "users.acl"
    old = parse_redis_url((secret / "url").read_text()).login.password
    users.write_text(users.read_text().replace(f">{old}", f">{old} >new"))
    with small_redis(secret, port), _sonde(secret, port) as before:
        with Redis(port=port, username="sonde", password="new") as after:
            assert before.ping()
            assert after.get(GROUP) is None


def test_it_may_take_what_it_may_hold() -> None:
    """Its pod's memory is twice what it holds: to write its file anew it forks."""
    (container,) = dict(pods(SOURCES["kustomize replicas"]()))["sonde-redis"]["containers"]
    text = named(SOURCES["kustomize replicas"](), "ConfigMap", "sonde-redis")["data"]["redis.conf"]
    held = int(
        next(line for line in text.splitlines() if line.startswith("maxmemory ")).split()[1][:-2]
    )
    assert int(container["resources"]["limits"]["memory"].removesuffix("Mi")) >= 2 * held


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rediss://sonde:…@redis.example.com", Kind.STANDALONE),
        ("redis+sentinel://sonde:…@s1,s2,s3/mymaster", Kind.SENTINEL),
        ("redis+cluster://sonde:…@n1,n2,n3", Kind.CLUSTER),
    ],
)
def test_the_addresses_of_the_page_are_some(url: str, kind: Kind) -> None:
    """Each form that the page names is one that Sonde reads."""
    assert f"`{url}`" in PAGE.read_text(encoding="utf-8")
    assert parse_redis_url(url).kind is kind
