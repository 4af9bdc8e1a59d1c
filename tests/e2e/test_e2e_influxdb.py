"""The daemon as a process, writing to a real InfluxDB through its outages."""

import asyncio
import time
from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.servers.influxdb import Influxdb

STORE = (
    "store: {path: sonde.db, influxdb: {url: '${INFLUXDB_URL}', token: '${INFLUXDB_TOKEN}',"
    " org: '${INFLUXDB_ORG}', bucket: '${INFLUXDB_BUCKET}'}}"
)
TARGETS = [f"name: chat-{n}, provider: p, model: gpt-4o-mini, operation: chat" for n in range(4)]
PROMISED_S = 20.0


def daemon_for(folder: Path, provider: str, influxdb: Influxdb) -> DaemonProcess:
    """Return a daemon that probes eight times a second and writes to an InfluxDB."""
    text = (
        configs.head().replace("store: {path: sonde.db}", STORE)
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


def stored(influxdb: Influxdb) -> set[tuple[str, int]]:
    """Return target and microsecond of every result in InfluxDB."""
    rows = influxdb.query("SELECT latency_ms, target FROM api_probe")
    return {(str(row["target"]), int(str(row["time"])) // 1_000) for row in rows}


def kept(daemon: DaemonProcess) -> set[tuple[str, int]]:
    """Return target and microsecond of every result in the ledger."""
    return {(t, round(at * 1e6)) for t, at in daemon.query("SELECT target, at FROM results")}


def spool(daemon: DaemonProcess, name: str) -> float:
    """Read one number of the results' balance from /metrics."""
    start = f'sonde_spool_{name}{{stream="results"}} '
    lines = daemon.get("/metrics").text.splitlines()
    return next((float(line.removeprefix(start)) for line in lines if line.startswith(start)), -1)


async def test_an_outage_loses_nothing(tmp_path: Path, influxdb: Influxdb) -> None:
    """Stopped and started again: every result of the ledger is there, once, and told so."""
    async with simulated("answer") as provider:
        async with daemon_for(tmp_path, provider.base_url, influxdb) as daemon:
            await wait_until(lambda: len(stored(influxdb)) > 4, "results in InfluxDB")
            influxdb.stop()
            await wait_until(lambda: spool(daemon, "rows") >= 12, "results that wait")
            influxdb.start()
            await wait_until(lambda: 0 <= spool(daemon, "rows") <= 8, "results that went", 40)
            balance = [spool(daemon, n) for n in ("produced_total", "stored_total", "rows")]
            assert balance[0] >= balance[1] > 12
            assert await daemon.stop() == 0
        assert stored(influxdb) == kept(daemon)
        (trouble,) = daemon.events("influxdb.trouble")
        assert trouble["outcome"] == "unreachable"
        assert len(daemon.events("influxdb.recovered")) == 1
        ((produced, kept_stored, dropped, quarantined),) = daemon.query(
            "SELECT produced, stored, dropped, quarantined FROM shipped WHERE stream = 'results'"
        )
        assert (produced, dropped, quarantined) == (kept_stored, 0, 0)
        assert produced == len(kept(daemon))
    assert influxdb.token not in daemon.log.read_text()


async def test_kills_lose_nothing_and_count_nothing_twice(
    tmp_path: Path, influxdb: Influxdb
) -> None:
    """Killed at four moments and started again, the last time to an end: all is there, once."""
    async with simulated("answer", 120) as provider:
        daemon = daemon_for(tmp_path, provider.base_url, influxdb)
        for wait_s in (0.3, 0.8, 1.5, 2.2):
            await daemon.start()
            await asyncio.sleep(wait_s)
            daemon.kill()
        await daemon.start()
        await wait_until(lambda: spool(daemon, "stored_total") > 8, "results in InfluxDB")
        assert await daemon.stop() == 0
        assert stored(influxdb) == kept(daemon)
        ((produced, kept_stored, dropped, quarantined),) = daemon.query(
            "SELECT produced, stored, dropped, quarantined FROM shipped WHERE stream = 'results'"
        )
        assert (produced, dropped, quarantined) == (kept_stored, 0, 0)
        assert produced == len(kept(daemon))


async def test_a_hung_influxdb_does_not_delay_a_stop(tmp_path: Path, influxdb: Influxdb) -> None:
    """It takes the request and never answers: exit 0 in time, and the next start writes it all."""
    async with simulated("answer") as provider:
        async with daemon_for(tmp_path, provider.base_url, influxdb) as daemon:
            await wait_until(lambda: len(stored(influxdb)) > 4, "results in InfluxDB")
            influxdb.pause()
            await asyncio.sleep(2)
            before = time.monotonic()
            assert await daemon.stop() == 0
            assert time.monotonic() - before < PROMISED_S
            assert daemon.events("influxdb.stopped")[-1]["pending"] > 0
            influxdb.start()
            await daemon.start()
            await wait_until(lambda: 0 <= spool(daemon, "rows") <= 8, "results that went")
            assert await daemon.stop() == 0
        assert stored(influxdb) == kept(daemon)
