"""Rolling windows: ours against a list of objects that is trimmed at each ingest."""

from collections import deque
from dataclasses import dataclass
from itertools import count

import numpy as np
from rich.table import Table

from aggregator.window import Windows
from benchmarks.timing import cpu_us
from probes.result import Fault, Operation, ProbeResult, Verdict

SIZES = (300, 3_000, 30_000)
QUANTILES = (50, 95, 99, 99.9)


@dataclass
class Sample:
    at: float
    latency_s: float


class Listed:
    """As tutorials do it."""

    def __init__(self, over_s: float) -> None:
        self.over_s = over_s
        self.samples: deque[Sample] = deque()

    def ingest(self, at: float) -> None:
        self.samples = deque(s for s in self.samples if s.at > at - self.over_s)
        self.samples.append(Sample(at, 0.7))

    def query(self) -> list[float]:
        latencies = [s.latency_s for s in self.samples]
        return [float(np.percentile(latencies, q)) for q in QUANTILES]


def result(at: float) -> ProbeResult:
    return ProbeResult(
        target="t",
        provider="p",
        model="m",
        operation=Operation.CHAT,
        location="here",
        slot=int(at),
        slot_at=at,
        at=at,
        verdict=Verdict.OK,
        fault=Fault.NONE,
        total_s=0.7,
    )


def measure(size: int) -> tuple[float, float, float, float]:
    """Return CPU us: list ingest, list query, our ingest, our query (after an ingest)."""
    over_s = float(size)
    listed, windows = Listed(over_s), Windows(longest_s=over_s)
    listed.samples = deque(Sample(float(at), 0.7) for at in range(size))
    for at in range(size):
        windows.ingest(result(float(at)), float(at))
    clock = count(size)
    newest = result(float(size))

    def ask() -> object:
        at = float(next(clock))
        windows.ingest(newest, at)
        summary = windows.summary(("t",), over_s, at)
        assert summary.latency is not None
        return summary.latency.quantiles, summary.latency.mean, summary.by_fault

    times = max(3, 30_000 // size)
    list_ingest = cpu_us(lambda: listed.ingest(float(next(clock))), times)
    list_query = cpu_us(listed.query, times)
    our_ingest = cpu_us(lambda: windows.ingest(newest, float(next(clock))), 1_000)
    return list_ingest, list_query, our_ingest, cpu_us(ask, 100)


def table() -> Table:
    """Measure and return the table."""
    drawn = Table(title="rolling window, CPU us (a query: p50 to p99.9 after one more ingest)")
    for heading in ("samples", "list: ingest", "query", "Sonde: ingest", "query", "x", "x"):
        drawn.add_column(heading, justify="right")
    for size in SIZES:
        ingest, query, ours, asked = measure(size)
        ratios = (f"{ingest / ours:.0f}", f"{query / asked:.1f}")
        figures = (f"{us:.1f}" for us in (ingest, query, ours, asked))
        drawn.add_row(f"{size:,}", *figures, *ratios)
    return drawn
