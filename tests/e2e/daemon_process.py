"""The daemon as its users run it: a process with a file, an environment and signals."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

START_LIMIT_S = 30.0
KEY = "sk-test-e2e-0123456789abcdef"
T = TypeVar("T")


async def wait_until(look: Callable[[], T], what: str, limit_s: float = 30.0) -> T:
    """Return the first truthy value of `look`, or fail after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := await asyncio.to_thread(look):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited {limit_s} s for {what} in vain")


class DaemonProcess:
    """`sonde run FILE` in a folder of its own; its stderr is kept as a list of events."""

    def __init__(self, folder: Path, config: str, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.config = folder / "sonde.yaml"
        self.config.write_text(config, encoding="utf-8")
        self.log = folder / "sonde.log"
        self.url = ""
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KEY": KEY,
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def command(self, *arguments: str) -> list[str]:
        """The command line as the installed script runs it."""
        return [sys.executable, "-m", "monitor.cli", *arguments]

    async def start(self) -> None:
        """Start it and wait until it says that it has."""
        before = len(self.events("daemon.started"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command("run", str(self.config), "--log-level", "DEBUG"),
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await wait_until(
            lambda: self.events("daemon.started")[before:] or self.process.poll() is not None,
            "daemon.started",
            START_LIMIT_S,
        )
        started = self.events("daemon.started")[before:]
        assert started, f"it ended with {self.process.poll()}:\n{self.log.read_text()}"
        self.url = started[0]["url"]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log's events of one name so far."""
        if not self.log.exists():
            return []
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        whole = (json.loads(line) for line in lines if line[:1] == "{" and line[-1:] == "}")
        return [event for event in whole if event.get("event") == name]

    def verdicts(self, target: str) -> set[str]:
        """Return every verdict a target has had so far."""
        results = self.events("probe.result")
        return {event["verdict"] for event in results if event["target"] == target}

    def get(self, path: str) -> httpx2.Response:
        """GET a path of the daemon."""
        return httpx2.get(self.url.rstrip("/") + path, timeout=10, trust_env=False)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the ledger behind the daemon's back."""
        connection = sqlite3.connect(f"file:{self.folder / 'sonde.db'}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM, limit_s: float = 25.0) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, limit_s)
