"""The unit for systemd: taken by it, hardened, tied to what Sonde does, and lived in by a daemon.

There is no systemd to run it here, so what it would do to the process is done by hand: the filter
of system calls, as systemd-analyze resolves it, and the ban on memory that is written and executed.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from monitor.daemon import STOP_BUDGET_S
from tests.docs.blocks import ROOT
from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.servers.running import installed

UNIT: Final = ROOT / "deploy" / "systemd" / "sonde.service"
PROGRAM: Final = "/opt/sonde/bin/sonde"
MARGIN_S: Final = 5.0
"""What systemd may be late with the signal, and the kernel with the end."""
EXPOSURE: Final = 1.5
"""Of 10: https://www.freedesktop.org/software/systemd/man/latest/systemd-analyze.html#systemd-analyze%20security%20%5BUNIT...%5D"""

CONFINED: Final = Path(__file__).with_name("confined.py")


def said(name: str) -> list[str]:
    """Return the values of a setting, in their order."""
    text = UNIT.read_text(encoding="utf-8")
    return re.findall(rf"^{name}=(.*)$", text, flags=re.MULTILINE)


def systemd_analyze(*arguments: str | Path) -> tuple[int, str]:
    """Return its exit code and words."""
    done = subprocess.run(
        [installed("systemd-analyze"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def verified(folder: Path, text: str) -> tuple[int, str]:
    """Have systemd read a unit whose programs are there."""
    path = folder / "sonde.service"
    path.write_text(text.replace(PROGRAM, sys.executable), encoding="utf-8")
    return systemd_analyze("verify", path)


def test_systemd_takes_it(tmp_path: Path) -> None:
    """No word that it does not know; one that is misspelt is told of."""
    text = UNIT.read_text(encoding="utf-8")
    assert verified(tmp_path, text) == (0, "")
    assert "ProtectSystm" in verified(tmp_path, text.replace("ProtectSystem", "ProtectSystm"))[1]


def test_little_is_exposed() -> None:
    """As systemd itself counts it."""
    code, words = systemd_analyze(
        *("security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", UNIT)
    )
    assert code == 0, words


def test_a_stop_ends_before_systemd_kills() -> None:
    """The time to stop is longer than all of Sonde's own budgets together."""
    (stop,) = said("TimeoutStopSec")
    assert float(stop.removesuffix("s")) >= STOP_BUDGET_S + MARGIN_S


def test_it_runs_what_there_is() -> None:
    """The same file is run and checked, in the folders that systemd makes."""
    (start,) = said("ExecStart")
    check, hangup = said("ExecReload")
    program, run, file = start.split()
    assert (program, run) == (PROGRAM, "run")
    assert check.split() == [program, "check", file]
    assert hangup == "/bin/kill -HUP $MAINPID"
    assert said("ConfigurationDirectory") == [Path(file).parent.name]
    assert said("StateDirectory") == ["sonde"]


@cache
def _group(name: str) -> frozenset[str]:
    """Return the system calls of one of systemd's groups, groups within it resolved."""
    code, words = systemd_analyze("syscall-filter", name)
    assert code == 0, words
    lines = (line.split("#")[0].strip() for line in words.splitlines()[1:])
    return frozenset(call for line in lines if line for call in _calls(line))


def _calls(word: str) -> Iterator[str]:
    if word.startswith("@"):
        yield from _group(word)
    else:
        yield word


def allowed() -> frozenset[str]:
    """Return the calls that the unit's filter lets through."""
    calls: frozenset[str] = _group("@default")
    for line in said("SystemCallFilter"):
        named = frozenset(call for word in line.lstrip("~").split() for call in _calls(word))
        calls = calls - named if line.startswith("~") else calls | named
    return calls


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Write down the calls that are let through."""
    path = tmp_path / "calls"
    path.write_text("\n".join(sorted(allowed())), encoding="utf-8")
    return path


class Confined(DaemonProcess):
    """A daemon that lives as the unit has it."""

    def command(self, *arguments: str) -> list[str]:
        """Confine the process before it becomes the daemon."""
        return confined(self.folder / "calls", *super().command(*arguments))


def confined(calls: Path, *command: str) -> list[str]:
    """Return a command that confines itself first."""
    return [sys.executable, str(CONFINED), str(calls), *command]


@pytest.mark.parametrize("call", ["os.nice(1)", "os.setpriority(os.PRIO_PROCESS, 0, 5)"])
def test_the_filter_bites(calls: Path, call: str) -> None:
    """What it forbids fails in it, and not outside."""
    asked = (sys.executable, "-c", f"import os; {call}")
    outside, inside = (
        subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        for command in (asked, confined(calls, *asked))
    )
    assert outside.returncode == 0, outside.stderr
    assert "PermissionError" in inside.stderr


async def test_a_daemon_lives_in_it(tmp_path: Path, calls: Path) -> None:
    """It starts, probes, writes, serves and stops, and nothing that it asks for is refused."""
    async with simulated("answer", 60.0) as provider:
        config = (
            configs.head()
            + configs.providers({"sim": provider.base_url})
            + configs.targets(("name: chat, provider: sim, model: gpt-4o-mini, stream: true",))
        )
        async with Confined(tmp_path, config) as daemon:
            await wait_until(lambda: "ok" in daemon.verdicts("chat"), "an answer")
            assert daemon.get("/metrics").status_code == 200
            assert await daemon.stop() == 0
    assert "not permitted" not in daemon.log.read_text(encoding="utf-8")
