"""Do what a page says, in a folder of its own: write its files, start programs, run commands.

Ports a page names are replaced by free ones, so that pages run beside each other and beside a Sonde
that somebody uses. Everything started is ended with the page.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from tests.docs.blocks import ROOT, Block, blocks, command_lines
from tests.servers.running import free_port

PORTS: Final = re.compile(r"(127\.0\.0\.1:|--port )(\d{4})\b")
LISTEN: Final = "8000"
"""Where a page's own Sonde listens, as the default is."""
COMMAND_S: Final = 60.0
UNTIL_S: Final = 40.0
"""How long a command is repeated for what a page promises of it."""
BETWEEN_S: Final = 1.0
END_S: Final = 25.0


class Reader:
    """Somebody who does what the page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, str] = {}
        self.running: list[subprocess.Popen[bytes]] = []
        self.log = folder / "background.log"
        """What the programs that run on say."""
        self.log.touch()
        programs = folder / "bin"
        programs.mkdir()
        for name, line in self._programs().items():
            (programs / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
            (programs / name).chmod(0o755)
        self.environ = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "USER": "reader",
            "PYTHONPATH": str(ROOT),
            "SONDE_LISTEN": f"127.0.0.1:{self._port(LISTEN)}",
        }

    def _programs(self) -> Mapping[str, str]:
        return {"sonde": f"{sys.executable} -m monitor.cli", "python": sys.executable}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for process in reversed(self.running):
            _end(process)

    def follow(self, block: Block) -> None:
        """Do what is asked of a block; one that nothing is asked of is only read."""
        what, _, rest = block.asked.partition(" ")
        match what:
            case "file":
                self.write(rest, block.text)
            case "background":
                if rest == "in place of the first":
                    _end(self.running.pop(0))
                self.start(block.text.strip(), first=bool(rest))
            case "run":
                for line in command_lines(block):
                    self._run(PORTS.sub(self._elsewhere, line), rest, block)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.folder / name
        path.write_text(PORTS.sub(self._elsewhere, text), encoding="utf-8")

    def _elsewhere(self, found: re.Match[str]) -> str:
        return found[1] + self._port(found[2])

    def _port(self, named: str) -> str:
        return self.ports.setdefault(named, str(free_port()))

    def start(self, line: str, *, first: bool = False) -> None:
        """Start a program that is to run on."""
        line = PORTS.sub(self._elsewhere, line)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {line}"],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.running.insert(0 if first else len(self.running), process)

    def _run(self, line: str, rest: str, block: Block) -> None:
        """Run a command; again until it says what the page promises."""
        promised = rest.removeprefix("until ").strip()
        deadline = time.monotonic() + UNTIL_S
        while True:
            done = subprocess.run(
                ["/bin/bash", "-c", line],
                cwd=self.folder,
                env=self.environ,
                capture_output=True,
                text=True,
                timeout=COMMAND_S,
                check=False,
            )
            said = f"{done.stdout}{done.stderr}"
            if done.returncode == 0 and promised in said:
                return
            log = self.log.read_text(encoding="utf-8")[-2000:]
            told = f"{block}: {line}: exit {done.returncode}, no {promised!r} in:\n{said}\n{log}"
            assert promised, told
            assert time.monotonic() < deadline, told
            time.sleep(BETWEEN_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop a program as Ctrl-C does, and by force if it will not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def runnable(page: Path) -> bool:
    """Say whether a page has anything to run."""
    return any(block.asked.partition(" ")[0] in ("run", "background") for block in blocks(page))
