"""Export and import of results: rows a second of processor time, and memory held.

  python -m benchmarks.transfer [ROWS]

Each step is a process of its own, so that the memory is its own: `ru_maxrss` beside that of the
same command on an empty ledger.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results
from aggregator.stores.spool import SPOOL
from probes.result import Fault, Operation, ProbeResult, RateLimit, StampQuality, Verdict

ROWS: Final = 200_000
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
        await ledger.write(lambda c, found=found: insert_results(c, found), timeout_s=None)
    await ledger.close()


def sonde(*arguments: str) -> tuple[float, float]:
    """Run a command; return its processor time, seconds, and its greatest memory, MiB."""
    child = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", *arguments], stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"sonde {' '.join(arguments)}: exit code {child.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def configured(folder: Path, name: str, rows: int) -> str:
    """Make a ledger, and a configuration of it; return the latter's path."""
    asyncio.run(fill(folder / f"{name}.db", rows))
    config = folder / f"{name}.yaml"
    config.write_text(CONFIG.replace("PATH", f"{name}.db"))
    return str(config)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full, empty = configured(folder, "full", rows), configured(folder, "empty", 0)
        print(f"{rows:,} results; CPU without that of the same command on an empty ledger")
        print(f"{'':<16}{'rows/s of CPU':>14}{'peak MiB':>10}{'empty MiB':>10}{'bytes/row':>10}")
        for kind in ("csv", "parquet", "lines"):
            file = folder / f"file.{kind}"
            idle = sonde("export", empty, "--output", str(folder / f"none.{kind}"))
            cost = sonde("export", full, "--output", str(file))
            show(f"export {kind}", rows, cost, idle, file.stat().st_size)
            if kind != "lines":
                into = configured(folder, f"into-{kind}", 0)
                idle = sonde("import", str(folder / f"none.{kind}"), empty)
                show(f"import {kind}", rows, sonde("import", str(file), into), idle)
                show("  again", rows, sonde("import", str(file), into), idle)


def show(
    what: str,
    rows: int,
    cost: tuple[float, float],
    idle: tuple[float, float],
    size_bytes: int | None = None,
) -> None:
    per_row = "" if size_bytes is None else f"{size_bytes / rows:.0f}"
    rate = rows / max(cost[0] - idle[0], 1e-3)
    print(f"{what:<16}{rate:>14,.0f}{cost[1]:>10.0f}{idle[1]:>10.0f}{per_row:>10}", flush=True)


if __name__ == "__main__":
    main()
