"""Every attempt is reserved before it is sent, and settled by what it cost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import LedgerError
from alerting.metric import Fact
from monitor.budget.keeper import DRAW_AGAIN_S, GIVE_BACK_S, Keeper
from monitor.budget.purse import Drawn, PurseError
from monitor.schedule import Grid
from probes.result import Operation, ProbeResult, SkipReason
from probes.target import Price, Target
from tests.standins.purse import Disk, MemoryPurse
from tests.unit.monitor.budget.paying import (
    BOUND_USD,
    NOON,
    Hands,
    budget,
    opened,
    result,
    target,
)

USD = 10**9
TODAY = date(2025, 6, 16)


def answers(found: ProbeResult) -> Callable[[], Awaitable[ProbeResult]]:
    async def attempt() -> ProbeResult:
        return found

    return attempt


async def spent(keeper: Keeper, of: Target, **changes: object) -> bool:
    """Make an attempt; whether there was money for it."""
    found = await keeper.spend(of, answers(result(of, **changes)))
    if found is not None:
        keeper.learn(of, found)
    return found is not None


def used(keeper: Keeper) -> dict[str, float]:
    """Return what rules are told of each budget."""
    known = list(keeper.facts(0.0))
    assert {fact for fact, _, _ in known} == {Fact.BUDGET_USED}
    return {subject: ratio for _, subject, ratio in known}


async def test_an_attempt_is_reserved_before_it_is_sent() -> None:
    """While it is under way its bound is reserved, on its provider's budget and on that of all."""
    purse, a = MemoryPurse(), target()
    keeper = await opened(purse, Hands(), [budget(""), budget("p")], [a])

    async def attempt() -> ProbeResult:
        assert [book.account.reserved_nusd for book in keeper.books] == [BOUND_USD * USD] * 2
        assert min(purse.drawn["p", TODAY], purse.drawn["", TODAY]) >= BOUND_USD * USD
        return result(a)

    assert await keeper.spend(a, attempt) is not None
    assert [book.account.reserved_nusd for book in keeper.books] == [0, 0]
    assert [book.account.spent_nusd for book in keeper.books] == [10 * USD] * 2


@pytest.mark.parametrize("free", [{"price": Price(input_usd=0, output_usd=0)}, {"provider": "q"}])
async def test_who_is_under_no_budget_is_not_held(free: dict[str, object]) -> None:
    """What costs nothing, and what nobody limited, goes on when all money is gone."""
    keeper = await opened(MemoryPurse(), Hands(), [budget("p", 1.0)], [target("b", **free)])
    assert keeper.refusal(target("b", **free)) is None
    assert await spent(keeper, target("b", **free))


async def test_a_list_of_models_goes_on_at_the_cap() -> None:
    """It needs no price and is under no budget."""
    models = target("m", operation=Operation.MODELS, price=None)
    keeper = await opened(MemoryPurse(), Hands(), [budget("p", 1.0)], [target(), models])
    assert keeper.refusal(target()) is SkipReason.BUDGET
    assert keeper.refusal(models) is None
    assert await spent(keeper, models)


async def test_a_target_without_a_price_is_refused() -> None:
    """The configuration refuses it before; the keeper does not guess."""
    with pytest.raises(ValueError, match="its price is not known"):
        Keeper([budget()], [target(price=None)], MemoryPurse(), Hands().clock())


async def test_at_the_cap_slots_are_refused_and_it_is_said_once() -> None:
    """What is left must cover a whole bound."""
    a = target()
    keeper = await opened(MemoryPurse(), Hands(), [budget("p", 2 * BOUND_USD)], [a])
    with capture_logs() as logs:
        assert await spent(keeper, a, cost_usd=None, status=None)
        assert await spent(keeper, a, cost_usd=1.0)
        assert keeper.refusal(a) is SkipReason.BUDGET
        assert keeper.refusal(a) is SkipReason.BUDGET
        assert not await spent(keeper, a)
    told = [line for line in logs if line["event"] == "budget.exhausted"]
    assert [(line["budget"], line["day"]) for line in told] == [("p", "2025-06-16")]
    assert used(keeper) == {"": 0.0, "p": 1.0}


async def test_the_tighter_budget_decides() -> None:
    """A provider with money of its own stops when all together have none; nothing leaks."""
    a, b = target("a", "p"), target("b", "q")
    keeper = await opened(
        MemoryPurse(), Hands(), [budget("", 1.5 * BOUND_USD), budget("p")], [a, b]
    )
    assert await spent(keeper, b, cost_usd=float(BOUND_USD))
    assert keeper.refusal(a) is SkipReason.BUDGET
    assert not await spent(keeper, a)
    assert [book.account.reserved_nusd for book in keeper.books] == [0, 0]


async def test_midnight_brings_a_new_budget() -> None:
    """The day's turn resets what is used, and yesterday's attempt settles on yesterday."""
    a, hands = target(), Hands()
    keeper = await opened(MemoryPurse(), hands, [budget("p", 1.5 * BOUND_USD)], [a])

    async def over_midnight() -> ProbeResult:
        hands.advance(12 * 3600)
        return result(a, cost_usd=None, status=None)

    assert await keeper.spend(a, over_midnight) is not None
    assert keeper.refusal(a) is None
    assert used(keeper) == {"": 0.0, "p": 0.0}
    assert await spent(keeper, a)


async def test_a_restart_takes_up_what_was_drawn() -> None:
    """What a killed process had drawn is gone; what a stopped one had left is not."""
    a, purse = target(), MemoryPurse()
    stopped = await opened(purse, Hands(), [budget("p")], [a])
    assert await spent(stopped, a)
    await stopped.close()
    assert purse.drawn["p", TODAY] == 10 * USD
    killed = await opened(purse, Hands(), [budget("p")], [a])
    assert killed.books[0].account.used_nusd == 10 * USD
    drawn_nusd = purse.drawn["p", TODAY]
    assert drawn_nusd == (10 + 2 * BOUND_USD) * USD
    last = await opened(purse, Hands(), [budget("p")], [a])
    assert last.books[0].account.used_nusd == drawn_nusd


async def test_nothing_is_reserved_after_the_end() -> None:
    """What was given back cannot be spent, and nothing more is drawn."""
    a, purse = target(), MemoryPurse()
    keeper = await opened(purse, Hands(), [budget("p")], [a])
    await keeper.close()
    assert not await spent(keeper, a)
    assert purse.drawn["p", TODAY] == 0


@pytest.mark.parametrize("disk", [Disk.FULL, Disk.SLOW])
async def test_what_cannot_be_given_back_is_lost_and_said(disk: Disk) -> None:
    """Stopping goes on; money is wasted, not spent twice."""
    a, purse = target(), MemoryPurse()
    keeper = await opened(purse, Hands(), [budget("p")], [a])
    purse.disk = disk
    with capture_logs() as logs:
        await keeper.close()
    assert [line["event"] for line in logs] == ["budget.not_given_back"]
    assert purse.drawn["p", TODAY] == 2 * BOUND_USD * USD
    assert not await spent(keeper, a)


@pytest.mark.parametrize("disk", [Disk.FULL, Disk.SLOW])
async def test_without_a_ledger_nothing_is_spent_beyond_the_slice(disk: Disk) -> None:
    """A draw that fails is no draw, and is not tried by every probe anew."""
    a, purse, hands = target(), MemoryPurse(), Hands()
    keeper = await opened(purse, hands, [budget("p", 3000.0)], [a])
    purse.disk = disk
    with capture_logs() as logs:
        had = [await spent(keeper, a, cost_usd=None, status=None) for _ in range(5)]
    assert had == [True, True, False, False, False]
    assert [line["event"] for line in logs] == ["budget.not_drawn"]
    assert keeper.stuck
    purse.disk = Disk.GOOD
    hands.advance(DRAW_AGAIN_S)
    assert await spent(keeper, a)
    assert not keeper.stuck


async def test_draws_go_on_in_the_background_and_in_time() -> None:
    """A reservation that leaves little at hand has more drawn before the next one needs it."""
    a, purse = target(), MemoryPurse()
    keeper = await opened(purse, Hands(), [budget("p", 100_000.0)], [a])
    async with asyncio.TaskGroup() as group:
        drawing = group.create_task(keeper.run())
        for _ in range(20):
            before = purse.draws
            assert await spent(keeper, a, cost_usd=None, status=None)
            assert purse.draws == before, "a probe had to wait for the ledger"
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        drawing.cancel()
    assert purse.draws < 20


async def test_many_at_once_share_what_one_draws() -> None:
    """Targets whose slots fall together wait for one draw each at most, and none goes without."""
    targets = [target(f"t{number}") for number in range(10)]
    keeper = await opened(MemoryPurse(), Hands(), [budget("p", 10 * BOUND_USD)], targets)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(spent(keeper, each, cost_usd=None, status=None)) for each in targets
        ]
    assert all(task.result() for task in tasks)
    assert keeper.books[0].account.left_nusd == 0


async def test_a_cancelled_attempt_costs_its_reservation() -> None:
    """It may have been sent, and may be billed."""
    a = target()
    keeper = await opened(MemoryPurse(), Hands(), [budget("p")], [a])

    async def cut() -> ProbeResult:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keeper.spend(a, cut)
    account = keeper.books[0].account
    assert (account.reserved_nusd, account.spent_nusd) == (0, BOUND_USD * USD)


async def test_who_gives_up_waiting_for_a_draw_has_reserved_nothing() -> None:
    """The first budget gets back what the second one's draw was waited for with."""
    a, purse = target(), GatedPurse()
    budgets = [budget("p", 2 * BOUND_USD), budget("", 100_000.0)]
    keeper = await opened(purse, Hands(), budgets, [a])
    own, together = (book.account for book in keeper.books)
    together.spent_nusd = together.drawn_nusd  # nothing of it is at hand
    purse.open.clear()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(spent(keeper, a))
        await asyncio.sleep(0)
        assert own.reserved_nusd == BOUND_USD * USD
        waiting.cancel()
    assert (own.reserved_nusd, together.reserved_nusd) == (0, 0)


async def test_a_short_budget_leaves_out_slots_of_all_alike() -> None:
    """With money for half of the day's slots every target has half of its own."""
    a, b, hands = target("a"), target("b"), Hands()
    keeper = await opened(MemoryPurse(), hands, [budget("p", 720 * 10 + BOUND_USD)], [a, b])
    with capture_logs() as logs:
        had = {"a": 0, "b": 0}
        for _ in range(120):
            hands.advance(60.0)
            for each in (a, b):
                if keeper.refusal(each) is None:
                    had[each.name] += await spent(keeper, each)
    assert had["a"] == pytest.approx(60, abs=3)
    assert had["b"] == pytest.approx(60, abs=3)
    assert [line["event"] for line in logs] == ["budget.stretched"]


async def test_a_slot_left_out_is_throttled_by_us() -> None:
    """Not enough for all is another reason than nothing left."""
    a, hands = target(), Hands()
    keeper = await opened(MemoryPurse(), hands, [budget("p", 1000.0)], [a])
    assert await spent(keeper, a, cost_usd=100.0)
    reasons = set()
    for _ in range(20):
        hands.advance(60.0)
        reasons.add(keeper.refusal(a))
    assert SkipReason.THROTTLED_BY_US in reasons
    assert reasons <= {SkipReason.THROTTLED_BY_US, None}


async def test_replicas_leave_out_the_same_slots() -> None:
    """One learns what a probe costs from the other's results; their clocks are a second apart."""
    a, purse, here, there = target(), MemoryPurse(), Hands(), Hands(NOON + 1.0)
    purse.shared = True
    one, other = [
        await opened(purse, hands, [budget("p", 10_000.0)], [a]) for hands in (here, there)
    ]
    found = result(a, cost_usd=100.0)
    for keeper in (one, other):
        keeper.learn(a, found)
    due, asked = Grid.of("a", a.interval_s).following(NOON + a.interval_s), []
    here.wall, there.wall = due.at, due.at + 1.0
    for _ in range(50):
        asked.append((one.refusal(a), other.refusal(a)))
        here.advance(60.0)
        there.advance(60.0)
    # The second knows of what the first drew, and reckons with a little less.
    assert all(first is None for first, second in asked if second is None)
    assert any(second is None for _, second in asked)
    assert sum(first is not second for first, second in asked) <= 1


async def test_what_others_draw_and_count_is_heard() -> None:
    """A purse that is shared is asked again: for its total, and for overruns elsewhere."""
    a, purse, hands = target(), MemoryPurse(), Hands()
    purse.shared = True
    keeper = await opened(purse, hands, [budget("p", 100_000.0)], [a])
    await purse.draw("p", TODAY, 7 * USD, 10**15)
    await purse.overrun("p", TODAY)
    await purse.overrun("p", TODAY)
    assert keeper.refusal(a) is None
    async with asyncio.TaskGroup() as group:
        hearing = group.create_task(keeper.run())
        for _ in range(2):  # nothing is at hand after that
            assert await spent(keeper, a, cost_usd=None, status=None)
        for _ in range(10):
            await asyncio.sleep(0)
        hearing.cancel()
    assert keeper.books[0].account.used_nusd == (7 + 2 * BOUND_USD) * USD
    assert keeper.refusal(a) is SkipReason.BUDGET


async def test_counts_of_others_that_are_not_heard_end_nothing() -> None:
    """A ledger that cannot be read the first time, after a budget was added to none: later."""

    class Unread(MemoryPurse):
        unread = False

        async def overruns(self, day: date) -> Mapping[str, int]:
            if self.unread:
                raise LedgerError("no answer within 5 s")
            return await super().overruns(day)

    a, purse = target(), Unread()
    purse.shared = True
    keeper = await opened(purse, Hands(), [budget("p", 100_000.0)], [a])
    purse.unread = True
    with capture_logs() as logs:
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(keeper.run())
            assert await spent(keeper, a, cost_usd=None, status=None)
            assert await spent(keeper, a, cost_usd=None, status=None)
            for _ in range(10):
                await asyncio.sleep(0)
            hearing.cancel()
    assert {line["event"] for line in logs} == {"budget.overruns_not_heard"}


async def test_a_purse_that_is_away_is_no_spent_budget() -> None:
    """Whatever keeps it from us, it is stuck, and asked again a little later."""
    a, purse, hands = target(), AwayPurse(), Hands()
    with capture_logs() as logs:
        keeper = await opened(purse, hands, [budget("p")], [a])
        assert not await spent(keeper, a)
    assert keeper.stuck
    assert [(line["event"], line["error"]) for line in logs] == [("budget.not_drawn", "away")]


async def test_one_providers_short_budget_stretches_nobody_else() -> None:
    """What its own budget will keep it from spending is not expected of that of all."""
    dear, other, hands = target("a", "dear"), target("b", "q"), Hands()
    budgets = [budget("", 20_000.0), budget("dear", 1000.0)]
    keeper = await opened(MemoryPurse(), hands, budgets, [dear, other])
    assert await spent(keeper, dear, cost_usd=200.0)
    assert await spent(keeper, other, cost_usd=1.0)
    together, own = keeper.books
    assert keeper.ratio(own) < 0.1
    assert keeper.ratio(together) == 1.0
    assert keeper.refusal(other) is not SkipReason.BUDGET


async def test_a_provider_that_bills_the_impossible_twice_is_stopped_for_the_day() -> None:
    """Two answers longer than asked for: an error each, then no more money that day."""
    a, other, hands, purse = target("a", "p"), target("b", "q"), Hands(), MemoryPurse()
    budgets = [budget("", 100_000.0)]
    keeper = await opened(purse, hands, budgets, [a, other])
    with capture_logs() as logs:
        assert await spent(keeper, a, output_tokens=900, cost_usd=900.0)
        assert keeper.refusal(a) is not SkipReason.BUDGET
        assert await spent(keeper, a, output_tokens=900, cost_usd=900.0)
    told = [line for line in logs if line["event"] == "budget.overrun"]
    assert [(line["log_level"], line["stopped_for_today"]) for line in told] == [
        ("error", False),
        ("error", True),
    ]
    assert keeper.books[0].account.spent_nusd == 1800 * USD
    assert keeper.refusal(a) is SkipReason.BUDGET
    assert keeper.refusal(other) is not SkipReason.BUDGET
    assert dict(keeper.overruns()) == {"p": 2, "q": 0}
    assert used(keeper)["p"] == 1.0
    again = await opened(purse, hands, budgets, [a, other])
    assert again.refusal(a) is SkipReason.BUDGET, "a restart forgets it"
    hands.advance(12 * 3600)
    assert again.refusal(a) is None, "the next day is not a new chance"
    assert used(again) == {"": 0.0, "p": 0.0, "q": 0.0}, "an alert of yesterday does not end"


async def test_where_there_is_no_budget_nothing_of_it_is_used() -> None:
    """An alert about a budget that was taken out of the configuration must end."""
    assert used(await opened(MemoryPurse(), Hands(), [], [target()])) == {"": 0.0, "p": 0.0}


async def test_an_overrun_the_ledger_does_not_take_counts_all_the_same() -> None:
    """It is remembered here, and that it is not kept is said."""
    a, purse = target(), MemoryPurse()
    keeper = await opened(purse, Hands(), [budget("p", 100_000.0)], [a])
    purse.disk = Disk.FULL
    with capture_logs() as logs:
        assert await spent(keeper, a, output_tokens=900)
    assert [line["event"] for line in logs] == ["budget.overrun", "budget.overrun_not_kept"]
    assert dict(keeper.overruns()) == {"p": 1}


class AwayPurse(MemoryPurse):
    """One that nothing can be drawn from now."""

    async def draw(self, subject: str, day: date, wanted_nusd: int, cap_nusd: int) -> Drawn:
        raise PurseError("away")


class GatedPurse(MemoryPurse):
    """One whose disk answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()

    async def draw(self, subject: str, day: date, wanted_nusd: int, cap_nusd: int) -> Drawn:
        await self.open.wait()
        return await super().draw(subject, day, wanted_nusd, cap_nusd)

    async def give_back(self, subject: str, day: date, amount_nusd: int) -> None:
        await self.open.wait()
        await super().give_back(subject, day, amount_nusd)


async def test_a_draw_under_way_serves_who_waits_for_it() -> None:
    """A probe that comes while the background draws takes from that draw and makes none itself."""
    a, purse = target(), GatedPurse()
    keeper = await opened(purse, Hands(), [budget("p", 100_000.0)], [a])
    async with asyncio.TaskGroup() as group:
        drawing = group.create_task(keeper.run())
        for _ in range(2):
            assert await spent(keeper, a, cost_usd=None, status=None)
        purse.open.clear()
        for _ in range(3):
            await asyncio.sleep(0)
        waiting = group.create_task(spent(keeper, a))
        await asyncio.sleep(0)
        assert not waiting.done()
        purse.open.set()
        assert await waiting
        drawing.cancel()
    assert purse.draws == 2


@pytest.mark.looptime
async def test_a_hung_disk_does_not_hold_up_the_end() -> None:
    """What cannot be given back within half a second is lost."""
    purse = GatedPurse()
    keeper = await opened(purse, Hands(), [budget("p")], [target()])
    purse.open.clear()
    began = asyncio.get_running_loop().time()
    with capture_logs() as logs:
        await keeper.close()
    assert asyncio.get_running_loop().time() - began == pytest.approx(GIVE_BACK_S)
    assert [line["event"] for line in logs] == ["budget.not_given_back"]
