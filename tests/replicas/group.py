"""Three daemons that share the work: processes with a ledger, a port and a clock of their own."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from tests.e2e import configs
from tests.e2e.costs import PROMPT
from tests.e2e.daemon_process import DaemonProcess
from tests.replicas.audit import Slots, known_to, slots_of
from tests.standins.webhook_receiver import Receiver

AHEAD_S = {"ada": 2.0, "ben": 0.0, "cy": -2.0}
"""The replicas, and how far their wall clocks are ahead."""
NOBODY_AHEAD_S = dict.fromkeys(AHEAD_S, 0.0)
SECRET = "whsec_c29uZGUtdGVzdC1zZWNyZXQtc29uZGU="
INTERVAL_S = 1.0
DEADLINE_S = 0.8
SETTLE_S = 8.0
"""After this what was under way is in a ledger: clocks, a deadline, the wait for lost slots."""

_CLUSTER = 'cluster: {{redis: "${{REDIS_URL}}", replica: {name}}}\n'
_HOOK = 'ops: {type: webhook, url: "${HOOK}", secret: "${SIGNING}", allow_http: true,'
_GET = (
    "import sys, urllib.request as r;"
    " print(r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=10).read().decode())"
)
_SKEWED = Path(__file__).with_name("skewed.py")


class Replica(DaemonProcess):
    """One of the group."""

    def __init__(
        self,
        name: str,
        folder: Path,
        config: str,
        environ: Mapping[str, str],
        prefix: list[str],
        ahead_s: float,
    ) -> None:
        folder.mkdir()
        environ = {"PYTHONPATH": str(Path.cwd()), **environ}
        super().__init__(folder, config + _CLUSTER.format(name=name), environ)
        self.ahead_s = ahead_s
        self.prefix = prefix
        """What its command line begins with: another network, for example."""

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def command(self, *arguments: str) -> list[str]:
        """Run with the replica's own clock."""
        return [*self.prefix, sys.executable, str(_SKEWED), str(self.ahead_s), *arguments]

    def get(self, path: str) -> httpx2.Response:
        """GET a path of the daemon, from within its own network."""
        if not self.prefix:
            return super().get(path)
        url = self.url.rstrip("/") + path
        asked = subprocess.run(
            [*self.prefix, sys.executable, "-c", _GET, url], capture_output=True, check=True
        )
        return httpx2.Response(200, content=asked.stdout)

    def metric(self, line: str) -> float:
        """Return the value of one series, by everything before it."""
        for each in self.get("/metrics").text.splitlines():
            if each.startswith(line + " "):
                return float(each.rpartition(" ")[2])
        return 0.0


class Group:
    """The three, and what they are judged by."""

    def __init__(self, replicas: Mapping[str, Replica], targets: Iterable[str]) -> None:
        self.replicas = replicas
        self.targets = tuple(targets)
        self.started_at = 0.0

    async def start(self) -> None:
        """Start all at once, and look away until they have found each other."""
        async with asyncio.TaskGroup() as group:
            for replica in self.replicas.values():
                group.create_task(replica.start())
        await asyncio.sleep(SETTLE_S / 2)
        self.started_at = time.time()

    async def stop(self) -> list[int]:
        """Stop those that run, and return their exit codes."""
        running = [each for each in self.replicas.values() if each.running]
        async with asyncio.TaskGroup() as group:
            codes = [group.create_task(each.stop()) for each in running]
        return [code.result() for code in codes]

    def kill(self) -> None:
        """End whatever still runs."""
        for each in self.replicas.values():
            if each.running:
                each.kill()

    async def audit(self, since: float = 0.0, until: float = 0.0) -> Slots:
        """Wait until what was due by now is settled, and return what became of it."""
        until = until or time.time()
        await asyncio.sleep(max(0.0, until + SETTLE_S - time.time()))
        ledgers = {name: each.folder / "sonde.db" for name, each in self.replicas.items()}
        intervals_s = dict.fromkeys(self.targets, INTERVAL_S)
        return slots_of(ledgers, intervals_s, since or self.started_at, until)

    def known(self, since: float, until: float) -> Mapping[str, set[tuple[str, int]]]:
        """Return the slots each replica has a result of."""
        return {
            name: known_to(each.folder / "sonde.db", since, until)
            for name, each in self.replicas.items()
        }


def names(targets: int) -> list[str]:
    """Return the names of so many targets."""
    return [f"t{number}" for number in range(targets)]


def config(base_url: str, targets: int, more: str = "", price: str = "0") -> str:
    """Return what all replicas run, but for who they are."""
    rows = [
        f"name: {name}, provider: sim, model: gpt-4o-mini, prompt: {PROMPT}"
        for name in names(targets)
    ]
    head = configs.head(f"{INTERVAL_S:g}s", f"{DEADLINE_S:g}s")
    return (
        head.replace("windows: [10s]", "windows: [10s, 2m]")
        + "egress: {check: false}\n"
        + configs.providers({"sim": base_url}).replace(
            "{input: 1, output: 2}", f"{{input: {price}, output: {price}}}"
        )
        + configs.targets(rows)
        + configs.QUICK_RULES
        + configs.channels(_HOOK + " allow_private: true}")
        + more
    )


@asynccontextmanager
async def three(
    folder: Path,
    base_url: str,
    redis_url: str,
    receiver: Receiver,
    targets: int = 6,
    *,
    more: str = "",
    price: str = "0",
    elsewhere: Mapping[str, tuple[list[str], Mapping[str, str]]] | None = None,
    ahead_s: Mapping[str, float] = AHEAD_S,
) -> AsyncIterator[Group]:
    """Run the three; `elsewhere` gives some a command prefix and other addresses."""
    environ = {"REDIS_URL": redis_url, "HOOK": receiver.url, "SIGNING": SECRET}
    replicas = {}
    for name, ahead in ahead_s.items():
        prefix, other = (elsewhere or {}).get(name, ([], {}))
        text = config(other.get("SIM", base_url), targets, more, price)
        replicas[name] = Replica(name, folder / name, text, {**environ, **other}, prefix, ahead)
    group = Group(replicas, names(targets))
    try:
        await group.start()
        yield group
    finally:
        group.kill()
