"""A slot that is being claimed while another configuration is taken up."""

import asyncio
from dataclasses import replace
from pathlib import Path

from aggregator.ledger import Ledger
from monitor.clock import Clock
from monitor.cluster.alone import Alone
from monitor.cluster.protocol import Turn
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.road import Observers, Probe, Road
from probes.lag import LagMeter
from probes.result import ProbeResult
from probes.target import Slot, Target
from tests.integration.targets_api import NOW, config
from tests.unit.aggregator.samples import result


class Slow(Alone):
    """Others take their time to say whose a slot is."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def claim(self, _target: Target, _slot: Slot) -> Turn:
        self.asked.set()
        await self.answer.wait()
        return Turn.OURS


async def probed_by(after: Config, before: Config) -> list[str]:
    """Have a slot's claim answered after a reload; return which configurations probed it."""
    ledger, clock, found = Ledger.open(before.store.path, SCHEMAS), Clock(lambda: NOW), []

    def probing(name: str) -> Probe:
        async def probe(target: Target, slot: Slot, attempt: int) -> ProbeResult:
            found.append(name)
            said = {"target": target.name, "provider": target.provider, "attempt": attempt}
            return result(**said, slot=slot.number, slot_at=slot.at, at=NOW)

        return probe

    group = Slow(ledger)
    parts = clock, LagMeter(), Observers()
    old = Road(before, ledger, {}, probing("old"), *parts, cluster=group)
    new = Road(after, ledger, {}, probing("new"), *parts, before=old)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(old.run_slot(before.targets[0], Slot(1, NOW)))
        await group.asked.wait()
        async with old.turn():
            new.take_over(old)
        group.answer.set()
    await ledger.close()
    return found


async def test_who_leads_by_then_makes_the_probe(tmp_path: Path) -> None:
    """The life of the one before, its sessions and its money, may be over."""
    same = config(tmp_path)
    assert await probed_by(same, same) == ["new"]


async def test_a_target_that_changed_meanwhile_is_probed_as_it_is_by_then(tmp_path: Path) -> None:
    """The slot is ours alone: nobody else would probe it, and all would count it as lost."""
    before = config(tmp_path)
    first, *others = before.targets
    after = replace(before, targets=(replace(first, prompt="another"), *others))
    assert await probed_by(after, before) == ["new"]


async def test_a_target_that_went_meanwhile_is_not_probed(tmp_path: Path) -> None:
    """Nor is one whose slots are others now: they come."""
    before = config(tmp_path)
    first, *others = before.targets
    assert await probed_by(replace(before, targets=tuple(others)), before) == []
    after = replace(before, targets=(replace(first, interval_s=first.interval_s + 1.0), *others))
    assert await probed_by(after, before) == []
