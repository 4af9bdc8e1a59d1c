"""Redis (Debian's 7.0): alone, watched over by Sentinels, and as a Cluster.

What it really does: a paused server accepts connections and answers nothing; a killed master is
replaced 4 to 5 s later with `down-after-milliseconds` of 1000; what the old master had not sent to
its replica by then is lost. Sentinels write into their own configuration files.
https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from tests.servers.running import free_port, installed, running

MASTER: Final = "sonde-master"
SETTLE_S: Final = 20.0
_SLOTS: Final = 16_384


class RedisServer:
    """One process, which a test may stop, kill and pause."""

    def __init__(self, scratch: Path, options: Sequence[str] = (), *, sentinel: str = "") -> None:
        """`options`: more of its command line. `sentinel`: its configuration, if it is one."""
        self._scratch, self._options, self._sentinel = scratch, tuple(options), sentinel
        self._run = ExitStack()
        self.process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Be there, at the same port and empty. Nothing happens if it never went."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            return
        self._run.close()
        self._scratch.mkdir(exist_ok=True)
        ready = f"tcp://127.0.0.1:{self.port}"
        run = running(self._command(), ready=ready, scratch=self._scratch)
        self.process = self._run.enter_context(run)

    def stop(self) -> None:
        """Stop it: connections are refused."""
        self._run.close()
        self.process = None

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
        self.stop()

    def pause(self) -> None:
        """Let it accept and answer nothing, until `start`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def client(self) -> Redis:
        """Return a client of the test's own, whose answers are text."""
        return Redis(port=self.port, decode_responses=True, socket_timeout=5.0)

    def _command(self) -> Sequence[str]:
        at = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._scratch))
        if self._sentinel:
            config = self._scratch / "sentinel.conf"
            config.write_text(self._sentinel)
            return (installed("redis-sentinel"), str(config), *at)
        program = installed("redis-server")
        return (program, *at, "--save", "", "--appendonly", "no", *self._options)


@dataclass(frozen=True)
class Sentinels:
    """A master, a replica of it, and three Sentinels."""

    master: RedisServer
    replica: RedisServer
    sentinels: Sequence[RedisServer]

    @property
    def hosts(self) -> str:
        """The Sentinels, as a URL names them."""
        return ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)

    @property
    def url(self) -> str:
        """The URL of the master, whoever it is."""
        return f"redis+sentinel://{self.hosts}/{MASTER}/0"

    def master_port(self) -> int:
        """Return the port of whom the Sentinels take for the master."""
        with self.sentinels[0].client() as client:
            told = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return int(told[1])


@dataclass(frozen=True)
class RedisCluster:
    """Three masters that share all slots."""

    nodes: Sequence[RedisServer]

    @property
    def url(self) -> str:
        """The URL of all of them."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def flush(self) -> None:
        """Forget everything."""
        for node in self.nodes:
            with node.client() as client:
                client.flushall()


@contextmanager
def redis_started(
    scratch: Path, options: Sequence[str] = (), *, sentinel: str = ""
) -> Iterator[RedisServer]:
    """Run one server in `scratch` on a free port."""
    server = RedisServer(scratch, options, sentinel=sentinel)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def sentinels_started(scratch: Path) -> Iterator[Sentinels]:
    """Run a master, its replica and three Sentinels that know each other."""
    with ExitStack() as stack:
        master = stack.enter_context(redis_started(scratch / "master"))
        follow = ("--replicaof", f"127.0.0.1 {master.port}")
        replica = stack.enter_context(redis_started(scratch / "replica", follow))
        config = (
            f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 2\n"
            f"sentinel down-after-milliseconds {MASTER} 1000\n"
            f"sentinel failover-timeout {MASTER} 5000\n"
        )
        watchers = [
            stack.enter_context(redis_started(scratch / f"sentinel-{n}", sentinel=config))
            for n in range(3)
        ]
        _until(lambda: all(_sees_all(watcher) for watcher in watchers))
        yield Sentinels(master, replica, watchers)


def _sees_all(sentinel: RedisServer) -> bool:
    with sentinel.client() as client:
        state = client.execute_command("SENTINEL", "MASTERS")[0]
    return (int(state["num-slaves"]), int(state["num-other-sentinels"])) == (1, 2)


@contextmanager
def cluster_started(scratch: Path) -> Iterator[RedisCluster]:
    """Run a Cluster of three masters without replicas."""
    with ExitStack() as stack:
        nodes, buses = [], [free_port() for _ in range(3)]
        for n, bus in enumerate(buses):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(bus))
            nodes.append(stack.enter_context(redis_started(scratch / f"node-{n}", options)))
        clients = [stack.enter_context(node.client()) for node in nodes]
        for n, client in enumerate(clients):
            first, last = n * _SLOTS // 3, (n + 1) * _SLOTS // 3 - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
            meet = ("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, buses[0])
            if n:
                client.execute_command(*meet)
        _until(lambda: all(_is_whole(client) for client in clients))
        yield RedisCluster(nodes)


def _is_whole(client: Redis) -> bool:
    told = str(client.execute_command("CLUSTER", "INFO"))
    return "cluster_state:ok" in told and "cluster_known_nodes:3" in told


def _until(settled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLE_S
    while not _tried(settled):
        assert time.monotonic() < deadline, "the servers did not find each other"
        time.sleep(0.05)


def _tried(settled: Callable[[], bool]) -> bool:
    try:
        return settled()
    except RedisError:
        return False  # not yet
