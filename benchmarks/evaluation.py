"""Evaluation of every default rule over many targets: all of it, and when nothing has changed."""

from dataclasses import replace
from itertools import count

from rich.table import Table

from aggregator.window import Windows
from alerting.defaults import default_rules
from alerting.engine import Engine, Snapshot
from benchmarks.timing import cpu_us
from benchmarks.windows import result
from probes.result import Operation
from probes.target import Target

TARGETS = (200, 1_000)
SAMPLES = 15


def target(number: int) -> Target:
    return Target(
        name=f"t{number}",
        provider="p",
        preset="openai",
        model="m",
        operation=Operation.CHAT,
        prompt="",
    )


def measure(size: int) -> tuple[int, float, float]:
    """Return series, CPU ms with one new result for each target, and CPU ms without."""
    targets = [target(number) for number in range(size)]
    engine = Engine(default_rules(), targets, location="here")
    windows = Windows(longest_s=3_600.0)
    results = [replace(result(0.0), target=t.name) for t in targets]
    clock = count(1)

    def ingest() -> float:
        at = float(next(clock))
        for each in results:
            windows.ingest(each, at)
        return at

    for _ in range(SAMPLES):
        ingest()

    def evaluate(now: float) -> None:
        views = {view: windows.summary(view.targets, view.over_s, now) for view in engine.views}
        engine.evaluate(Snapshot(now, views))

    ingesting = cpu_us(ingest, 3) / 1e3
    changed = cpu_us(lambda: evaluate(ingest()), 3) / 1e3 - ingesting
    now = ingest()
    evaluate(now)
    unchanged = cpu_us(lambda: evaluate(now), 3) / 1e3
    rules = len(default_rules())
    return rules * size, changed, unchanged


def table() -> Table:
    """Measure and return the table."""
    drawn = Table(title="one evaluation of the default rules, CPU ms")
    for heading in ("targets", "rules x targets", "all changed", "unchanged", "x"):
        drawn.add_column(heading, justify="right")
    for size in TARGETS:
        series, changed, unchanged = measure(size)
        figures = (f"{changed:.1f}", f"{unchanged:.1f}", f"{changed / unchanged:.1f}")
        drawn.add_row(f"{size:,}", f"{series:,}", *figures)
    return drawn
