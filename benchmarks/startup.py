"""How soon the first probe leaves, what imports cost, and how much memory 200 targets take."""

import re
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2
from rich.table import Table

from benchmarks.cores import CLIENT_CORE, memory_mib, pinned
from benchmarks.daemon import Mix, configuration, daemon
from benchmarks.report import Report, drawn, met
from benchmarks.seats import ROOT
from benchmarks.truth import TruthServer, truth_server

TARGETS: Final = 200
STARTS: Final = 3
IMPORTS: Final = 3
RUNNING_S: Final = 30.0
"""How long the daemon runs before its memory is looked at: each target has been probed thrice."""
FIRST_PROBE_S: Final = 3.0
MEMORY_MIB: Final = 160.0
WHOLE: Final = "monitor.cli.run"
"""What `sonde run` imports."""

_IMPORT: Final = """
import sys, time
from importlib import import_module
def rss(): return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
before, began = rss(), time.process_time()
import_module(sys.argv[1])
print((time.process_time() - began) * 1e3, rss() - before)
"""
_LOADED: Final = f"import sys, {WHOLE}; print(*sys.modules, sep=chr(10))"


def report() -> Report:
    """Measure and return the tables."""
    return Report((_start_table(), _import_table()))


def _start_table() -> Table:
    with truth_server() as server:
        firsts = [_first_probe_s(server) for _ in range(STARTS)]
        resident, peak = _memory_mib(server)
    first = statistics.median(firsts)
    rows = [
        ["start to first probe, s (median)", f"{first:.2f}", f"{FIRST_PROBE_S:g}"],
        ["start to first probe, s (slowest)", f"{max(firsts):.2f}", f"{FIRST_PROBE_S:g}"],
        [f"memory after {RUNNING_S:.0f} s, MiB", f"{resident:.0f}", f"{MEMORY_MIB:g}"],
        ["most memory until then, MiB", f"{peak:.0f}", f"{MEMORY_MIB:g}"],
    ]
    judged = ([*row, met(float(row[1]), float(row[2]))] for row in rows)
    title = f"sonde run with {TARGETS} targets every 10 s"
    return drawn(title, ("what:", "measured", "may be", "target:"), judged)


def _first_probe_s(server: TruthServer) -> float:
    """Return the time from starting the process to its first request's arrival."""
    server.reset()
    config = configuration(server.url(), TARGETS, 10.0, Mix())
    with TemporaryDirectory() as folder, daemon(config, Path(folder)) as running:
        while not (rows := server.log()):
            time.sleep(0.05)
    return min(row.arrived for row in rows) - running.began


def _memory_mib(server: TruthServer) -> tuple[float, float]:
    """Return what a daemon takes that is being scraped, and the most it took."""
    config = configuration(server.url(delay_us=200_000), TARGETS, 10.0, Mix(1, 1))
    with (
        TemporaryDirectory() as folder,
        httpx2.Client(trust_env=False) as http,
        daemon(config, Path(folder)) as running,
    ):
        for _ in range(2):
            time.sleep(RUNNING_S / 2)
            running.scrape(http)
        return memory_mib(running.pid), memory_mib(running.pid, "VmHWM")


def _import_table() -> Table:
    loaded = set(_python(_LOADED).split())
    rows = []
    for module in [WHOLE, *mandatory()]:
        taken = [tuple(map(float, _python(_IMPORT, module).split())) for _ in range(IMPORTS)]
        cpu_ms, mib = (min(column) for column in zip(*taken, strict=True))
        rows.append([module, cpu_ms, mib])
    rows.sort(key=lambda row: -float(row[1]))
    cells = (
        [str(name), f"{cpu_ms:.0f}", f"{mib:.0f}", "yes" if name in loaded else "when needed"]
        for name, cpu_ms, mib in rows
    )
    title = "imports, each in an interpreter of its own (they share much, so they do not add up)"
    return drawn(title, ("module:", "CPU ms", "MiB", "imported by sonde run:"), cells)


def mandatory() -> Iterator[str]:
    """Yield the top-level module of each dependency that is always installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    modules = packages_distributions()
    for line in project["dependencies"]:
        name = _canonical(re.split(r"[\[<>=~! ]", line)[0])
        own = [module for module, found in modules.items() if name in map(_canonical, found)]
        public = [module for module in own if module.isidentifier() and module[0] != "_"]
        # of several (a package and its plugin) the one that is called like the distribution
        yield min(public, key=lambda module: (module != name, len(module)))


def _canonical(distribution: str) -> str:
    return re.sub(r"[-_.]+", "_", distribution).lower()


def _python(code: str, *arguments: str) -> str:
    command = [*pinned(CLIENT_CORE), sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout
