"""Runs clients under test against the truth server, and throws away runs that say nothing."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.cells import LEAD_S, Cell, Findings, Order, Sample
from benchmarks.cores import CLIENT_CORE, pinned
from benchmarks.judging import TRUSTED_MS, Judgement, judge
from benchmarks.truth import TruthServer
from benchmarks.truth_log import Stats

ROOT: Final = Path(__file__).parents[1]
ATTEMPTS: Final = 3
"""How often a run is tried while the truth server itself is late."""
GRACE_S: Final = 30.0
"""What a seat may take beyond the length of its cell: opening, draining, answering."""


class Seat:
    """One client under test, in a process of its own on the client's core."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self.name = name
        self._process = process

    def run(self, order: Order) -> Findings:
        """Run a cell. Raises RuntimeError when the client's process has failed or hangs."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        print(json.dumps(asdict(order)), file=stdin, flush=True)
        patience_s = LEAD_S + order.cell.seconds + GRACE_S
        ready, _, _ = select.select([stdout], [], [], patience_s)
        line = stdout.readline() if ready else ""
        if not line:
            raise RuntimeError(f"the client {self.name} ended or hangs: its words are above")
        answer: dict[str, Any] = json.loads(line)
        samples = tuple(Sample(**each) for each in answer["samples"])
        return Findings(**(answer | {"samples": samples}))


@contextmanager
def seat(name: str, server: TruthServer) -> Iterator[Seat]:
    """Start the client of this name (a module of benchmarks/clients)."""
    trust = {"SSL_CERT_FILE": str(server.ca)} if server.ca else {}
    process = subprocess.Popen(
        [*pinned(CLIENT_CORE), sys.executable, "-m", "benchmarks.seat", name],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **trust},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Seat(name, process)
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True)
class Run:
    """One client in one cell, as judged by the truth server."""

    client: str
    cell: Cell
    judgement: Judgement
    stats: Stats
    thrown: int
    """Runs before this one in which the truth server was late."""

    @property
    def trusted(self) -> bool:
        """Whether the truth server kept its time; False after ATTEMPTS vain tries."""
        return self.stats.worst_p99_ms <= TRUSTED_MS


def measure(server: TruthServer, client: Seat, cell: Cell) -> Run:
    """Run a cell until the truth server kept its own time, ATTEMPTS times at most."""
    url = server.url(
        delay_us=cell.delay_us,
        chunk_us=cell.chunk_us if cell.chunks else 0,
        chunks=max(1, cell.chunks),
        tls=cell.tls,
    )
    order = Order(cell=cell, url=url, ca=str(server.ca) if server.ca else None)
    for thrown in range(ATTEMPTS):
        server.reset()
        findings = client.run(order)
        stats = server.stats()
        if stats.worst_p99_ms <= TRUSTED_MS or thrown == ATTEMPTS - 1:
            rows = {row.id: row for row in server.log()}
            return Run(client.name, cell, judge(findings, rows), stats, thrown)
    raise AssertionError("unreachable: the last attempt returns")
