"""What a pod of 50 targets takes under the limits that deploy/kubernetes gives it (Linux, root).

The kernel enforces the CPU limit as the kubelet has it do: a quota of CPU time in each 100 ms,
through a control group of either version.
https://docs.kernel.org/scheduler/sched-bwc.html
https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#how-pods-with-resource-limits-are-run
"""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2
from rich.table import Table

from benchmarks.cores import cpu_s, memory_mib
from benchmarks.daemon import Daemon, Mix, configuration, daemon
from benchmarks.report import Report, drawn, met
from benchmarks.truth import TruthServer, truth_server
from monitor.daemon import STOP_BUDGET_S
from tests.servers.redis import redis_started

TARGETS: Final = 50
INTERVAL_S: Final = 60.0
LIMIT_CORES: Final = 0.2
REQUEST_CORES: Final = 0.1
REQUEST_MIB: Final = 256.0
STARTUP_S: Final = 240.0
"""What the startup probe in deploy/kubernetes allows; a test ties the two."""
STARTS: Final = 3
READY_LIMIT_S: Final = 120.0
RUNNING_S: Final = 120.0
"""How long it runs, scraped, before memory is looked at: each target has been probed twice."""
SCRAPE_S: Final = 15.0
_PERIOD_US: Final = 100_000
_GROUPS: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Start:
    """When a start answered, and what it had used until then; seconds."""

    live_s: float
    ready_s: float
    ready_cpu_s: float
    stop_s: float


def report() -> Report:
    """Measure and return the tables."""
    with truth_server() as server, limited(LIMIT_CORES) as entering:
        starts = [_started(server, entering) for _ in range(STARTS)]
        with TemporaryDirectory() as folder, redis_started(Path(folder) / "redis") as redis:
            steady = [_steady(server, entering, url) for url in ("", redis.url)]
    return Report((_start_table(starts), _steady_table(*steady)))


@contextmanager
def limited(cores: float) -> Iterator[list[str]]:
    """Yield the words in front of a command that give it so much CPU time and no more."""
    unified = (_GROUPS / "cgroup.controllers").exists()
    group = (_GROUPS if unified else _GROUPS / "cpu") / f"sonde-pod-{os.getpid()}"
    quota_us = int(cores * _PERIOD_US)
    group.mkdir()
    try:
        if unified:
            (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


@contextmanager
def _pod(server: TruthServer, entering: list[str], redis: str = "") -> Iterator[Daemon]:
    config = configuration(server.url(delay_us=200_000), TARGETS, INTERVAL_S, Mix(3, 2))
    if redis:
        config += f'cluster: {{redis: "{redis}", name: pod-{os.getpid()}}}\n'
    with TemporaryDirectory() as folder, daemon(config, Path(folder), within=entering) as running:
        yield running


def _started(server: TruthServer, entering: list[str]) -> Start:
    with httpx2.Client(trust_env=False) as http, _pod(server, entering) as running:
        live_s = time.monotonic() - running.began
        while http.get(f"{running.url}/readyz").status_code != 200:
            if time.monotonic() - running.began > READY_LIMIT_S:
                raise RuntimeError(f"not ready after {READY_LIMIT_S:.0f} s")
            time.sleep(0.1)
        ready_s, used_s = time.monotonic() - running.began, cpu_s(running.pid)
        stopping = time.monotonic()
    return Start(live_s, ready_s, used_s, time.monotonic() - stopping)


def _start_table(starts: list[Start]) -> Table:
    rows = [
        ("start to /livez, s", [each.live_s for each in starts], STARTUP_S),
        ("start to /readyz, s", [each.ready_s for each in starts], None),
        ("CPU until /readyz, s", [each.ready_cpu_s for each in starts], None),
        ("SIGTERM to the end, s", [each.stop_s for each in starts], STOP_BUDGET_S),
    ]
    cells = (
        [what, f"{statistics.median(taken):.1f}", f"{max(taken):.1f}", *_judged(max(taken), limit)]
        for what, taken, limit in rows
    )
    title = f"sonde run with {TARGETS} targets under a CPU limit of {LIMIT_CORES * 1e3:.0f}m"
    return drawn(title, ("what:", "median", "most", "may be", "target:"), cells)


def _steady(server: TruthServer, entering: list[str], redis: str) -> tuple[float, float]:
    """Return the cores it uses and the most memory it took, MiB."""
    with httpx2.Client(trust_env=False) as http, _pod(server, entering, redis) as running:
        until = time.monotonic() + RUNNING_S
        time.sleep(RUNNING_S / 4)  # what belongs to the start is not counted
        began, used = time.monotonic(), cpu_s(running.pid)
        while time.monotonic() < until:
            running.scrape(http)
            time.sleep(SCRAPE_S)
        cores = (cpu_s(running.pid) - used) / (time.monotonic() - began)
        return cores, memory_mib(running.pid, "VmHWM")


def _steady_table(alone: tuple[float, float], shared: tuple[float, float]) -> Table:
    whats = (("CPU, cores", REQUEST_CORES, ".3f"), ("most memory, MiB", REQUEST_MIB, ".0f"))
    cells = (
        [what, *(f"{each:{shape}}" for each in pair), *_judged(max(pair), limit)]
        for (what, limit, shape), pair in zip(whats, zip(alone, shared, strict=True), strict=True)
    )
    title = f"the same running for {RUNNING_S:.0f} s, scraped every {SCRAPE_S:.0f} s"
    return drawn(title, ("what:", "alone", "with a Redis", "may be", "target:"), cells)


def _judged(measured: float, limit: float | None) -> tuple[str, str]:
    return ("", "") if limit is None else (f"{limit:g}", met(measured, limit))
