"""The daemon and the command line, where a look-up of InfluxDB's name never ends."""

import subprocess
from pathlib import Path

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated

HUNG = """\
import socket, time

_resolve = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    if host in ("influx.example", b"influx.example"):
        time.sleep(3600)
    return _resolve(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo
"""
"""Run by the interpreter before anything of ours: https://docs.python.org/3/library/site.html"""
STORE = "store: {path: sonde.db, influxdb: {url: 'http://influx.example:8086', bucket: b}}"
STOP_S = 20.0
"""What a stop may take: see `monitor.daemon`."""


def hung(folder: Path, provider: str) -> DaemonProcess:
    """Return a daemon whose InfluxDB has a name that is looked up for an hour."""
    (folder / "sitecustomize.py").write_text(HUNG)
    text = (
        configs.head().replace("store: {path: sonde.db}", STORE)
        + configs.providers({"p": provider})
        + configs.targets(["name: chat, provider: p, model: gpt-4o-mini, operation: chat"])
        + configs.QUICK_RULES
    )
    return DaemonProcess(folder, text, {"PYTHONPATH": str(folder)})


async def test_a_stop_does_not_wait_for_a_look_up(tmp_path: Path) -> None:
    """SIGTERM while it hangs: 0, within the budget, and in order."""
    async with simulated("answer") as provider, hung(tmp_path, provider.base_url) as daemon:
        await wait_until(lambda: daemon.events("influxdb.trouble"), "the first write's deadline")
        assert daemon.get("/metrics").status_code == 200
        assert daemon.events("influxdb.trouble")[0]["outcome"] == "timeout"
        assert await daemon.stop(limit_s=STOP_S) == 0
        assert len(daemon.events("daemon.stopped")) == 1


def test_the_command_line_does_not_wait_for_a_look_up(tmp_path: Path) -> None:
    """`check --connect` ends when its words say so."""
    made = hung(tmp_path, "http://127.0.0.1:9/v1")
    done = subprocess.run(
        made.command("check", str(made.config), "--connect"),
        cwd=tmp_path,
        env=made.environ,
        capture_output=True,
        text=True,
        timeout=3 * STOP_S,
        check=False,
    )
    assert done.returncode == 1
    assert "does not answer (no answer within 10 s)" in done.stdout
