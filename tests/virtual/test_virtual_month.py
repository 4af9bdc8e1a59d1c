"""A healthy month under the shipped configuration, in virtual time: silence."""

import heapq
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator.window import Windows
from alerting.engine import Engine, Snapshot, Transition
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
    """A healthy provider, which is not a perfect one.

    Latencies are lognormal with a median of 0.7 s and 2.5 s at the 99th percentile; one answer in
    two thousand takes 5 to 8 s, one in a thousand is a server error that has passed a minute later.
    """

    luck: random.Random
    errors: int = 0
    outliers: int = 0

    def find(self) -> Found:
        if self.luck.random() < 1e-3:
            self.errors += 1
            return Found(0.2, Verdict.SERVER_ERROR, Fault.PROVIDER)
        if self.luck.random() < 5e-4:
            self.outliers += 1
            return Found(self.luck.uniform(5.0, 8.0))
        return Found(min(4.9, self.luck.lognormvariate(-0.357, 0.547)))


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


def live(config: Config, seconds: float, health: Health) -> list[Transition]:
    """Live through so many seconds of health; return every transition there was."""
    windows = Windows(longest_s=max(config.windows_s))
    engine = Engine(config.rules, config.targets, location=config.location)
    grids = [Grid.of(target.name, target.interval_s) for target in config.targets]
    slots = [(grid.following(START).at, i, grid.following(START)) for i, grid in enumerate(grids)]
    arrivals: list[tuple[float, int, ProbeResult]] = []
    heapq.heapify(slots)
    happened: list[Transition] = []
    now = START
    while now < START + seconds:
        now += config.evaluate_every_s
        while slots[0][0] <= now:
            at, index, slot = slots[0]
            target = config.targets[index]
            following = grids[index].slot(slot.number + 1)
            heapq.heapreplace(slots, (following.at, index, following))
            found = health.find()
            heapq.heappush(arrivals, (at + found.seconds, index, result(target, slot, found)))
        while arrivals and arrivals[0][0] <= now:
            at, _, probe = heapq.heappop(arrivals)
            windows.ingest(probe, at)
        summaries = {v: windows.summary(v.targets, v.over_s, now) for v in engine.views}
        happened += engine.evaluate(Snapshot(now, summaries))
    return happened


@pytest.mark.timeout(900)
def test_a_healthy_month_fires_nothing(tmp_path: Path) -> None:
    """Thirty days of an ordinary provider's ordinary blemishes: no rule of ours fires."""
    config = shipped(tmp_path, KEYS)
    health = Health(random.Random(20261))
    happened = live(config, 30 * DAY_S, health)
    fired = [(t.alertname, dict(t.labels), t.value) for t in happened if t.edge is Edge.FIRED]
    assert fired == []
    # It was a month with blemishes: some 200,000 probes of five targets.
    assert health.errors > 100
    assert health.outliers > 50


@pytest.mark.timeout(900)
def test_the_same_eyes_see_a_bad_hour(tmp_path: Path) -> None:
    """The silence above is not blindness: an hour with a third of errors is told."""
    config = shipped(tmp_path, KEYS)

    class Worse(Health):
        def find(self) -> Found:
            if self.luck.random() < 1 / 3:
                return Found(0.2, Verdict.SERVER_ERROR, Fault.PROVIDER)
            return super().find()

    happened = live(config, 3600, Worse(random.Random(20261)))
    fired = {t.alertname for t in happened if t.edge is Edge.FIRED}
    assert "ErrorRate" in fired
