"""The scheduler, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from monitor.clock import Clock
from monitor.scheduler import Scheduler
from probes.result import Operation, SkipReason
from probes.target import Slot, Target

pytestmark = pytest.mark.looptime

START = 1_700_000_000.0


def target(name: str = "a", interval_s: float = 60.0) -> Target:
    return Target(
        name=name,
        provider="p",
        preset="compatible",
        model="m",
        operation=Operation.CHAT,
        prompt="hi",
        interval_s=interval_s,
    )


@dataclass
class Record:
    """What a run did, as the scheduler told it."""

    started: list[tuple[str, Slot, float]] = field(default_factory=list)
    skipped: list[tuple[str, Slot, SkipReason]] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)

    def slot_started(self, target: Target, slot: Slot, lateness_s: float) -> None:
        self.started.append((target.name, slot, lateness_s))

    def slot_skipped(self, target: Target, slot: Slot, reason: SkipReason) -> None:
        self.skipped.append((target.name, slot, reason))

    def target_crashed(self, target: Target) -> None:
        self.crashed.append(target.name)


class VirtualWall:
    """Wall time that follows the loop's virtual time, and can be stepped."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self.offset_s = START - loop.time()

    def __call__(self) -> float:
        return self._loop.time() + self.offset_s


RunSlot = Callable[[Target, Slot], Awaitable[None]]


async def run_for(
    seconds: float,
    targets: list[Target],
    run_slot: RunSlot,
    meanwhile: Callable[[VirtualWall], Awaitable[None]] | None = None,
) -> Record:
    """Run a scheduler for virtual seconds and return what it did."""
    record, wall = Record(), VirtualWall()
    clock = Clock(wall, asyncio.get_running_loop().time)
    scheduler = Scheduler(targets, run_slot, record, clock)
    async with asyncio.TaskGroup() as group:
        group.create_task(scheduler.run(drain_s=5.0))
        if meanwhile is not None:
            await meanwhile(wall)
        await asyncio.sleep(seconds)
        scheduler.stop()
    return record


async def quick(_target: Target, _slot: Slot) -> None:
    await asyncio.sleep(0.5)


async def no_time(_target: Target, _slot: Slot) -> None:
    await asyncio.sleep(0)


async def test_one_in_flight_and_every_missed_slot_is_told() -> None:
    """A probe longer than its interval displaces slots; each is reported, none piles up."""
    flying = Counter[str]()
    worst = 0

    async def slow(tgt: Target, _slot: Slot) -> None:
        nonlocal worst
        flying[tgt.name] += 1
        worst = max(worst, flying[tgt.name])
        await asyncio.sleep(150)
        flying[tgt.name] -= 1

    record = await run_for(3600, [target()], slow)
    assert worst == 1
    assert len(record.started) + len(record.skipped) == 60
    assert {reason for *_, reason in record.skipped} == {SkipReason.IN_FLIGHT}
    assert len(record.skipped) == 40


async def test_a_probe_that_ends_with_its_interval_displaces_nothing() -> None:
    """A deadline as long as the interval: the next slot waits the moment it takes to end."""

    async def hang(_target: Target, _slot: Slot) -> None:
        await asyncio.sleep(60.005)

    record = await run_for(3600, [target()], hang)
    assert record.skipped == []
    assert 58 <= len(record.started) <= 60


@pytest.mark.parametrize(("reason", "lines"), [(SkipReason.BREAKER, 0), (SkipReason.LATE, 10)])
async def test_a_gate_that_refuses_all_night_does_not_fill_the_log(
    reason: SkipReason, lines: int
) -> None:
    """What refuses said so once; slots missed for any other reason are told one by one."""
    wall = VirtualWall()
    clock = Clock(wall, asyncio.get_running_loop().time)
    record = Record()
    scheduler = Scheduler([target()], quick, record, clock, refusal=lambda _target: reason)
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            group.create_task(scheduler.run(drain_s=5.0))
            await asyncio.sleep(600)
            scheduler.stop()
    told = [line for line in logs if line["event"] == "slot.skipped"]
    assert sum(line["log_level"] != "debug" for line in told) == lines
    assert len(record.skipped) == 10


async def test_a_crash_is_contained_counted_and_backed_off() -> None:
    """One target's bug stops neither its neighbours nor itself for good."""

    async def broken(tgt: Target, _slot: Slot) -> None:
        if tgt.name == "bad":
            raise ValueError("bug")

    record = await run_for(3600, [target("bad"), target("good")], broken)
    started = Counter(name for name, *_ in record.started)
    assert 59 <= started["good"] <= 60
    assert 3 <= started["bad"] < 30
    assert record.crashed.count("bad") == started["bad"]
    paused = [reason for name, _, reason in record.skipped if name == "bad"]
    assert 59 <= len(paused) + started["bad"] <= 60
    assert set(paused) == {SkipReason.PAUSED}


@pytest.mark.parametrize("step_s", [86_400.0, -86_400.0])
async def test_a_clock_step_is_neither_a_burst_nor_a_gap(step_s: float) -> None:
    """A day's step of the wall clock skips nothing, catches nothing up, and the beat goes on."""

    async def step(wall: VirtualWall) -> None:
        await asyncio.sleep(600)
        wall.offset_s += step_s

    record = await run_for(600, [target()], quick, step)
    assert record.skipped == []
    assert 19 <= len(record.started) <= 20


async def test_slots_that_fell_due_unseen_are_late() -> None:
    """What fell due while we could not look is skipped and counted; only the newest slot runs."""

    async def stall(wall: VirtualWall) -> None:
        await asyncio.sleep(30)
        # 1.9 s pass between two looks: less than a step, more than an interval.
        wall.offset_s += 1.9

    record = await run_for(60, [target(interval_s=0.5)], no_time, stall)
    assert [reason for *_, reason in record.skipped] == [SkipReason.LATE] * len(record.skipped)
    assert 3 <= len(record.skipped) <= 4
    numbers = [slot.number for _, slot, _ in record.started]
    skipped = [slot.number for _, slot, _ in record.skipped]
    assert sorted(numbers + skipped) == list(range(min(numbers), max(numbers) + 1))


async def test_stopping_lets_probes_end_then_cancels_them() -> None:
    """After a stop a short probe ends by itself; one that hangs is cancelled after the drain."""
    ended: list[str] = []

    async def probe(tgt: Target, _slot: Slot) -> None:
        try:
            await asyncio.sleep(2 if tgt.name == "short" else 3600)
            ended.append(f"{tgt.name} done")
        except asyncio.CancelledError:
            ended.append(f"{tgt.name} cancelled")
            raise

    loop = asyncio.get_running_loop()
    before = loop.time()
    await run_for(61, [target("short"), target("long")], probe)
    assert "long cancelled" in ended
    assert loop.time() - before <= 61 + 5.1


async def test_cancelling_the_scheduler_cancels_its_probes() -> None:
    """No probe outlives the scheduler that started it."""
    cancelled = asyncio.Event()

    async def hang(_target: Target, _slot: Slot) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    clock = Clock(VirtualWall(), asyncio.get_running_loop().time)
    scheduler = Scheduler([target()], hang, Record(), clock)
    running = asyncio.ensure_future(scheduler.run(5.0))
    await asyncio.sleep(61)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cancelled.is_set()


async def changed(
    seconds: float, targets: list[Target], run_slot: RunSlot, changes: dict[float, list[Target]]
) -> Record:
    """Run a scheduler, and give it other targets at these virtual seconds."""
    record, wall = Record(), VirtualWall()
    clock = Clock(wall, asyncio.get_running_loop().time)
    scheduler = Scheduler(targets, run_slot, record, clock)
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        group.create_task(scheduler.run(drain_s=5.0))
        for at, others in changes.items():
            await asyncio.sleep(began + at - asyncio.get_running_loop().time())
            scheduler.retarget(others)
        await asyncio.sleep(began + seconds - asyncio.get_running_loop().time())
        scheduler.stop()
    return record


async def test_targets_that_stay_keep_every_slot() -> None:
    """Changed at each moment around its slots, a target has the slots it would have had."""
    targets = [target("a", 10.0), target("b", 7.0)]
    alone = await run_for(100, targets, quick)
    often = {0.25 * number: [*targets, target(f"c{number}")] for number in range(1, 390)}
    record = await changed(100, targets, quick, often)
    stayed = [(name, slot) for name, slot, _ in record.started if name in "ab"]
    assert [slot.number for name, slot in stayed if name == "a"] == [
        slot.number for name, slot, _ in alone.started if name == "a"
    ]
    assert len(stayed) == len(set(stayed)) == len(alone.started)
    assert not record.skipped


async def test_a_changed_target_is_run_as_it_is_now() -> None:
    """Another interval begins with its next slot; what is gone is run no more."""
    record = await changed(
        200, [target("a", 100.0), target("b", 10.0)], quick, {50.0: [target("a", 10.0)]}
    )
    late = [(name, slot.at - START) for name, slot, _ in record.started if slot.at > START + 50]
    assert {name for name, _ in late} == {"a"}
    assert len(late) == 15


async def test_a_slot_that_waits_is_run_by_whoever_is_there() -> None:
    """Changed while its slot waits for the probe before, it is run; gone, it is nobody's."""

    async def slow(_target: Target, _slot: Slot) -> None:
        await asyncio.sleep(10.5)

    first = await run_for(30, [target("a", 10.0)], slow)
    at = first.started[0][1].at - START + 10.2
    changed_model = replace(target("a", 10.0), model="other")
    stays = await changed(at + 5, [target("a", 10.0)], slow, {at: [changed_model]})
    gone = await changed(at + 5, [target("a", 10.0)], slow, {at: []})
    assert (len(stays.started), len(gone.started)) == (2, 1)
    assert not gone.skipped


async def test_who_crashed_is_left_alone_for_as_long_as_before() -> None:
    """A target that did not change keeps its pause; one that did begins anew."""

    async def broken(_target: Target, _slot: Slot) -> None:
        raise ValueError

    unchanged, fixed = target("a", 10.0), replace(target("a", 10.0), model="fixed")
    with capture_logs():
        kept = await changed(19.9, [unchanged], broken, {9.95: [unchanged]})
        anew = await changed(19.9, [unchanged], broken, {9.95: [fixed]})
    assert (len(kept.crashed), len(anew.crashed)) == (1, 2)
