"""Makes the confirming attempts: at most one waits or is under way for each target."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

import structlog

from monitor.clock import Clock
from monitor.kindness.confirm import Outcome, fits, wait_s
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target

log = structlog.get_logger("sonde.confirmations")


@dataclass(frozen=True, slots=True)
class Way:
    """The road of an attempt."""

    refusal: Callable[[Target], SkipReason | None]
    """Why the target must not be asked now, or None."""
    attempt: Callable[[Target, Slot, int], Awaitable[ProbeResult | None]]
    """Makes the attempt of this number; None: there is no money for it."""
    take: Callable[[Target, ProbeResult], Awaitable[None]]
    """Takes what it found to all who want to know."""
    crashed: Callable[[Target], None]
    """Counts a bug at the target's edge."""
    claim: Callable[[Target, Slot, int], Awaitable[bool]]
    """Asks for the target's place in flight among replicas; False: another attempt has it."""
    release: Callable[[Target, int], None]
    """Gives that place back."""


class Confirmations:
    """Confirms failures, and gives way to the slots. Used in one loop."""

    def __init__(
        self, way: Way, clock: Clock, random: Random, count: Callable[[Outcome], None]
    ) -> None:
        """`count` is told of every confirming attempt that was due."""
        self._way = way
        self._clock = clock
        self._random = random
        self._count = count
        self._group: asyncio.TaskGroup | None = None
        self._pending: dict[str, asyncio.Task[None]] = {}
        """By target; without those whose result is being taken down."""
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Make confirming attempts until `stop`; cancelling it cancels those under way."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await self._over.wait()

    def stop(self) -> None:
        """Make no more, and cut short what is under way."""
        self._group = None
        self._over.set()
        for task in self._pending.values():
            task.cancel()

    def give_way(self, target: Target) -> None:
        """Give up what is left to confirm of the target's slot before."""
        task = self._pending.pop(target.name, None)
        if task is not None:
            task.cancel()
            self._tell(target, Outcome.GIVEN_UP, "next_slot")

    def after(self, target: Target, slot: Slot, first: ProbeResult) -> None:
        """Confirm a slot's own attempt if it failed."""
        if not first.ok and self._group is not None:
            self._next(self._group, target, slot, first)

    def _next(
        self, group: asyncio.TaskGroup, target: Target, slot: Slot, last: ProbeResult
    ) -> None:
        """Arrange for the attempt after `last`, if there is to be one."""
        delay_s = wait_s(target, last, self._random.random())
        if delay_s is None:
            return
        if not fits(target, slot, self._clock.wall() + delay_s):
            self._tell(target, Outcome.GIVEN_UP, "next_slot")
            return
        name = f"confirmation of {target.name}"
        task = group.create_task(self._contained(target, slot, last, delay_s), name=name)
        self._pending[target.name] = task

    async def _contained(
        self, target: Target, slot: Slot, last: ProbeResult, delay_s: float
    ) -> None:
        try:
            await self._confirm(target, slot, last, delay_s)
        except Exception:  # the edge of one target, as in the scheduler
            self._pending.pop(target.name, None)
            log.exception("confirmation.crashed", target=target.name)
            self._way.crashed(target)

    async def _confirm(self, target: Target, slot: Slot, last: ProbeResult, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        result = await self._attempted(target, slot, last.attempt + 1)
        del self._pending[target.name]  # what was found is kept, whatever comes
        if isinstance(result, SkipReason):
            self._tell(target, Outcome.GIVEN_UP, result)
            return
        await self._way.take(target, result)
        self._tell(target, Outcome.RECOVERED if result.ok else Outcome.FAILED, result.verdict)
        if not result.ok and self._group is not None:
            self._next(self._group, target, slot, result)

    async def _attempted(self, target: Target, slot: Slot, number: int) -> ProbeResult | SkipReason:
        """Make the attempt of this number, or say why it must not be made."""
        refused = self._way.refusal(target)
        if refused is not None:
            return refused
        if not await self._way.claim(target, slot, number):
            return SkipReason.IN_FLIGHT
        try:
            return await self._way.attempt(target, slot, number) or SkipReason.BUDGET
        finally:
            self._way.release(target, number)

    def _tell(self, target: Target, outcome: Outcome, reason: str) -> None:
        self._count(outcome)
        log.info("probe.confirmed", target=target.name, outcome=outcome.value, reason=reason)
