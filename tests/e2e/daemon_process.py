"""The daemon as its users run it: a process with a file, an environment and signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

START_LIMIT_S = 30.0
T = TypeVar("T")


def wait_until(look: Callable[[], T], limit_s: float = 30.0, what: str = "it") -> T:
    """Return the first truthy value of `look`, or fail after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {limit_s} s for {what} in vain")


class DaemonProcess:
    """`sonde run FILE` in a folder of its own; its stderr is kept as a list of events."""

    def __init__(self, folder: Path, config: str, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.config = folder / "sonde.yaml"
        self.config.write_text(config, encoding="utf-8")
        self.log = folder / "sonde.log"
        self.url = ""
        self._environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HOME": str(folder),
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> None:
        """Start it and wait until it says that it has."""
        before = len(list(self.events("daemon.started")))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "monitor.cli", "run", str(self.config)],
                cwd=self.folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        started = wait_until(
            lambda: list(self.events("daemon.started"))[before:] or self._ended(),
            START_LIMIT_S,
            "daemon.started",
        )
        assert started is not True, f"it ended at once:\n{self.log.read_text()}"
        self.url = started[0]["url"]

    def _ended(self) -> bool:
        return self.process.poll() is not None

    def events(self, name: str) -> Iterator[dict[str, Any]]:
        """Return the log's events of one name so far."""
        if not self.log.exists():
            return
        for line in self.log.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and line.endswith("}"):
                event = json.loads(line)
                if event.get("event") == name:
                    yield event

    def get(self, path: str) -> httpx2.Response:
        """GET a path of the daemon."""
        return httpx2.get(self.url.rstrip("/") + path, timeout=10, trust_env=False)

    def kill(self) -> None:
        """Kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, limit_s: float = 25.0) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(limit_s)
