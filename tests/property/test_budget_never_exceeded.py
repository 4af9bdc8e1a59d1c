"""No order of probes, crashes, restarts, disk faults and days lets reservations exceed the cap."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import date

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.budget.keeper import DRAW_AGAIN_S, Keeper
from probes.estimate import bound_of
from probes.result import ProbeResult, SkipReason
from probes.target import Target
from tests.standins.purse import Disk, MemoryPurse
from tests.unit.monitor.budget.paying import BOUND_USD, Hands, budget, result, target

USD = 10**9
CAPS = {"": 12 * BOUND_USD, "p": 7 * BOUND_USD}
TARGETS = (target("a", "p"), target("b", "p"), target("c", "q", interval_s=600.0))


@dataclass
class Attempt:
    """One request that was sent."""

    of: Target
    day: date
    answer: asyncio.Future[ProbeResult]


class Spending(RuleBasedStateMachine):
    """A keeper that dies and comes back, on a purse that outlives it.

    `owed` is kept by the test alone: at the moment a request is sent it counts a whole bound, on
    the day it was sent, and is lowered only when the keeper of that request hears what it cost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.hands = Hands()
        self.purse = MemoryPurse()
        self.owed: Counter[tuple[str, date]] = Counter()
        self.sent: list[Attempt] = []
        self.tasks: list[asyncio.Task[object]] = []
        self.keeper: Keeper | None = None
        self.stopped = False

    @initialize()
    def begin(self) -> None:
        self.start()

    def start(self) -> None:
        budgets = [budget(subject, cap) for subject, cap in CAPS.items()]
        keeper = self.keeper = Keeper(budgets, TARGETS, self.purse, self.hands.clock())
        self.tasks.append(self.loop.create_task(self._drawing(keeper)))
        self.turn()

    async def _drawing(self, keeper: Keeper) -> None:
        await keeper.open()
        await keeper.run()

    def turn(self) -> None:
        """Let everything that can go on do so."""
        for _ in range(10):
            self.loop.run_until_complete(asyncio.sleep(0))

    @property
    def today(self) -> date:
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(self.hands.wall // 86_400))

    @rule(of=st.sampled_from(TARGETS))
    def probe(self, of: Target) -> None:
        assert self.keeper is not None
        if self.keeper.refusal(of) is None:
            self.tasks.append(self.loop.create_task(self._spend(self.keeper, of)))
            self.turn()

    async def _spend(self, keeper: Keeper, of: Target) -> None:
        async def attempt() -> ProbeResult:
            sent = Attempt(of, self.today, self.loop.create_future())
            self.owe(sent, BOUND_USD * USD)
            self.sent.append(sent)
            return await sent.answer

        await keeper.spend(of, attempt)

    def owe(self, attempt: Attempt, amount_nusd: int) -> None:
        for subject in {"", attempt.of.provider} & CAPS.keys():
            self.owed[subject, attempt.day] += amount_nusd

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 100), usd=st.integers(0, BOUND_USD), known=st.booleans())
    def answer(self, which: int, usd: int, known: bool) -> None:
        attempt = self.sent.pop(which % len(self.sent))
        if known:
            self.owe(attempt, (usd - BOUND_USD) * USD)
            found = result(attempt.of, cost_usd=float(usd))
        else:
            found = result(attempt.of, cost_usd=None, output_tokens=None)
        attempt.answer.set_result(found)
        self.turn()

    @rule()
    def crash(self) -> None:
        """Everything in memory is gone; what was sent may be billed in full."""
        self._kill()
        self.stopped = False
        self.start()

    def _kill(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.turn()
        self.tasks.clear()
        self.sent.clear()

    @rule()
    def stop(self) -> None:
        """End in order; probes may still be asked for until the process is gone."""
        assert self.keeper is not None
        self.loop.run_until_complete(self.keeper.close())
        self.stopped = True

    @rule(disk=st.sampled_from(Disk))
    def let_the_disk_be(self, disk: Disk) -> None:
        self.purse.disk = disk
        self.hands.monotonic += DRAW_AGAIN_S

    @rule(seconds=st.sampled_from([60, 3600, 40_000, 86_400]))
    def wait(self, seconds: int) -> None:
        self.hands.advance(seconds)

    @rule(seconds=st.sampled_from([-86_400, -3600, 86_400]))
    def step_the_clock(self, seconds: int) -> None:
        self.hands.wall += seconds

    @invariant()
    def nothing_is_owed_beyond_a_cap(self) -> None:
        for (subject, day), amount_nusd in self.owed.items():
            assert amount_nusd <= CAPS[subject] * USD, (subject, day)

    @invariant()
    def nothing_is_owed_that_was_not_drawn(self) -> None:
        for key, amount_nusd in self.owed.items():
            assert amount_nusd <= self.purse.drawn[key], key

    @invariant()
    def a_target_the_day_has_money_for_is_not_refused_for_good(self) -> None:
        """Where nothing was drawn yet today, every target may be probed or waits for its turn."""
        if self.keeper is None or self.stopped:
            return
        drawn = any(day == self.today for _, day in self.purse.drawn if self.purse.drawn[_, day])
        for of in TARGETS:
            assert drawn or self.keeper.refusal(of) is not SkipReason.BUDGET

    def teardown(self) -> None:
        self._kill()
        self.loop.close()


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def test_the_machine_counts_in_bounds() -> None:
    """The bound the machine counts with is the one the keeper reserves."""
    for of in TARGETS:
        bound = bound_of(of)
        assert bound is not None
        assert bound.cost_nusd == BOUND_USD * USD
