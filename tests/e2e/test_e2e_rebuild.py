"""The daemon as a process, started on a new volume: its past comes back from InfluxDB."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.servers.influxdb import Influxdb

STORE = (
    "store: {path: sonde.db, influxdb: {url: '${INFLUXDB_URL}', token: '${INFLUXDB_TOKEN}',"
    " org: '${INFLUXDB_ORG}', bucket: '${INFLUXDB_BUCKET}'}}"
)
TARGETS = [f"name: chat-{n}, provider: p, model: gpt-4o-mini, operation: chat" for n in range(2)]


def daemon_for(folder: Path, provider: str, influxdb: Influxdb) -> DaemonProcess:
    """Return a daemon with windows of ten minutes that writes to an InfluxDB."""
    folder.mkdir()
    text = (
        configs.head()
        .replace("store: {path: sonde.db}", STORE)
        .replace("windows: [10s]", "windows: [10s, 10m]")
        + configs.providers({"p": provider})
        + configs.targets(TARGETS)
        + configs.QUICK_RULES
    )
    environ = {
        "INFLUXDB_URL": influxdb.url,
        "INFLUXDB_TOKEN": influxdb.token,
        "INFLUXDB_ORG": influxdb.org,
        "INFLUXDB_BUCKET": influxdb.bucket,
    }
    return DaemonProcess(folder, text, environ)


def history(daemon: DaemonProcess, store: str) -> list[dict[str, Any]]:
    """Return what `sonde history --json` says of a target, minute by minute."""
    command = daemon.command(
        "history", "chat-0", "--json", "--from", store, "--config", str(daemon.config)
    )
    said = subprocess.check_output(command, cwd=daemon.folder, env=daemon.environ, text=True)
    found: list[dict[str, Any]] = json.loads(said)
    return found


def in_window(daemon: DaemonProcess) -> float:
    """Return how many results the long window of a target holds, by /metrics."""
    lines = daemon.get("/metrics").text.splitlines()
    start = "sonde_window_samples{"
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(start) and 'target="chat-0"' in line and 'window="10m"' in line
    )


async def test_a_lost_volume_is_no_lost_past(tmp_path: Path, influxdb: Influxdb) -> None:
    """Windows and history of the time before say what they said, and nothing is counted twice.

    What was rebuilt is in no results, and a second start changes nothing about it.
    """
    async with simulated("answer") as provider:
        first = daemon_for(tmp_path / "first", provider.base_url, influxdb)
        async with first:
            await wait_until(lambda: len(first.query("SELECT 1 FROM results")) >= 16, "results")
            assert await first.stop() == 0
        kept = len(first.query("SELECT 1 FROM results WHERE target = 'chat-0'"))
        assert len(influxdb.query("SELECT latency_ms FROM api_probe WHERE target = 'chat-0'")) == (
            kept
        )
        before = history(first, "ledger")
        assert sum(step["n"] for step in before) == kept

        began = time.time()
        second = daemon_for(tmp_path / "second", provider.base_url, influxdb)
        async with second:
            (windows,) = second.events("rebuild.windows")
            assert windows["results"] == len(first.query("SELECT 1 FROM results"))
            await wait_until(lambda: in_window(second) >= kept, "windows with a past")
            await wait_until(lambda: second.events("rebuild.finished"), "roll-ups with a past")
            assert await second.stop() == 0
        assert second.query(f"SELECT 1 FROM results WHERE at < {began}") == []
        measured = len(second.query("SELECT 1 FROM results WHERE target = 'chat-0'"))
        after = history(second, "ledger")
        assert sum(step["n"] for step in after) == kept + measured
        assert after == history(second, "influxdb")
        untouched = {step["at"] for step in before} - {began // 60 * 60}
        assert [step for step in after if step["at"] in untouched] == [
            step for step in before if step["at"] in untouched
        ]

        async with second:
            assert len(second.events("rebuild.finished")) == 1
            assert await second.stop() == 0
        again = len(second.query("SELECT 1 FROM results WHERE target = 'chat-0'"))
        assert sum(step["n"] for step in history(second, "ledger")) == kept + again


async def test_a_hung_influxdb_delays_a_start_for_ten_seconds(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """It is said in one line, and the daemon probes with windows that begin with nothing."""
    influxdb.pause()
    async with simulated("answer") as provider:
        daemon = daemon_for(tmp_path / "new", provider.base_url, influxdb)
        async with daemon:
            (told,) = daemon.events("rebuild.windows_incomplete")
            assert (told["results"], "10 s" in told["reason"]) == (0, True)
            await wait_until(lambda: daemon.query("SELECT 1 FROM results"), "results")
            influxdb.start()
            assert await daemon.stop() == 0
