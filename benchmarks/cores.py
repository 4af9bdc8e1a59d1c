"""Two cores: the client under test has one, everything that judges it the other."""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

CLIENT_CORE: Final = 0
REALTIME_PRIORITY: Final = 10
"""Above everything ordinary, so that the instrument's own clock is not preempted."""
FRONT_PRIORITY: Final = 9
"""Of what stands in front of it: a hundred TLS handshakes at once must not hold the clock up."""
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


def judging_core() -> int:
    """Return the core of servers and scrapers: the second, where there is one."""
    return min(1, (os.cpu_count() or 1) - 1)


def pinned(core: int) -> list[str]:
    """Return the words in front of a command that keep it on one core."""
    return ["taskset", "-c", str(core)]


@cache
def realtime_allowed() -> bool:
    """Whether this user may give a process real-time priority."""
    done = subprocess.run(
        ["chrt", "-r", str(REALTIME_PRIORITY), "true"], capture_output=True, check=False
    )
    return done.returncode == 0


def instrument(priority: int = REALTIME_PRIORITY) -> list[str]:
    """Return the words in front of the command of an instrument: real-time where allowed."""
    chrt = ["chrt", "-r", str(priority)] if realtime_allowed() else []
    return [*chrt, *pinned(judging_core())]


def cpu_s(pid: int) -> float:
    """Return the CPU time a process has used, all threads, in seconds (in steps of 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def memory_mib(pid: int, field: str = "VmRSS") -> float:
    """Return a field of a process's status: VmRSS is what it has now, VmHWM the most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no {field}")


def facts() -> str:
    """Describe this machine in a line."""
    load = " ".join(f"{each:.2f}" for each in os.getloadavg())
    priority = "real-time instrument" if realtime_allowed() else "NO real-time priority"
    return (
        f"{os.cpu_count()} cores, CPython {platform.python_version()}, "
        f"Linux {platform.release()}, load {load}, {priority}"
    )
