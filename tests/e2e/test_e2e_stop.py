"""Stopping, refusing to start, and being stuck."""

import asyncio
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from monitor.daemon import STOP_BUDGET_S
from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.standins import answers
from tests.standins.slack import Slack

PROMISED_S = 20.0
CHAT = ["name: chat, provider: p, model: gpt-4o-mini, operation: chat"]


def config(url: str, extra: str = "") -> str:
    return (
        configs.head()
        + configs.providers({"p": url})
        + configs.targets(CHAT)
        + configs.QUICK_RULES
        + extra
    )


def test_the_stop_budget_adds_up() -> None:
    """The parts of stopping, each at its worst, stay below what we promise."""
    assert STOP_BUDGET_S < PROMISED_S


@asynccontextmanager
async def all_hung(tmp_path: Path) -> AsyncIterator[tuple[Slack, DaemonProcess]]:
    """Run a daemon whose provider hangs, until its first message hangs in Slack as well."""
    slack_channel = 'team: {type: slack, webhook_url: "${SLACK}", allow_http: true}'
    async with Slack() as slack, simulated("hang") as provider:
        slack.script.extend([answers.hang] * 50)
        daemon = DaemonProcess(
            tmp_path,
            config(provider.base_url, configs.channels(slack_channel)),
            {"SLACK": slack.webhook_url},
        )
        await daemon.start()
        await asyncio.wait_for(slack.arrived.wait(), 30)
        yield slack, daemon


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stopping_with_everything_hung(tmp_path: Path, number: signal.Signals) -> None:
    """Provider and Slack both hang: exit 0 in time, and the message goes out after the restart."""
    async with all_hung(tmp_path) as (slack, daemon):
        before = time.monotonic()
        assert await daemon.stop(number) == 0
        assert time.monotonic() - before < PROMISED_S
        assert daemon.events("daemon.stopped")
        told = {event["slot"] for event in daemon.events("probe.result")}
        assert told <= {row[0] for row in daemon.query("SELECT slot FROM results")}
        queued = daemon.query("SELECT count(*) FROM outbox WHERE status = 'queued'")
        assert queued == [(1,)]
        slack.script.clear()
        await daemon.start()
        await wait_until(lambda: slack.messages, "the message that was left")
        assert await daemon.stop() == 0
        assert len(slack.messages) == 1


async def test_stopping_with_the_ledger_locked_as_well(tmp_path: Path) -> None:
    """A backup that holds the file, a provider and a channel that hang: still exit 0 in time."""
    async with all_hung(tmp_path) as (_, daemon):
        backup = sqlite3.connect(tmp_path / "sonde.db", isolation_level=None)
        backup.execute("BEGIN IMMEDIATE")
        try:
            await asyncio.sleep(2)
            before = time.monotonic()
            assert await daemon.stop() == 0
            assert time.monotonic() - before < PROMISED_S
        finally:
            backup.execute("ROLLBACK")
            backup.close()
        assert daemon.events("daemon.stopped")


async def test_a_clean_stop_sends_nothing_twice(tmp_path: Path) -> None:
    """A receiver that is just answering when we stop has got the message, once."""
    slack_channel = 'team: {type: slack, webhook_url: "${SLACK}", allow_http: true}'
    async with Slack() as slack, simulated("server_error") as provider:

        async def slowly(_request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(1.5)
            return web.Response(text="ok")

        slack.script.extend([slowly] * 5)
        daemon = DaemonProcess(
            tmp_path,
            config(provider.base_url, configs.channels(slack_channel)),
            {"SLACK": slack.webhook_url},
        )
        await daemon.start()
        await asyncio.wait_for(slack.arrived.wait(), 30)
        assert await daemon.stop() == 0
        assert slack.requests == 1
        assert daemon.query("SELECT status FROM outbox") == [("sent",)]


async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    """Who asks twice is not kept waiting, and still loses nothing that was committed."""
    async with simulated("hang") as provider:
        text = config(provider.base_url).replace("deadline: 500ms", "deadline: 20s")
        text = text.replace("interval: 500ms", "interval: 20s")
        async with DaemonProcess(tmp_path, text) as daemon:
            await wait_until(
                lambda: "sonde_last_slot_timestamp_seconds{" in daemon.get("/metrics").text,
                "a probe in flight",
            )
            daemon.process.send_signal(signal.SIGTERM)
            await wait_until(lambda: daemon.events("daemon.stopping"), "the first signal")
            assert await daemon.stop() == 128 + signal.SIGTERM


def sonde(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "monitor.cli", *arguments],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin", "KEY": "sk-test-0123456789abcdef"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_bad_configuration_is_told_all_at_once(tmp_path: Path) -> None:
    """Every mistake one line, with its place; exit 2; no traceback."""
    text = config("http://127.0.0.1:1/v1").replace("operation: chat", "operation: chatt")
    (tmp_path / "sonde.yaml").write_text(text + "\notlp: []\nnonsense: 1\n")
    for command in ("run", "check"):
        done = sonde(tmp_path, command)
        assert done.returncode == 2, done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 3
        assert all(line.startswith("sonde.yaml:") or "/sonde.yaml:" in line for line in lines)
        assert any("targets[0].operation" in line for line in lines)
        assert any("otlp: expected a mapping" in line for line in lines)
        assert any("nonsense" in line for line in lines)
        assert "Traceback" not in done.stderr


def test_nothing_to_watch_is_told_with_the_way_out(tmp_path: Path) -> None:
    """Without a file and without a key there is one line that says what to set."""
    done = sonde(tmp_path, "run")
    assert done.returncode == 2
    assert "OPENAI_API_KEY" in done.stderr
    assert "sonde demo" in done.stderr


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """The address somebody else has: one line, exit 2, and nothing was started."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = config("http://127.0.0.1:1/v1").replace("127.0.0.1:0", f"127.0.0.1:{port}")
        (tmp_path / "sonde.yaml").write_text(text)
        done = sonde(tmp_path, "run")
    assert done.returncode == 2
    assert f"http.listen: cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_ledger_in_use_is_told(tmp_path: Path) -> None:
    """Two daemons on one file: the second says so and leaves the first alone."""
    async with simulated("answer") as provider:
        async with DaemonProcess(tmp_path, config(provider.base_url)) as daemon:
            done = await asyncio.to_thread(sonde, tmp_path, "run")
            assert done.returncode == 2
            assert "store.path" in done.stderr
            assert "Traceback" not in done.stderr
            assert await daemon.stop() == 0


STUCK = """
import asyncio, time
from monitor import watchdog

async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(watchdog.guard(1.0, 0.1))
        await asyncio.sleep(0.5)
        def a_long_computation():
            {block}
        a_long_computation()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "block", ["time.sleep(60)", "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')"]
)
def test_a_stuck_loop_ends_the_process_with_its_stack(block: str) -> None:
    """A blocked loop, and one whose GIL is held by a regular expression: exit 1, stack told."""
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(block=block)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "a_long_computation" in done.stderr
