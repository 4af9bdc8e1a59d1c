"""Probes every target once, as many at a time as its provider allows. Nothing is written down."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from monitor.budget.keeper import Keeper
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.schedule import off_schedule
from monitor.smoke.probed import Probed, Round
from monitor.smoke.purse import RoundPurse
from probes.lag import LagMeter
from probes.prober import Prober
from probes.result import ProbeResult, SkipReason
from probes.target import Target
from probes.trace import Trace


async def probe_all(
    config: Config,
    targets: Sequence[Target],
    lag: LagMeter,
    within_s: float = math.inf,
    on_probed: Callable[[Probed], None] = lambda _probed: None,
) -> Round:
    """Probe these targets of a configuration; `on_probed` hears of each when it is over.

    An answer is waited for no longer than `within_s`, counted from when it is a target's turn.
    Together they cost at most a day's budget: who finds none left is skipped.
    """
    clock = Clock()
    wanted = {target.provider for target in targets}
    probers = {
        each.name: Prober(each, location=config.location, wall=clock.wall, lag=lag)
        for each in config.providers
        if each.name in wanted
    }
    # Waiting here for a place is no part of what `within_s` allows.
    places = {each.name: asyncio.Semaphore(each.max_concurrency) for each in config.providers}
    budget = Keeper(config.budgets, targets, RoundPurse(), clock)
    began_at, began = clock.wall(), clock.monotonic()

    async def one(target: Target) -> Probed:
        trace = Trace(within_s=within_s)
        async with places[target.provider]:
            slot = off_schedule(clock.wall())
            probe = partial(probers[target.provider].probe, target, slot, trace=trace)
            result: ProbeResult | None = await budget.spend(target, probe)
        probed = Probed(target, SkipReason.BUDGET if result is None else result, trace)
        on_probed(probed)
        return probed

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each), name=each.name) for each in targets]
    finally:
        await _close(probers)
    probed = tuple(task.result() for task in tasks)
    return Round(config.location, began_at, clock.monotonic() - began, probed)


async def _close(probers: Mapping[str, Prober]) -> None:
    async with asyncio.TaskGroup() as group:
        for prober in probers.values():
            group.create_task(prober.close())
