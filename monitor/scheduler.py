"""Runs the slot grid: one heap of due slots, one alarm, one task for each probe in flight."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from monitor.clock import Clock
from monitor.schedule import Grid, due
from probes.result import SkipReason
from probes.target import Slot, Target

LOOK_EVERY_S: Final = 5.0
"""The longest sleep: how soon a step of the wall clock is noticed."""
GRACE_S: Final = 1.0
GRACE_RATIO: Final = 0.1
"""A slot waits this long (or this part of its interval, if shorter) for its target's last probe."""
BACKOFF_LIMIT_S: Final = 300.0
"""A target whose own code keeps failing is tried again at least this often."""
GATED: Final = frozenset({SkipReason.BUDGET, SkipReason.THROTTLED_BY_US, SkipReason.BREAKER})
"""What gates refuse with. They say once why; each slot of the night that follows is no news."""

log = structlog.get_logger("sonde.scheduler")


class Observer(Protocol):
    """Who is told what the scheduler did."""

    def slot_started(self, target: Target, slot: Slot, lateness_s: float) -> None:
        """Note that a slot's probe is being started, this much after its time."""

    def slot_skipped(self, target: Target, slot: Slot, reason: SkipReason) -> None:
        """Note that a slot gets no probe."""

    def target_crashed(self, target: Target) -> None:
        """Note that a target's own code raised: our bug, not a finding about the provider."""


@dataclass(slots=True)
class _Entry:
    """What the scheduler knows of one target."""

    target: Target
    grid: Grid
    crashes: int = 0
    paused_until: float = field(default=0.0)
    """Monotonic time."""


class Scheduler:
    """Starts each target's probe at its slots until told to stop.

    At most one probe of a target is in flight; a slot that finds one is skipped and counted. What
    a probe raises is contained at its target's edge: counted, logged and backed off from, while
    every other target goes on.
    """

    def __init__(
        self,
        targets: Iterable[Target],
        run_slot: Callable[[Target, Slot], Awaitable[None]],
        observer: Observer,
        clock: Clock,
        refusal: Callable[[Target], SkipReason | None] = lambda _target: None,
    ) -> None:
        """`refusal` says why a target must not be probed now, or None: asked at each slot."""
        self._entries = [_entry_of(target) for target in targets]
        self._by_name = {entry.target.name: entry for entry in self._entries}
        self._run_slot = run_slot
        self._observer = observer
        self._clock = clock
        self._refusal = refusal
        self._heap: list[tuple[float, int, Slot]] = []
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._group: asyncio.TaskGroup | None = None
        """Of probes, while it runs."""
        self._stopping = False
        self._over = asyncio.Event()
        self._bug: Exception | None = None

    @property
    def in_flight(self) -> int:
        """Number of probes under way."""
        return len(self._in_flight)

    async def run(self, drain_s: float) -> None:
        """Run slots until `stop`; then give probes in flight `drain_s` seconds to end.

        Cancelling it cancels the probes in flight.
        """
        async with asyncio.TaskGroup() as probes:
            self._group = probes
            self._anchor()
            try:
                self._look(probes)
                await self._over.wait()
            finally:
                if self._alarm is not None:
                    self._alarm.cancel()
            if self._bug is not None:
                raise self._bug
            await self._drain(drain_s)

    def stop(self) -> None:
        """Start no further slot; `run` returns when those in flight have ended."""
        self._stopping = True
        self._over.set()

    def retarget(self, targets: Iterable[Target]) -> None:
        """Run these targets from now on; probes in flight go on.

        A target that keeps its interval keeps its next slot, be it due this instant: none is lost
        and none comes twice. One that keeps everything keeps what is known of its crashes.
        """
        wall = self._clock.wall()
        planned = {self._entries[index].target.name: slot for _, index, slot in self._heap}
        before, entries = self._by_name, [_entry_of(target) for target in targets]
        self._heap = []
        for index, entry in enumerate(entries):
            name = entry.target.name
            earlier = before.get(name)
            if earlier is not None and earlier.target == entry.target:
                entries[index] = earlier
            stays = earlier is not None and earlier.grid == entry.grid and name in planned
            slot = planned[name] if stays else entry.grid.following(wall)
            self._heap.append((slot.at, index, slot))
        heapq.heapify(self._heap)
        self._entries = entries
        self._by_name = {entry.target.name: entry for entry in entries}
        if self._group is not None and self._alarm is not None:
            self._alarm.cancel()
            self._look(self._group)

    def _anchor(self) -> None:
        """Aim every target at its next slot by the wall clock as it now stands."""
        wall = self._clock.wall()
        nexts = [(entry.grid.following(wall), index) for index, entry in enumerate(self._entries)]
        self._heap = [(slot.at, index, slot) for slot, index in nexts]
        heapq.heapify(self._heap)

    def _look(self, probes: asyncio.TaskGroup) -> None:
        """Start what is due and set the alarm for what is next.

        The alarm calls this directly: waking a task instead, that would start the probes' tasks,
        costs a turn of the loop more at every slot.
        """
        if self._stopping:
            return
        try:
            self._turn(probes)
        except Exception as error:  # noqa: BLE001 - raised by `run`: nobody hears a callback
            self._bug = error
            self._over.set()
        else:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(self._next_s(), self._look, probes)

    def _turn(self, probes: asyncio.TaskGroup) -> None:
        step_s = self._clock.stepped()
        if step_s is not None:
            # Slots a step jumped over never were; slots it repeats are named by their new time.
            log.warning("clock.stepped", step_s=round(step_s, 3))
            self._anchor()
        wall = self._clock.wall()
        while self._heap and self._heap[0][0] <= wall:
            _, index, expected = self._heap[0]
            entry = self._entries[index]
            decision = due(entry.grid, expected, wall)
            following = entry.grid.slot(decision.slot.number + 1)
            heapq.heapreplace(self._heap, (following.at, index, following))
            for number in range(expected.number, decision.slot.number):
                self._skip(entry, entry.grid.slot(number), SkipReason.LATE)
            if decision.run:
                self._start(probes, entry, decision.slot, decision.lateness_s)
            else:
                self._skip(entry, decision.slot, SkipReason.LATE)

    def _start(
        self, probes: asyncio.TaskGroup, entry: _Entry, slot: Slot, lateness_s: float
    ) -> None:
        name = entry.target.name
        before = self._in_flight.get(name)
        if before is not None:
            probes.create_task(
                self._start_after(probes, entry, slot, before), name=f"probe of {name}, waiting"
            )
        elif self._clock.monotonic() < entry.paused_until:
            self._skip(entry, slot, SkipReason.PAUSED)
        elif (refused := self._refusal(entry.target)) is not None:
            self._skip(entry, slot, refused)
        else:
            self._observer.slot_started(entry.target, slot, lateness_s)
            task = probes.create_task(self._contained(entry, slot), name=f"probe of {name}")
            self._in_flight[name] = task

    async def _start_after(
        self, probes: asyncio.TaskGroup, entry: _Entry, slot: Slot, before: asyncio.Task[None]
    ) -> None:
        """Start the slot when the probe before it ends within the grace, else skip it.

        A deadline as long as the interval ends at the very moment of the next slot: without this
        a hanging provider would be probed half as often, and noticed half as soon.
        """
        grace_s = min(GRACE_S, entry.grid.interval_s * GRACE_RATIO)
        await asyncio.wait([before], timeout=grace_s)
        current = self._by_name.get(entry.target.name)
        if self._stopping or current is None:
            return
        if entry.target.name in self._in_flight:
            self._skip(current, slot, SkipReason.IN_FLIGHT)
        else:
            self._start(probes, current, slot, max(0.0, self._clock.wall() - slot.at))

    def _skip(self, entry: _Entry, slot: Slot, reason: SkipReason) -> None:
        tell = log.debug if reason in GATED else log.info
        tell("slot.skipped", target=entry.target.name, slot=slot.number, reason=reason.value)
        self._observer.slot_skipped(entry.target, slot, reason)

    async def _contained(self, entry: _Entry, slot: Slot) -> None:
        try:
            await self._run_slot(entry.target, slot)
            entry.crashes = 0
        except Exception:
            # The edge of one target: whatever its code raised must not stop the others.
            entry.crashes += 1
            pause_s = min(BACKOFF_LIMIT_S, entry.target.interval_s * 2 ** min(entry.crashes, 10))
            entry.paused_until = self._clock.monotonic() + pause_s
            log.exception("target.crashed", target=entry.target.name, pause_s=pause_s)
            self._observer.target_crashed(entry.target)
        finally:
            del self._in_flight[entry.target.name]

    def _next_s(self) -> float:
        """Return how long to wait until the next slot, or the next look at the clock."""
        if not self._heap:
            return LOOK_EVERY_S
        return min(LOOK_EVERY_S, max(0.0, self._heap[0][0] - self._clock.wall()))

    async def _drain(self, drain_s: float) -> None:
        tasks = tuple(self._in_flight.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=drain_s)
        for task in late:
            task.cancel()


def _entry_of(target: Target) -> _Entry:
    return _Entry(target, Grid.of(target.name, target.interval_s))
