"""A healthy month under the shipped configuration, in virtual time: silence."""

import heapq
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from operator import is_
from pathlib import Path

import pytest

from aggregator.summary import Summary
from aggregator.window import Windows
from alerting.engine import Engine, Snapshot, Transition
from alerting.metric import AnyFact, Fact, Value
from alerting.state import Edge
from monitor.config.values import Config
from monitor.schedule import Grid
from probes.result import Fault, ProbeResult, Verdict
from probes.target import Slot, Target
from tests.virtual.road import START, Found, shipped

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000", "XAI_API_KEY": "xai-0000000000000000"}
DAY_S = 86_400.0


@dataclass
class Health:
    """A healthy provider, which is not a perfect one, watched by a monitor that is not either.

    Latencies are lognormal with a median of 0.7 s and 2.5 s at the 99th percentile; one answer in
    two thousand takes 5 to 8 s, one in a thousand is a server error that has passed a minute later.
    One slot in five hundred gets no probe.
    """

    luck: random.Random
    errors: int = 0
    outliers: int = 0
    skips: int = 0

    def find(self) -> Found | None:
        """What the next probe finds; None: there is none."""
        if self.luck.random() < 2e-3:
            self.skips += 1
            return None
        if self.luck.random() < 1e-3:
            self.errors += 1
            return Found(0.2, Verdict.SERVER_ERROR, Fault.PROVIDER)
        if self.luck.random() < 5e-4:
            self.outliers += 1
            return Found(self.luck.uniform(5.0, 8.0))
        return Found(min(4.9, self.luck.lognormvariate(-0.357, 0.547)))


@dataclass(frozen=True)
class Lived:
    """What a span of life came to."""

    fired: tuple[str, ...]
    """Names of the alerts that fired, with their labels and values."""
    errors: int
    outliers: int
    skips: int


def result(target: Target, slot: Slot, found: Found) -> ProbeResult:
    return ProbeResult(
        target=target.name,
        provider=target.provider,
        model=target.model,
        operation=target.operation,
        location="virtual",
        slot=slot.number,
        slot_at=slot.at,
        at=slot.at,
        verdict=found.verdict,
        fault=found.fault,
        total_s=found.seconds,
    )


class Slots:
    """The slots of all targets in the order in which they fall due."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._grids = [Grid.of(target.name, target.interval_s) for target in targets]
        firsts = [grid.following(START) for grid in self._grids]
        self._heap = [(slot.at, index, slot) for index, slot in enumerate(firsts)]
        heapq.heapify(self._heap)

    def until(self, now: float) -> Iterator[tuple[Target, Slot]]:
        """Take those that are due."""
        while self._heap[0][0] <= now:
            _, index, slot = self._heap[0]
            following = self._grids[index].slot(slot.number + 1)
            heapq.heapreplace(self._heap, (following.at, index, following))
            yield self._targets[index], slot


@dataclass
class Known:
    """What is known beside the windows of a healthy life: it moves, and stays on the good side.

    The day's budget is used up to four fifths, a bucket goes down to a tenth, a model has a month
    to live. New each minute.
    """

    config: Config
    luck: random.Random
    minute: float = -1.0
    facts: dict[tuple[AnyFact, str], Value] = field(default_factory=dict)

    def at(self, now: float) -> dict[tuple[AnyFact, str], Value]:
        """What is known now."""
        if now // 60 == self.minute:
            return self.facts
        self.minute = now // 60
        luck, spent = self.luck, 0.8 * (now % DAY_S) / DAY_S
        facts = {(Fact.EGRESS_FAILING, ""): 0.0, (Fact.BUDGET_USED, ""): spent}
        for provider in self.config.providers:
            facts[Fact.BUDGET_USED, provider.name] = spent
            facts[Fact.HEADROOM, provider.name] = luck.uniform(0.1, 1.0)
            facts[Fact.STATUS_PAGE_DISAGREES, provider.name] = 0.0
        for target in self.config.targets:
            facts[Fact.DRIFT_EVENTS, target.name] = 0.0
            facts[Fact.RETIREMENT_DAYS, target.name] = 60.0 - (now - START) / DAY_S
            facts[Fact.BASELINE_RATIO, target.name] = luck.uniform(0.3, 2.9)
        self.facts = facts
        return facts


def live(config: Config, seconds: float, health: Health) -> Lived:
    """Live through so many seconds of health, evaluating as often as the daemon does."""
    windows = Windows(longest_s=max(config.windows_s))
    engine = Engine(config.rules, config.targets, location=config.location)
    slots = Slots(config.targets)
    arrivals: list[tuple[float, str, ProbeResult | None]] = []
    seen: list[Summary] = []
    outside = Known(config, random.Random(7))
    facts: dict[tuple[AnyFact, str], Value] = {}
    fired: list[str] = []
    now = START
    while now < START + seconds:
        now += config.evaluate_every_s
        for target, slot in slots.until(now):
            found = health.find()
            at = slot.at + (found.seconds if found else 0.0)
            probe = result(target, slot, found) if found else None
            heapq.heappush(arrivals, (at, target.name, probe))
        while arrivals and arrivals[0][0] <= now:
            at, name, probe = heapq.heappop(arrivals)
            if probe is None:
                windows.missed(name, at)
            else:
                windows.ingest(probe, at)
        before, seen = seen, [windows.summary(v.targets, v.over_s, now) for v in engine.views]
        known, facts = facts, outside.at(now)
        same = facts is known and all(map(is_, before, seen))
        if same and not engine.alerts():
            continue  # the very same, and no hold is running: it cannot come out otherwise
        summaries = dict(zip(engine.views, seen, strict=True))
        changes = engine.evaluate(Snapshot(now, summaries, facts))
        fired += [f"{c.alertname} {dict(c.labels)} {c.value}" for c in changes if fires(c)]
    return Lived(tuple(fired), health.errors, health.outliers, health.skips)


def fires(change: Transition) -> bool:
    return change.edge is Edge.FIRED


def days(folder: Path, number: int, seed: int) -> Lived:
    """Some healthy days; it loads its own configuration, for one with secrets goes nowhere."""
    return live(shipped(folder, KEYS), number * DAY_S, Health(random.Random(seed)))


@pytest.mark.timeout(900)
def test_a_healthy_month_fires_nothing(tmp_path: Path) -> None:
    """Thirty days of an ordinary provider's ordinary blemishes: no rule of ours fires.

    The longest window is an hour, so the month may as well be lived in six parts, as many at once
    as there are cores.
    """
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(days, tmp_path, 5, seed) for seed in range(20261, 20267)]
        lived = [part.result() for part in parts]
    assert [alert for part in lived for alert in part.fired] == []
    # It was a month with blemishes: some 195,000 probes of five targets.
    assert sum(part.errors for part in lived) > 100
    assert sum(part.outliers for part in lived) > 50
    assert sum(part.skips for part in lived) > 200


@dataclass
class Troubled(Health):
    """A provider that fails every third time."""

    def find(self) -> Found | None:
        if self.luck.random() < 1 / 3:
            return Found(0.2, Verdict.SERVER_ERROR, Fault.PROVIDER)
        return super().find()


@dataclass
class Starved(Health):
    """A monitor that leaves two slots of three without a probe."""

    def find(self) -> Found | None:
        return None if self.luck.random() < 2 / 3 else super().find()


@pytest.mark.parametrize(("health", "rule"), [(Troubled, "ErrorRate"), (Starved, "LowThroughput")])
def test_the_same_eyes_see_a_bad_hour(tmp_path: Path, health: type[Health], rule: str) -> None:
    """The silence above is not blindness: an hour of errors, or of missing probes, is told."""
    lived = live(shipped(tmp_path, KEYS), 3600, health(random.Random(20261)))
    assert rule in {alert.split()[0] for alert in lived.fired}
