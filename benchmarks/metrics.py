"""/metrics: what we write ourselves against the same figures in prometheus_client's own objects."""

import asyncio
import time
import zlib
from dataclasses import dataclass
from itertools import cycle

from prometheus_client import disable_created_metrics, generate_latest
from rich.table import Table

from aggregator.summary import Distribution, Summary
from benchmarks.report import drawn
from benchmarks.timing import cpu_us
from monitor.collectors import Evaluated, WindowReading
from monitor.keys import KeyReading
from monitor.metrics import Metrics
from monitor.web.scrape import GZIP_LEVEL, chunks
from probes.result import Fault, Operation, ProbeResult, RateLimit, StampQuality, Verdict
from probes.target import Slot, Target
from tests.unit.monitor.library_metrics import LibraryMetrics

TARGETS = (200, 1_000, 5_000)
WINDOWS_S = (300.0, 900.0, 3_600.0)
RESULT = ProbeResult(
    target="",
    provider="openai",
    model="gpt-4o-mini",
    operation=Operation.CHAT,
    location="fra1",
    slot=1,
    slot_at=60.0,
    at=60.0,
    verdict=Verdict.OK,
    fault=Fault.NONE,
    status=200,
    sent_s=0.0,
    first_byte_s=0.5,
    first_token_s=0.6,
    last_token_s=1.0,
    total_s=1.1,
    reused=True,
    input_tokens=7,
    output_tokens=5,
    cost_usd=0.002,
    rate_limits=(RateLimit("requests", 100, 7, 1.0), RateLimit("tokens", 100, 7, 1.0)),
    stamps=StampQuality.KERNEL,
)
LATENCY = Distribution(
    n=360, mean=1.0, std=0.1, max=1.3, quantiles={0.5: 1.0, 0.95: 1.1, 0.99: 1.2, 0.999: 1.3}
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What metrics of so many targets cost. CPU time."""

    targets: int
    lines: int
    library_ms: float
    ours_ms: float
    """All of it: written, joined, encoded, in turns of the loop."""
    longest_turn_ms: float
    """The longest the loop was held in between."""
    gzip_ms: float
    """On top for who wants it compressed."""
    library_observe_us: float
    observe_us: float

    def row(self) -> tuple[str, ...]:
        figures = (self.library_ms, self.ours_ms, self.ours_ms / self.library_ms)
        rest = (self.longest_turn_ms, self.gzip_ms, self.library_observe_us, self.observe_us)
        return (
            f"{self.targets:,}",
            f"{self.lines:,}",
            *(
                f"{figure:{form}}"
                for figure, form in zip(figures, (".0f", ".1f", ".3f"), strict=True)
            ),
            *(f"{figure:.1f}" for figure in rest),
        )


def target(number: int) -> Target:
    return Target(
        name=f"chat-{number:04}",
        provider="openai",
        preset="openai",
        model="gpt-4o-mini",
        operation=Operation.CHAT,
        prompt="",
    )


def summary(over_s: float) -> Summary:
    return Summary(over_s=over_s, n=360, missed=1, by_fault={Fault.NONE: 360}, latency=LATENCY)


async def written(metrics: Metrics) -> None:
    """Write the whole text."""
    async for _chunk in chunks("", metrics.written()):
        pass


async def held_s(metrics: Metrics) -> float:
    """Write the whole text; return the longest (CPU s) that others waited for the loop.

    They ask at each turn, so that the loop never sleeps: what this takes in all is not the cost.
    """
    longest_s, seen = 0.0, time.process_time()

    async def others() -> None:
        nonlocal longest_s, seen
        while True:
            await asyncio.sleep(0)
            longest_s, seen = max(longest_s, time.process_time() - seen), time.process_time()

    async with asyncio.TaskGroup() as group:
        other = group.create_task(others())
        await asyncio.sleep(0)
        await written(metrics)
        await asyncio.sleep(0)
        other.cancel()
    return longest_s


def measure(size: int) -> Cost:
    ours, library = Metrics("fra1", "1"), LibraryMetrics("fra1")
    targets = [target(number) for number in range(size)]
    for each in targets:
        for metrics in (ours, library):
            metrics.observe(each, RESULT)
            metrics.slot_started(each, Slot(1, 60.0), 0.001)
    readings = (WindowReading(each, summary(over_s)) for each in targets for over_s in WINDOWS_S)
    ours.newest.evaluated = library.evaluated = Evaluated(
        tuple(readings), (), (KeyReading(provider="openai", headroom=1.0),)
    )
    text = "".join(ours.written()).encode()
    before = time.process_time()
    generate_latest(library.registry)
    library_s = time.process_time() - before
    turn = cycle(targets)
    return Cost(
        targets=size,
        lines=text.count(b"\n"),
        library_ms=library_s * 1e3,
        ours_ms=cpu_us(lambda: asyncio.run(written(ours)), 1) / 1e3,
        longest_turn_ms=min(asyncio.run(held_s(ours)) for _ in range(5)) * 1e3,
        gzip_ms=cpu_us(lambda: zlib.compress(text, GZIP_LEVEL), 1) / 1e3,
        library_observe_us=cpu_us(lambda: library.observe(next(turn), RESULT), 2_000),
        observe_us=cpu_us(lambda: ours.observe(next(turn), RESULT), 2_000),
    )


def table() -> Table:
    """Measure and return the table."""
    # Half as many lines again, which we do not write. The library has not annotated it.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    headings = ("targets", "lines", "library ms", "Sonde ms", "ratio", "longest turn ms")
    return drawn(
        "/metrics with every target changed, CPU; observing one streamed result, CPU us",
        (*headings, "gzip ms", "library observe us", "Sonde observe us"),
        (measure(size).row() for size in TARGETS),
    )
