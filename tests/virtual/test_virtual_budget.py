"""A budget over virtual days: it lasts, evenly, and is no outage; the road is the shipped one."""

import asyncio
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from monitor.config.values import Budget, Config
from monitor.daemon import SCHEMAS
from probes.estimate import NUSD_PER_USD, bound_of
from probes.result import ProbeResult, SkipReason
from probes.target import Price, Slot, Target
from tests.standins.purse import Disk, MemoryPurse
from tests.virtual.road import START, Found, Virtual, hang, shipped

pytestmark = pytest.mark.looptime

DAY_S = 86_400.0
MIDNIGHT_S = DAY_S - START % DAY_S
"""From the beginning of the story to the first midnight, UTC."""
COST_USD = 0.0001
BUDGETS = {"Budget", "BudgetNear"}
"""What may be told of a budget; everything else would call it an outage."""


class Billed(Virtual):
    """Answers have usage and cost; a hang has neither."""

    asked: list[tuple[str, float]]
    output_tokens = 1

    async def _probe(self, target: Target, slot: Slot, attempt: int) -> ProbeResult:
        self.asked.append((target.name, self.elapsed_s()))
        found = replace(await super()._probe(target, slot, attempt), sent_s=0.01)
        if not found.ok:
            return found
        usage = {"input_tokens": 9, "output_tokens": self.output_tokens}
        return replace(found, status=200, cost_usd=COST_USD, **usage)


def config(folder: Path, daily_usd: float) -> Config:
    """Two of the shipped targets, a minute apart each, under a budget."""
    found = shipped(folder, {"OPENAI_API_KEY": "sk-test-0123456789"})
    price = Price(input_usd=2.0, output_usd=8.0)
    return replace(
        found,
        targets=tuple(replace(target, price=price) for target in found.targets[:2]),
        budgets=(Budget(subject="openai", daily_usd=daily_usd),),
        evaluate_every_s=30.0,
    )


def bound_usd(found: Config) -> float:
    """The dearest target's bound."""
    bounds = [bound_of(target) for target in found.targets]
    return max(bound.cost_nusd for bound in bounds if bound is not None) / NUSD_PER_USD


async def skipped(folder: Path) -> Counter[str]:
    """Slots without a probe by reason, from the ledger that was left behind."""
    ledger = Ledger.open(folder / "virtual.db", SCHEMAS, inline=True)
    rows = await ledger.read(
        lambda c: c.execute("SELECT reason, count(*) FROM skips GROUP BY reason").fetchall()
    )
    await ledger.close()
    return Counter(dict(rows))


async def test_a_short_budget_lasts_the_day_and_is_spread_over_it(tmp_path: Path) -> None:
    """With money for an eighth of the slots, every target has about every eighth, all day."""
    daily_usd = 2880 / 8 * COST_USD
    found = config(tmp_path, daily_usd)
    virtual = Billed(found, tmp_path, lambda _target, _at: Found(0.2))
    virtual.asked = []
    await virtual.run(MIDNIGHT_S + DAY_S)
    for target in found.targets:
        times = [at for name, at in virtual.asked if name == target.name and at > MIDNIGHT_S + 60]
        # The first of a day, which the last may be, is had whatever its number.
        gaps = {round((after - before) / 60) for before, after in pairwise(times[1:-1])}
        assert gaps <= {5, 8, 13}, (target.name, gaps)
        assert times[-1] > MIDNIGHT_S + DAY_S - 10 * 60
    today = sum(COST_USD for _, at in virtual.asked if at > MIDNIGHT_S)
    assert 0.95 * daily_usd - bound_usd(found) < today <= daily_usd
    assert {name for name, _, at in virtual.recorder.firing() if at > MIDNIGHT_S} == {"BudgetNear"}


async def test_at_the_cap_probing_stops_until_midnight_and_is_no_outage(tmp_path: Path) -> None:
    """Slots without money are neither failures nor missing; the budget is told, and it recovers."""
    found = config(tmp_path, 1.0)
    cap_usd = 2.5 * bound_usd(found)
    found = replace(found, budgets=(Budget(subject="openai", daily_usd=cap_usd),))
    virtual = Billed(found, tmp_path, lambda target, at: hang(target) if at < 90 else Found(0.2))
    virtual.asked = []
    await virtual.run(MIDNIGHT_S + 600)
    before = [at for _, at in virtual.asked if at < MIDNIGHT_S]
    assert 1 <= len(before) <= 3
    assert max(before) < 300
    assert any(at > MIDNIGHT_S for _, at in virtual.asked), "a new day is a new budget"
    firing = {name for name, _, _ in virtual.recorder.firing()}
    assert "Budget" in firing
    assert firing <= BUDGETS


async def test_every_slot_left_out_says_why(tmp_path: Path) -> None:
    """In an outage, too, in which every probe costs its whole bound: held back, not forgotten."""
    found = config(tmp_path, 1.0)
    found = replace(found, budgets=(Budget(subject="openai", daily_usd=30 * bound_usd(found)),))
    virtual = Billed(found, tmp_path, lambda target, _at: hang(target))
    virtual.asked = []
    await virtual.run(4 * 3600.0)
    reasons = await skipped(tmp_path)
    assert reasons[SkipReason.THROTTLED_BY_US] > 300
    assert set(reasons) <= {SkipReason.THROTTLED_BY_US, SkipReason.BUDGET, SkipReason.BREAKER}


async def test_a_provider_that_bills_the_impossible_is_stopped_and_told(tmp_path: Path) -> None:
    """Two answers longer than asked for: no more that day, the budget's alert, and no other."""
    virtual = Billed(config(tmp_path, 1000.0), tmp_path, lambda _target, _at: Found(0.2))
    virtual.asked, virtual.output_tokens = [], 900
    await virtual.run(3600.0)
    assert len(virtual.asked) == 2
    firing = {name for name, _, _ in virtual.recorder.firing()}
    assert "Budget" in firing
    assert firing <= BUDGETS
    assert set(await skipped(tmp_path)) == {SkipReason.BUDGET}


async def test_a_budget_that_cannot_be_drawn_from_is_told(tmp_path: Path) -> None:
    """Probing ends with what was at hand: that is missing, not held back, until the disk is well.

    What people hear of it is that slots are missing, and then that they are not.
    """
    full_at_s, freed_at_s = 1800.0, 5400.0
    found = config(tmp_path, 100.0)
    virtual = Billed(found, tmp_path, lambda _target, _at: Found(0.2))
    virtual.asked, purse = [], MemoryPurse()
    virtual.road.budget._purse = purse

    async def fill() -> None:
        await asyncio.sleep(full_at_s)
        purse.disk = Disk.FULL
        await asyncio.sleep(freed_at_s - full_at_s)
        purse.disk = Disk.GOOD

    async with asyncio.TaskGroup() as group:
        group.create_task(fill())
        group.create_task(virtual.run(9000.0))
    blind = [at for _, at in virtual.asked if full_at_s + 900.0 < at < freed_at_s]
    assert blind == []
    told = [(at, n.alertname, n.status.value) for at, n in virtual.recorder.told]
    assert [(name, status) for _, name, status in told] == [
        *[("LowThroughput", "firing")] * 2,
        *[("LowThroughput", "resolved")] * 2,
    ]
    assert all(at < freed_at_s for at, _, status in told if status == "firing")
