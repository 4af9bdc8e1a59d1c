"""Export and import of results: rows a second of processor time, and memory held.

Each step is a process of its own, so that the memory is its own: `ru_maxrss` beside that of the
same command on an empty ledger. `--full` moves 8.64 million results and takes an hour.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.stores.spool import SPOOL
from aggregator.transfer.formats import Format
from benchmarks.latency import Size
from benchmarks.report import Report, drawn
from probes.result import Fault, Operation, ProbeResult, RateLimit, StampQuality, Verdict

ROWS: Final = {Size.QUICK: 50_000, Size.DEFAULT: 200_000, Size.FULL: 8_640_000}
HEADINGS: Final = ("what:", "rows/s of CPU", "rows/s", "peak MiB", "empty MiB", "bytes/row")
TARGETS: Final = 200
TOGETHER: Final = 5_000
CONFIG: Final = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: chat, provider: p, model: m}]
store: {path: PATH}
"""


def result(number: int, at: float) -> ProbeResult:
    """Return a streamed answer with all that a provider usually states."""
    return ProbeResult(
        target=f"target-{number % TARGETS}",
        provider="openai",
        model="gpt-4o-mini",
        operation=Operation.CHAT,
        location="here",
        slot=number,
        slot_at=at,
        at=at + 0.001,
        verdict=Verdict.OK,
        fault=Fault.NONE,
        status=200,
        finish_reason="stop",
        first_byte_s=0.2 + number % 97 / 1e3,
        first_token_s=0.21 + number % 97 / 1e3,
        last_token_s=0.9,
        total_s=0.91,
        reused=True,
        input_tokens=12,
        output_tokens=20,
        cost_usd=0.0000123,
        rate_limits=(
            RateLimit("requests", 10_000, 9_999, 6.0),
            RateLimit("tokens", 200_000, 199_000, 0.3),
        ),
        request_id=f"req_{number:032x}",
        returned_model="gpt-4o-mini-2024-07-18",
        fingerprint="fp_0123456789",
        server_ms=180.0,
        stamps=StampQuality.KERNEL,
    )


async def fill(path: Path, rows: int) -> None:
    """Make a ledger of so many results, the newest of now."""
    ledger = Ledger.open(path, (RESULTS, SPOOL))
    began = time.time() - rows
    for first in range(0, rows, TOGETHER):
        found = [result(n, began + n) for n in range(first, min(first + TOGETHER, rows))]
        await ledger.write(partial(insert_results, results=found), timeout_s=None)
    await ledger.close()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took."""

    cpu_s: float
    wall_s: float
    peak_mib: float


def sonde(*arguments: str) -> Cost:
    """Run a command; return what it took."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", *arguments], stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"sonde {' '.join(arguments)}: exit code {child.returncode}")
    wall_s = time.perf_counter() - began
    return Cost(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / 1024)


def configured(folder: Path, name: str, rows: int) -> str:
    """Make a ledger, and a configuration of it; return the latter's path."""
    asyncio.run(fill(folder / f"{name}.db", rows))
    config = folder / f"{name}.yaml"
    config.write_text(CONFIG.replace("PATH", f"{name}.db"))
    return str(config)


def moved(folder: Path, rows: int) -> Iterator[tuple[str, ...]]:
    """Export in every format, import what can be, and once more: a line of the table for each."""
    full, empty = configured(folder, "full", rows), configured(folder, "empty", 0)
    for kind in Format:
        file, none = folder / f"file.{kind}", str(folder / f"none.{kind}")
        idle = sonde("export", empty, "--output", none)
        cost = sonde("export", full, "--output", str(file))
        yield line(f"export {kind}", rows, cost, idle, file.stat().st_size)
        if kind is not Format.LINES:
            into = configured(folder, f"into-{kind}", 0)
            idle = sonde("import", none, empty)
            for what in (f"import {kind}", "the same again"):
                yield line(what, rows, sonde("import", str(file), into), idle)
        file.unlink()


def line(
    what: str, rows: int, cost: Cost, idle: Cost, size_bytes: int | None = None
) -> tuple[str, ...]:
    return (
        what,
        f"{rows / max(cost.cpu_s - idle.cpu_s, 1e-3):,.0f}",
        f"{rows / cost.wall_s:,.0f}",
        f"{cost.peak_mib:.0f}",
        f"{idle.peak_mib:.0f}",
        "" if size_bytes is None else f"{size_bytes / rows:.0f}",
    )


def report(size: Size) -> Report:
    """Move results out and in."""
    rows = ROWS[size]
    with tempfile.TemporaryDirectory() as name:
        lines = tuple(moved(Path(name), rows))
    title = f"{rows:,} results; CPU without that of the same command on an empty ledger"
    return Report((drawn(title, HEADINGS, lines),))
