"""Confirming attempts in virtual time: made, given up, cut short."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from structlog.testing import capture_logs

from monitor.clock import Clock
from monitor.kindness.confirm import Outcome
from monitor.kindness.confirmations import Confirmations, Way
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target
from tests.unit.monitor.kindness.attempts import found, hung, refused, target

pytestmark = pytest.mark.looptime

A = target("a")
SLOT = Slot(1, 1000.0)


class Steadfast(Random):
    """Luck that adds nothing to a wait."""

    def random(self) -> float:
        return 0.0


@dataclass
class Road:
    """What attempts find, and what became of them."""

    answers: list[ProbeResult | None]
    takes_s: float = 0.5
    refused: SkipReason | None = None
    asked: list[tuple[float, int]] = field(default_factory=list)
    taken: list[ProbeResult] = field(default_factory=list)
    counted: Counter[Outcome] = field(default_factory=Counter)
    crashed: int = 0
    elsewhere: bool = False
    """Whether another replica has the target's place in flight."""
    released: list[int] = field(default_factory=list)

    async def claim(self, _target: Target, _slot: Slot, _number: int) -> bool:
        await asyncio.sleep(0)
        return not self.elsewhere

    async def attempt(self, _target: Target, _slot: Slot, number: int) -> ProbeResult | None:
        self.asked.append((asyncio.get_running_loop().time(), number))
        await asyncio.sleep(self.takes_s)
        answer = self.answers.pop(0)
        return None if answer is None else replace(answer, attempt=number)

    async def take(self, _target: Target, result: ProbeResult) -> None:
        await asyncio.sleep(0.01)
        self.taken.append(result)

    def crash(self, _target: Target) -> None:
        self.crashed += 1

    def count(self, outcome: Outcome) -> None:
        self.counted[outcome] += 1


@asynccontextmanager
async def confirming(road: Road) -> AsyncIterator[Confirmations]:
    """Run confirmations at wall time 1000 on."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    clock = Clock(lambda: 1000.0 + loop.time() - began, loop.time)
    way = Way(
        lambda _target: road.refused,
        road.attempt,
        road.take,
        road.crash,
        road.claim,
        lambda _target, number: road.released.append(number),
    )
    made = Confirmations(way, clock, Steadfast(), road.count)
    with capture_logs():
        async with asyncio.TaskGroup() as group:
            running = group.create_task(made.run())
            await asyncio.sleep(0)
            yield made
            made.stop()
            await running


async def test_attempts_go_on_until_one_succeeds() -> None:
    """Numbered from 2, after 1 s and then 2 s; each one found is taken; then it is over."""
    road = Road([hung(A), found(A), found(A)])
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(20)
    assert road.asked == [(1.0, 2), (3.51, 3)]
    assert [result.attempt for result in road.taken] == [2, 3]
    assert road.counted == {Outcome.FAILED: 1, Outcome.RECOVERED: 1}


async def test_no_more_than_are_allowed() -> None:
    """Two, as shipped."""
    road = Road([hung(A)] * 5)
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(20)
    assert [number for _, number in road.asked] == [2, 3]


@pytest.mark.parametrize("first", [found(A), refused(A)])
async def test_nothing_to_confirm(first: ProbeResult) -> None:
    """Neither a success nor what would stay wrong asks for more, and neither is counted."""
    road = Road([])
    async with confirming(road) as made:
        made.after(A, SLOT, first)
        await asyncio.sleep(20)
    assert (road.asked, road.counted) == ([], {})


async def test_one_that_cannot_end_in_time_is_not_begun() -> None:
    """A slot that failed at its deadline leaves no room for another before the next."""
    road = Road([found(A)])
    async with confirming(road) as made:
        await asyncio.sleep(30)
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(20)
    assert (road.asked, road.counted) == ([], {Outcome.GIVEN_UP: 1})


@pytest.mark.parametrize("under_way", [False, True])
async def test_the_next_slot_comes_first(*, under_way: bool) -> None:
    """What waits is given up, what is under way is cut: one in flight at a time."""
    road = Road([found(A)], takes_s=50.0)
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(2.0 if under_way else 0.5)
        made.give_way(A)
        made.give_way(A)
        await asyncio.sleep(100)
    assert len(road.asked) == under_way
    assert (road.taken, road.counted) == ([], {Outcome.GIVEN_UP: 1})


async def test_what_was_found_is_kept_though_the_next_slot_comes() -> None:
    """Between the answer and the ledger nothing is given up."""
    road = Road([found(A)])
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(1.505)
        made.give_way(A)
        await asyncio.sleep(1)
    assert len(road.taken) == 1
    assert road.counted == {Outcome.RECOVERED: 1}


async def test_gates_are_asked_first() -> None:
    """An open breaker or a limit gives it up before anything is sent."""
    road = Road([found(A)], refused=SkipReason.BREAKER)
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(20)
    assert (road.asked, road.counted) == ([], {Outcome.GIVEN_UP: 1})


async def test_another_replica_may_have_the_place_in_flight() -> None:
    """Then it is given up; what was not taken is not given back."""
    road = Road([found(A)], elsewhere=True)
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(20)
    assert (road.asked, road.released, road.counted) == ([], [], {Outcome.GIVEN_UP: 1})


@pytest.mark.parametrize("stopped_s", [1.2, 20.0])
async def test_the_place_in_flight_is_given_back(stopped_s: float) -> None:
    """By each attempt its own, also by one that is cut short."""
    road = Road([hung(A), found(A)])
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(stopped_s)
    assert road.released == [number for _, number in road.asked]


async def test_no_money_no_attempt() -> None:
    """What the budget does not pay for is given up, and no further one is tried."""
    road = Road([None])
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(20)
    assert (road.taken, road.counted) == ([], {Outcome.GIVEN_UP: 1})


@pytest.mark.parametrize("after_s", [0.5, 1.2])
async def test_stopping_cuts_short_what_waits_and_what_is_under_way(after_s: float) -> None:
    """At once, and nothing is begun afterwards."""
    road = Road([found(A)], takes_s=50.0)
    loop = asyncio.get_running_loop()
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(after_s)
        made.stop()
        made.after(A, SLOT, hung(A))
        stopped = loop.time()
    assert loop.time() == stopped
    assert road.taken == []


async def test_stopping_after_a_failure_begins_no_further_one() -> None:
    """The attempt that is being taken down is the last."""
    road = Road([hung(A)])
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(1.505)
    assert [number for _, number in road.asked] == [2]
    assert len(road.taken) == 1


async def test_a_bug_stays_at_its_target() -> None:
    """It is counted, and the next failure is confirmed as ever."""
    road = Road([])
    async with confirming(road) as made:
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(3)
        road.answers.append(found(A))
        made.after(A, SLOT, hung(A))
        await asyncio.sleep(3)
    assert road.crashed == 1
    assert len(road.taken) == 1
