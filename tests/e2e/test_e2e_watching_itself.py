"""A daemon that is stuck, blind or without a disk says so, or ends."""

import asyncio
import json
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e import configs
from tests.e2e.daemon_process import KEY, DaemonProcess, wait_until
from tests.e2e.simulated import simulated

CHAT = ["name: chat, provider: p, model: gpt-4o-mini, operation: chat"]


def config(url: str) -> str:
    return (
        configs.head() + configs.providers({"p": url}) + configs.targets(CHAT) + configs.QUICK_RULES
    )


STUCK = """
import asyncio
import sys, time
from pathlib import Path

from aggregator.ledger import Ledger
from monitor import watchdog
from monitor.config.load import load
from monitor.daemon import SCHEMAS, Daemon
from monitor.road import Observers
from probes.lag import LagMeter

watchdog.guard.__defaults__ = (3.0, 0.1)

def a_long_computation():
    print("computing", flush=True)
    time.sleep(120)

def serving(_host, _port):
    # Later than 3.0 s: a timer that is armed once and never again would end it sooner.
    asyncio.get_running_loop().call_later(5.0, a_long_computation)

folder = Path(sys.argv[1])
config = load(folder / "sonde.yaml", {"KEY": sys.argv[2]}, cwd=folder, strict=True).config
ledger = Ledger.open(config.store.path, SCHEMAS)
daemon = Daemon(config, ledger, LagMeter(), Observers(on_serving=serving))
asyncio.run(daemon.run(asyncio.Event()))
"""


def test_a_stuck_daemon_ends_with_its_stack(tmp_path: Path) -> None:
    """The daemon itself keeps the watchdog armed: what blocks its loop is named, and exit 1."""
    (tmp_path / "sonde.yaml").write_text(config("http://127.0.0.1:9/v1"))
    done = subprocess.run(
        [sys.executable, "-c", STUCK, str(tmp_path), KEY],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "computing" in done.stdout, done.stderr[-3000:]
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "a_long_computation" in done.stderr


def readiness(daemon: DaemonProcess) -> tuple[int, dict[str, Any]]:
    """Status of /readyz, and what it says by the check's name."""
    answer = daemon.get("/readyz")
    return answer.status_code, {check["name"]: check for check in json.loads(answer.text)["checks"]}


def ready(daemon: DaemonProcess) -> bool:
    return readiness(daemon)[0] == 200


def unready(daemon: DaemonProcess, name: str) -> dict[str, Any] | None:
    """What /readyz complains about under this name; None while it does not."""
    status, checks = readiness(daemon)
    return checks[name] if status == 503 and not checks[name]["ok"] else None


async def test_a_disk_that_takes_no_more_is_told_and_probing_goes_on(tmp_path: Path) -> None:
    """Not ready, for the ledger's sake; alive, still probing; ready again when there is room."""
    async with simulated("answer") as provider:
        async with DaemonProcess(tmp_path, config(provider.base_url)) as daemon:
            await wait_until(lambda: ready(daemon) and daemon.events("probe.result"), "readiness")
            wal = tmp_path / "sonde.db-wal"
            _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
            full = wal.stat().st_size
            resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (full, hard))
            try:
                said = await wait_until(lambda: unready(daemon, "ledger"), "/readyz to complain")
                assert "sonde.db" in said["detail"]
                volatile = await wait_until(
                    lambda: [e for e in daemon.events("probe.result") if e["volatile"]][2:],
                    "three results that live in memory",
                )
                assert {event["verdict"] for event in volatile} == {"ok"}
                assert daemon.get("/livez").status_code == 200
                checks = readiness(daemon)[1]
                assert checks["slots"]["ok"], checks
            finally:
                resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            await wait_until(lambda: ready(daemon), "readiness when there is room again")
            assert await daemon.stop() == 0


async def test_probing_that_stops_is_told(tmp_path: Path) -> None:
    """While a backup holds the file no probe can end, and /readyz names who is not watched."""
    async with simulated("answer") as provider:
        async with DaemonProcess(tmp_path, config(provider.base_url)) as daemon:
            await wait_until(lambda: ready(daemon), "readiness")
            backup = sqlite3.connect(tmp_path / "sonde.db", isolation_level=None)
            backup.execute("BEGIN IMMEDIATE")
            try:
                said = await wait_until(lambda: unready(daemon, "slots"), "/readyz to complain")
                assert said["detail"].startswith("stale: chat (")
                assert daemon.get("/livez").status_code == 200
            finally:
                backup.execute("ROLLBACK")
                backup.close()
            await wait_until(lambda: ready(daemon), "readiness after the backup")
            assert await daemon.stop() == 0


async def test_a_process_that_was_stopped_blames_nobody(tmp_path: Path) -> None:
    """It says how long it watched nothing, goes on, and no alert comes of it."""
    async with simulated("answer") as provider:
        async with DaemonProcess(tmp_path, config(provider.base_url)) as daemon:
            await wait_until(lambda: daemon.verdicts("chat"), "a result")
            daemon.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(4.0)
            daemon.process.send_signal(signal.SIGCONT)
            (told,) = await wait_until(lambda: daemon.events("rules.unwatched"), "the gap")
            assert 2.0 < told["seconds"] < 30.0
            before = len(daemon.events("probe.result"))
            await wait_until(lambda: daemon.events("probe.result")[before + 3 :], "more results")
            faults = {event["fault"] for event in daemon.events("probe.result")}
            assert faults <= {"none", "monitor"}
            assert daemon.events("alert.transition") == []
            assert await daemon.stop() == 0
