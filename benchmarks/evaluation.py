"""Evaluation of the default rules over many targets: the daemon's own evaluator, ledger included.

Every target has an hour of results, one each ten seconds, and the three default windows. What is
reported is CPU time of the process for one evaluation (least of several), of reading afterwards
every figure /metrics shows of the windows, and the longest the loop was held in any evaluation
(CPU time of its thread, the collector's pauses among it).
"""

import asyncio
import gc
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from rich.table import Table

from aggregator.ledger import Ledger
from aggregator.results import RESULTS
from aggregator.window import Windows
from alerting.defaults import default_rules
from alerting.deliver import Deliverer
from alerting.engine import Engine, matching
from alerting.expression import parse
from alerting.metric import Fact
from alerting.quorum import Quorum
from alerting.routing.router import Router
from alerting.rule import Rule, Subject
from alerting.store import ALERTING
from benchmarks.report import drawn
from benchmarks.windows import result
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.daemon import COLLECTED_AT
from monitor.elsewhere import Elsewhere
from monitor.evaluator import Asked, Evaluator
from monitor.facts import Facts
from monitor.inhibitor import Inhibitor
from monitor.metrics import Metrics
from monitor.routing import Beside, Routing, heard, labelling
from probes.lag import LagMeter
from probes.result import Operation, ProbeResult
from probes.secret import SecretSource
from probes.target import Provider, Target

TARGETS = (1_000, 5_000)
SHARES = (("all", 1.0), ("half", 0.5), ("none", 0.0))
"""How many of the targets have a new result since the evaluation before."""
ROUNDS = 5
EVERY_S = 10.0
WATCHED_S = 3_700.0
LOCATIONS = ("here", "iad1", "sin1")
"""With a rule that two of them must agree on, beside the default ones."""
LIMIT_MS = 10.0
"""How long one evaluation may hold the loop."""


def target(number: int) -> Target:
    return Target(
        name=f"t{number}",
        provider="p",
        preset="openai",
        model="m",
        operation=Operation.CHAT,
        prompt="",
    )


def latencies(chance: random.Random) -> list[float]:
    return [chance.lognormvariate(-0.3, 0.4) for _ in range(3)]


def _quorum_rules(locations: Sequence[str]) -> tuple[Rule, ...]:
    when = parse("consecutive_failures(provider) >= 3")
    if not locations:
        return ()
    return (Rule(name="Most", when=when, over_s=900.0, quorum=Quorum(2, len(locations))),)


class Bench:
    """Everything between windows and outbox, over so many targets with an hour behind them."""

    def __init__(self, size: int, ledger: Ledger, locations: Sequence[str] = ()) -> None:
        """`locations`: of which two must agree on one rule more; ours is the first."""
        targets = tuple(target(number) for number in range(size))
        provider = Provider(name="p", preset="openai", base_url="http://t", api_key=SecretSource())
        config = Config(
            source="benchmark",
            location="here",
            providers=(provider,),
            targets=targets,
            rules=(*default_rules(), *_quorum_rules(locations)),
        )
        self.elsewhere = Elsewhere(max(config.windows_s))
        self.others = locations[1:]
        self.series = sum(
            len(matching(rule, targets, "here")) if rule.subject is Subject.TARGET else 1
            for rule in config.rules
            if not isinstance(rule.when.metric, Fact)  # of facts nobody here knows any
        )
        self.clock = Clock()
        self.windows = Windows(longest_s=max(config.windows_s))
        self.metrics = Metrics(config.location, "1")
        self.engine = Engine(config.rules, targets, location=config.location, locations=locations)
        deliverer = Deliverer(ledger, {}, self.clock.steady, self.metrics.notified)
        routing = Routing(
            Router((), labelling(targets, "here")),
            Inhibitor(self.engine.told_anew, self.metrics.inhibited),
            self.engine.told_anew,
            self.clock,
            self.metrics,
            Beside(),
            heard,
        )
        announcer = Announcer(ledger, deliverer, self.metrics, lambda _: None, routing)
        self.evaluator = Evaluator(
            config,
            self.engine,
            self.windows,
            self.clock,
            self.metrics,
            announcer,
            LagMeter(),
            Asked(Facts(), elsewhere=self.elsewhere),
        )
        healthy, chance = result(0.0), random.Random(1)
        self._results = [
            cycle([replace(healthy, target=t.name, total_s=each) for each in latencies(chance)])
            for t in targets
        ]
        self._live()

    def _live(self) -> None:
        began = self.clock.steady() - WATCHED_S
        for step in range(int(WATCHED_S / EVERY_S)):
            for number, results in enumerate(self._results):
                at = began + EVERY_S * (step + number / len(self._results))
                self._take(next(results), at)

    def _take(self, found: ProbeResult, at: float) -> None:
        self.windows.ingest(found, at)
        for other in self.others:
            self.elsewhere.take(replace(found, location=other), at)

    def ingest(self, share: float) -> None:
        """Give that part of the targets a new result."""
        at = self.clock.steady()
        for results in self._results[: round(share * len(self._results))]:
            self._take(next(results), at)

    def read(self) -> None:
        """Look at every figure /metrics shows of a window."""
        for reading in self.metrics.newest.evaluated.readings:
            summary = reading.summary
            _ = (summary.error_rate, summary.coverage, summary.latency)


async def cost_ms(bench: Bench) -> float:
    """Evaluate once; return CPU ms of the process. Nobody looks on: a loop that is asked at each of
    its turns whether it is free never sleeps, and the pauses between slices would count as work."""
    before = time.process_time()
    await bench.evaluator.evaluate()
    return (time.process_time() - before) * 1e3


async def held_ms(bench: Bench) -> float:
    """Evaluate once; return the longest that others waited for the loop, CPU ms of its thread."""
    longest_s = 0.0
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bench.evaluator.evaluate(), name="evaluation")
        while not task.done():
            before = time.thread_time()
            await asyncio.sleep(0)
            longest_s = max(longest_s, time.thread_time() - before)
    return longest_s * 1e3


async def measure(bench: Bench, share: float) -> tuple[float, float, float]:
    """Return CPU ms of an evaluation and of reading what it found, and ms of the loop held."""
    costs: list[float] = []
    reads: list[float] = []
    held: list[float] = []
    for _ in range(ROUNDS):
        bench.ingest(share)
        costs.append(await cost_ms(bench))
        before = time.process_time()
        bench.read()
        reads.append((time.process_time() - before) * 1e3)
        bench.ingest(share)
        held.append(await held_ms(bench))
    return min(costs), min(reads), max(held)


async def rows(size: int, locations: Sequence[str] = ()) -> list[tuple[str, ...]]:
    thresholds = gc.get_threshold()
    with TemporaryDirectory() as folder:
        # Inline: while its thread commits there is nothing of ours to measure.
        ledger = Ledger.open(Path(folder) / "sonde.db", (RESULTS, ALERTING), inline=True)
        try:
            bench = Bench(size, ledger, locations)
            await held_ms(bench)
            gc.collect()
            gc.freeze()  # as the daemon does when it has started, and then:
            gc.set_threshold(*COLLECTED_AT)
            measured = [(name, await measure(bench, share)) for name, share in SHARES]
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()
            await ledger.close()
    return [
        (
            f"{size:,}" + (f" at {len(locations)} locations" if locations else ""),
            f"{bench.series:,}",
            name,
            f"{cost:.1f}",
            f"{cost * 1e3 / bench.series:.1f}",
            f"{read:.1f}",
            f"{held:.1f}",
            "met" if held <= LIMIT_MS else "missed",
        )
        for name, (cost, read, held) in measured
    ]


def table() -> Table:
    """Measure and return the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    title = f"one evaluation of the default rules, CPU ms; loop held at most {LIMIT_MS:.0f} ms"
    headings = ("targets", "series", "changed:", "evaluation", "us a series", "read", "held", "")
    measured = [row for size in TARGETS for row in asyncio.run(rows(size))]
    return drawn(title, headings, [*measured, *asyncio.run(rows(TARGETS[0], LOCATIONS))])
