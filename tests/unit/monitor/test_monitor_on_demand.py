"""Probes that somebody asks for: gated, paid for, bounded, and in no window."""

import asyncio
from dataclasses import dataclass, field

import pytest

from monitor.admission import Admission
from monitor.clock import Clock
from monitor.metrics import Metrics
from monitor.on_demand import FRESH_S, IN_FLIGHT, Answer, Busy, OnDemand
from probes.result import Fault, Operation, ProbeResult, SkipReason, Verdict
from probes.target import Slot, Target
from probes.trace import Trace
from tests.unit.aggregator.samples import result, timeout


def target(name: str = "chat") -> Target:
    return Target(
        name=name,
        provider="openai",
        preset="openai",
        model="m",
        operation=Operation.CHAT,
        prompt="ok?",
    )


@dataclass
class Bench:
    """An OnDemand over a scripted prober, a gate, and a clock that is turned by hand."""

    found: ProbeResult | None = field(default_factory=lambda: result(cost_usd=0.25, input_tokens=7))
    refused: SkipReason | None = None
    now: float = 100.0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    slots: list[Slot] = field(default_factory=list)
    learnt: list[ProbeResult] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open.set()
        self.metrics = Metrics("here", "1")
        clock = Clock(lambda: 1_700_000_000.0 + self.now, lambda: self.now)
        self.on_demand = OnDemand(Admission((self,)), self.attempt, self.metrics, clock)

    def refusal(self, _target: Target) -> SkipReason | None:
        return self.refused

    def learn(self, _target: Target, found: ProbeResult) -> None:
        self.learnt.append(found)

    async def attempt(self, _target: Target, slot: Slot, trace: Trace) -> ProbeResult | None:
        self.slots.append(slot)
        self.within_s = trace.within_s
        await self.open.wait()
        return self.found

    async def ask(self, name: str = "chat", within_s: float = 9.5) -> object:
        return await self.on_demand.ask(target(name), within_s)

    def written(self) -> str:
        return "".join(self.metrics.written())


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_it_is_paid_for_and_no_slot(bench: Bench) -> None:
    """Tokens and cost are counted, gates learn; but it is no result, and its slot is none."""
    answer = await bench.ask()
    assert isinstance(answer, Answer)
    assert answer.result is bench.found
    assert bench.learnt == [bench.found]
    assert [slot.number < 0 for slot in bench.slots] == [True]
    assert "sonde_probe_cost_usd_total{" in bench.written()
    assert 'type="input"} 7' in bench.written()
    assert "sonde_probe_results_total{" not in bench.written()
    assert "sonde_probe_success{" not in bench.written()


async def test_a_gate_that_refuses_is_heard(bench: Bench) -> None:
    """Nothing is sent, and the reason is the answer; it is not kept for whoever asks next."""
    bench.refused = SkipReason.BREAKER
    assert await bench.ask() is SkipReason.BREAKER
    bench.refused = None
    assert isinstance(await bench.ask(), Answer)
    assert len(bench.slots) == 1


async def test_no_money_left_is_a_refusal(bench: Bench) -> None:
    """A budget that was used up between the gate and the sending is no failure."""
    bench.found = None
    assert await bench.ask() is SkipReason.BUDGET
    assert bench.learnt == []


async def test_who_asks_again_at_once_gets_the_same_answer(bench: Bench) -> None:
    """Within FRESH_S a target costs one probe, however many ask; other targets are their own."""
    first = await bench.ask()
    bench.now += FRESH_S - 0.01
    assert await bench.ask() is first
    assert await bench.ask("other") is not first
    bench.now += 0.02
    assert await bench.ask() is not first
    assert len(bench.slots) == 3


async def test_two_at_once_share_one_probe(bench: Bench) -> None:
    """The second waits for the first's answer and is given it."""
    bench.open.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.ask()) for _ in range(2)]
        await asyncio.sleep(0)
        bench.open.set()
    first, second = (task.result() for task in tasks)
    assert first is second
    assert len(bench.slots) == 1


async def test_nobody_waits_longer_than_he_can(bench: Bench) -> None:
    """A probe that is under way for longer than the second can wait is told as such."""
    bench.open.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(bench.ask())
        await asyncio.sleep(0)
        assert await bench.ask(within_s=0.001) is Busy.IN_FLIGHT
        bench.open.set()
    assert isinstance(first.result(), Answer)


@pytest.mark.looptime
async def test_what_hangs_around_the_prober_is_told_in_time(bench: Bench) -> None:
    """A disk that hangs where the money is kept: an answer all the same, and the place is free."""
    bench.open.clear()
    assert await bench.ask() is Busy.STUCK
    bench.open.set()
    assert isinstance(await bench.ask(), Answer)


async def test_whoever_goes_away_takes_nobody_with_him(bench: Bench) -> None:
    """A cancelled probe leaves its place; the one who waited for it asks himself."""
    bench.open.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(bench.ask())
        await asyncio.sleep(0)
        second = group.create_task(bench.ask())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        bench.open.set()
    assert first.cancelled()
    assert isinstance(second.result(), Answer)
    assert len(bench.slots) == 2
    assert bench.slots[0] == bench.slots[1]  # the clock stood still


async def test_there_is_a_most(bench: Bench) -> None:
    """Beyond IN_FLIGHT at once nothing more is sent, and the gates are not asked for it."""
    bench.open.clear()
    async with asyncio.TaskGroup() as group:
        for number in range(IN_FLIGHT):
            group.create_task(bench.ask(f"t{number}"))
        await asyncio.sleep(0)
        bench.refused = SkipReason.BREAKER
        assert await bench.ask() is Busy.CROWDED
        bench.open.set()
    assert len(bench.slots) == IN_FLIGHT


async def test_haste_teaches_nothing(bench: Bench) -> None:
    """A timeout before the target's own deadline must not open a breaker; a real one may."""
    bench.found = timeout(9.5)
    await bench.ask()
    assert bench.within_s == 9.5
    assert bench.learnt == []
    bench.now += 10
    await bench.ask(within_s=60.0)
    assert bench.learnt == [bench.found]
    bench.now += 10
    bench.found = result(verdict=Verdict.RESET, fault=Fault.PROVIDER)
    await bench.ask()
    assert len(bench.learnt) == 2


async def test_haste_is_nobody_elses(bench: Bench) -> None:
    """Who can wait longer than the one whose haste made a timeout is not told of it, but asks."""
    bench.found = timeout(2.0)
    hasty = await bench.ask(within_s=2.0)
    assert await bench.ask(within_s=2.5) is hasty
    assert len(bench.slots) == 1
    bench.found = result()
    patient = await bench.ask(within_s=9.5)
    assert isinstance(patient, Answer)
    assert patient.result is bench.found
    assert await bench.ask(within_s=60.0) is patient
    assert len(bench.slots) == 2


async def test_nonces_differ(bench: Bench) -> None:
    """Each probe that was asked for has a slot number of its own, which its nonce is made of."""
    await bench.ask()
    bench.now += FRESH_S
    await bench.ask()
    assert len({slot.number for slot in bench.slots}) == 2
