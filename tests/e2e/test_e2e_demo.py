"""`sonde demo`, as typed."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest


async def demo(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor.cli", "demo", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def events(output: bytes, kind: str) -> list[dict[str, object]]:
    lines: Sequence[str] = output.decode().splitlines()
    return [event for line in lines if (event := json.loads(line))["event"] == kind]


@pytest.mark.timeout(150)
async def test_the_demo_keeps_its_promise(tmp_path: Path) -> None:
    """Every expected alert fires and resolves, seen through a signed webhook; exit 0."""
    picture = tmp_path / "demo.svg"
    process = await demo("--json", "--picture", str(picture))
    output, errors = await process.communicate()
    assert process.returncode == 0, (output.decode()[-3000:], errors.decode())
    assert errors == b""
    (end,) = events(output, "end")
    assert end["kept"] is True
    names = {alert["alertname"] for alert in end["alerts"]}  # type: ignore[union-attr] # JSON
    assert names >= {"HighLatency", "Account", "Down", "ErrorRate"}
    assert all(alert["resolved_s"] for alert in end["alerts"])  # type: ignore[union-attr]
    verdicts = end["verdicts"]
    assert isinstance(verdicts, dict)
    assert {"ok", "throttled", "server_error", "truncated", "timeout"} <= set(verdicts)
    phases = [event["name"] for event in events(output, "phase")]
    assert phases == ["healthy", "slow", "throttled", "errors", "cut", "hang", "recovered"]
    assert picture.read_text().startswith("<svg")
    # The neighbours of the troubled models stay well: no alert speaks of them.
    subjects = {alert["subject"] for alert in end["alerts"]}  # type: ignore[union-attr]
    assert not subjects & {"chat-large", "embed-large"}


async def test_without_its_provider_the_demo_fails() -> None:
    """Killing the simulated provider is no success, and it says why."""
    process = await demo("--json")
    assert process.stdout is not None
    first = await process.stdout.readline()
    assert json.loads(first)["event"] == "phase"
    await asyncio.sleep(2)
    found = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "monitor.simulator"],
        capture_output=True,
        text=True,
        check=True,
    )
    for pid in found.stdout.split():
        subprocess.run(["kill", "-9", pid], check=True)
    output, _ = await process.communicate()
    assert process.returncode == 1
    (end,) = events(output, "end")
    assert end["kept"] is False
    assert "provider ended" in str(end["complaints"])


async def test_interrupting_the_demo_leaves_nothing_behind() -> None:
    """Ctrl-C ends the demo and the provider it started."""
    process = await demo("--json")
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in errors
    left = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False
    )
    assert left.stdout == ""


def test_a_demo_too_short_to_see_anything_is_refused() -> None:
    """Forty seconds is the least; below that, one line and exit 2."""
    done = subprocess.run(
        [sys.executable, "-m", "monitor.cli", "demo", "--seconds", "5"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "--seconds must be at least 40" in done.stderr
