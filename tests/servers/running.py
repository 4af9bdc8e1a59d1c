"""Start a server that others wrote, wait until it answers, stop it by its process id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

import httpx2
import pytest

SERVERS: Final = Path(__file__).parents[2] / ".servers"
READY_S: Final = 30.0
STOP_S: Final = 5.0


def free_port() -> int:
    """Return a loopback port that nobody has at the moment."""
    with socket.socket() as asker:
        asker.bind(("127.0.0.1", 0))
        return int(asker.getsockname()[1])


def installed(*candidates: str | Path) -> str:
    """Return the first program that is there; otherwise the test fails, it is never skipped."""
    found = next(filter(None, (shutil.which(str(one)) for one in candidates)), None)
    return found if found is not None else missing(str(candidates[0]))


def missing(what: str) -> NoReturn:
    """Fail the test, saying how to install what it needs."""
    where = "in CI" if os.environ.get("CI") else "on this machine"
    how = "run: make test-servers (benchmarks: make bench-servers)"
    pytest.fail(f"{what} is not installed {where}; {how}", pytrace=False)


@contextmanager
def running(
    command: Sequence[str],
    *,
    ready: str,
    scratch: Path,
    environ: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in `scratch` until the block ends; the block begins when `ready` answers 2xx.

    `tcp://HOST:PORT` is ready when it accepts: for servers that answer nobody 2xx by themselves.
    The process is the test's to signal, and the block's to stop. What it writes goes to
    `output.log` there, and into the failure when it does not come up.
    """
    log = scratch / "output.log"
    env = {"PATH": os.environ["PATH"], "HOME": str(scratch), **(environ or {})}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=scratch,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_ready(process, ready, log)
        yield process
    finally:
        _stop(process)


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    with httpx2.Client(trust_env=False, timeout=1.0) as http:
        while process.poll() is None and time.monotonic() < deadline:
            if _answers(http, url):
                return
            time.sleep(0.02)
    text = log.read_text(errors="replace")[-2000:]
    pytest.fail(f"{process.args!r} did not come up ({process.poll()}):\n{text}", pytrace=False)


def _answers(http: httpx2.Client, url: str) -> bool:
    address = urlsplit(url)
    try:
        if address.scheme != "tcp":
            return http.get(url).is_success
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=1.0):
            return True
    except (httpx2.TransportError, OSError):
        return False  # not listening yet: that is what we wait for


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.send_signal(signal.SIGCONT)  # one that a test has paused hears nothing else
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
