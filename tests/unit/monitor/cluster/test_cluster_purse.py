"""What Redis loses is told again by those who drew it, before anything more is drawn."""

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from redis.asyncio import Redis

from aggregator.ledger import LedgerError
from monitor.budget.purse import BUDGET, Drawn, LedgerPurse, PurseError
from monitor.clock import Clock
from monitor.cluster.drawn import MOST_FIELDS
from monitor.cluster.link import ASK_S
from monitor.cluster.purse import COPIES_S, RedisPurse
from monitor.cluster.purse_fields import PURSE, drawn_together
from tests.standins.redis_budget import NOON_MS, RememberedLink, RememberedRedis

T = TypeVar("T")
DAY = date(2025, 6, 16)
SETTLED_S = 10


class MemoryLedger:
    """The table of a purse, which outlives it."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        for schema in (BUDGET, PURSE):
            self.connection.executescript(schema.migrations[0])
        self.full = False

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return work(self.connection)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.full:
            raise LedgerError("full")
        with self.connection:
            return work(self.connection)


class Group:
    """Replicas of one Redis, and the time that passes for all of them."""

    def __init__(self) -> None:
        self.server = RememberedRedis()
        self.clock = Clock(lambda: self.server.now_ms / 1000, lambda: self.server.now_ms / 1000)
        self.links: dict[str, RememberedLink] = {}
        self.ledgers: dict[str, MemoryLedger] = {}
        self.purses: dict[str, RedisPurse] = {}

    def start(self, name: str) -> RedisPurse:
        """Begin a process; its ledger may be there already."""
        link = self.links.setdefault(name, RememberedLink(self.server))
        ledger = self.ledgers.setdefault(name, MemoryLedger())

        async def pause(seconds: float) -> None:
            self.server.now_ms += round(1000 * seconds)

        self.purses[name] = RedisPurse(
            link,
            ledger,  # type: ignore[arg-type]  # all that is used of it
            self.clock,
            name,
            [ZoneInfo("UTC")],
            pause=pause,
        )
        return self.purses[name]

    def kill(self, name: str, *, volume: bool = True) -> None:
        del self.purses[name]
        if not volume:
            del self.ledgers[name]

    async def go_on(self, seconds: int) -> None:
        """Everybody speaks every second."""
        for _ in range(seconds):
            self.server.now_ms += 1000
            for purse in self.purses.values():
                await purse.speak()


@pytest.fixture
async def group() -> Group:
    """Two replicas that have been there for a while."""
    made = Group()
    made.start("a")
    made.start("b")
    await made.purses["a"].overruns(DAY)
    await made.purses["b"].overruns(DAY)
    await made.go_on(SETTLED_S + 1)
    return made


async def drawn(purse: RedisPurse, wanted_nusd: int, cap_nusd: int = 100) -> Drawn:
    return await purse.draw("p", DAY, wanted_nusd, cap_nusd)


async def test_draws_of_all_add_up_to_the_cap(group: Group) -> None:
    """What one has, the other has not."""
    assert await drawn(group.purses["a"], 70) == Drawn(70, 70)
    assert await drawn(group.purses["b"], 70) == Drawn(30, 100)
    await group.go_on(1)
    assert await drawn(group.purses["a"], 0) == Drawn(0, 100)


async def test_a_redis_that_forgot_all_is_told_again(group: Group) -> None:
    """Nothing is granted meanwhile, and after it what is left."""
    a, b = group.purses["a"], group.purses["b"]
    await drawn(a, 70)
    group.server.hash = {}
    with pytest.raises(PurseError, match=r"may have lost writes|changed"):
        await drawn(b, 70)
    await group.go_on(SETTLED_S + 1)
    assert await drawn(b, 70) == Drawn(30, 100)


async def test_what_was_drawn_in_the_last_second_by_one_that_died_is_not_drawn_again(
    group: Group,
) -> None:
    """It came back with its ledger: then the rest may be drawn."""
    a, b = group.purses["a"], group.purses["b"]
    await drawn(a, 70)
    group.kill("a")
    group.server.hash = {}
    await group.go_on(10 * SETTLED_S)
    with pytest.raises(PurseError, match=r"not back \(a\."):
        await drawn(b, 70)
    group.start("a")
    await group.purses["a"].overruns(DAY)
    await group.go_on(1)
    assert await drawn(b, 70) == Drawn(30, 100)


async def test_what_is_said_to_a_redis_that_is_no_more_counts_for_nothing(group: Group) -> None:
    """It leaves out what the one before had: who said it has not told of its draws yet."""
    a, b = group.purses["a"], group.purses["b"]
    await drawn(a, 70)
    group.links["a"].cut = True
    group.server.hash = {}
    await group.go_on(SETTLED_S + 1)
    group.links["a"].cut, group.links["a"].deaf = False, True
    await a.speak()
    group.kill("a")
    with pytest.raises(PurseError, match="not back"):
        await drawn(b, 70)


async def test_one_that_lost_its_ledger_too_is_waited_for_all_day(group: Group) -> None:
    """Nobody knows what it drew; another day is another budget."""
    await drawn(group.purses["a"], 70)
    group.kill("a", volume=False)
    group.server.hash = {}
    group.start("a")
    await group.go_on(SETTLED_S + 1)
    with pytest.raises(PurseError, match="not back") as caught:
        await drawn(group.purses["b"], 10)
    absent = f"s|{str(caught.value).rpartition('(')[2][:-1]}"
    before = group.server.hash[absent]
    group.server.hash[absent] = f"x|0|0|{DAY}|ended"  # by hand, as docs/replicas.md says
    assert await drawn(group.purses["b"], 10) == Drawn(10, 10)
    group.server.hash[absent] = before
    tomorrow = DAY.replace(day=17)
    group.server.now_ms += 12 * 3_600_000
    await group.go_on(SETTLED_S)
    assert await group.purses["b"].draw("p", tomorrow, 10, 100) == Drawn(10, 10)


async def test_who_is_known_to_have_ended_is_not_waited_for(group: Group) -> None:
    """It was silent for long enough, or said goodbye: what it drew is known."""
    a, b = group.purses["a"], group.purses["b"]
    group.start("c")
    await group.purses["c"].overruns(DAY)
    await group.go_on(4)
    await drawn(a, 30)
    await drawn(group.purses["c"], 30)
    await group.purses["c"].leave()
    group.kill("c", volume=False)
    group.kill("a", volume=False)
    await group.go_on(6)
    group.server.hash, group.server.run = {}, "run1"
    await group.go_on(SETTLED_S + 1)
    assert await drawn(b, 100) == Drawn(40, 100)


async def test_a_copy_that_is_behind_is_told_what_it_lacks(group: Group) -> None:
    """A failover to an older state is no younger budget."""
    older = dict(group.server.hash)
    await drawn(group.purses["a"], 70)
    group.server.hash, group.server.run = older, "run1"
    await group.go_on(SETTLED_S + 1)
    assert await drawn(group.purses["b"], 70) == Drawn(30, 100)


async def test_what_no_copy_has_is_not_spent(group: Group) -> None:
    """It is drawn all the same: wasted."""
    group.server.copies = 1
    await group.go_on(1)
    group.server.acknowledge = False
    with pytest.raises(PurseError, match="0 of 1 copies"):
        await drawn(group.purses["a"], 70)
    group.server.acknowledge = True
    assert await drawn(group.purses["a"], 70) == Drawn(30, 100)


async def test_a_master_that_lost_its_copies_is_not_believed_for_a_while(group: Group) -> None:
    """It may be one that was replaced; nothing is wasted by asking it."""
    group.server.copies = 1
    await group.go_on(1)
    group.server.copies = 0
    await group.go_on(1)
    with pytest.raises(PurseError, match="0 of 1 copies of Redis are there"):
        await drawn(group.purses["a"], 70)
    await group.go_on(int(COPIES_S) + 1)
    assert await drawn(group.purses["a"], 70) == Drawn(70, 70)


async def test_an_answer_that_was_lost_is_money_that_is_wasted(group: Group) -> None:
    """Redis granted it, and we do not know how much."""
    group.links["a"].deaf = True
    with pytest.raises(PurseError, match="deaf"):
        await drawn(group.purses["a"], 70)
    group.links["a"].deaf = False
    await group.go_on(1)
    assert await drawn(group.purses["a"], 70) == Drawn(30, 100)


async def test_what_our_ledger_did_not_take_is_not_spent(group: Group) -> None:
    """Else a Redis that forgot it would be told by nobody."""
    group.ledgers["a"].full = True
    with pytest.raises(LedgerError):
        await drawn(group.purses["a"], 70)
    group.ledgers["a"].full = False
    assert await drawn(group.purses["b"], 70) == Drawn(30, 100)


async def test_who_was_silent_goes_on_under_another_name(group: Group) -> None:
    """After a pause of a minute it waits until the others have seen it again, and then draws."""
    group.server.now_ms += 60_000
    before_ms = group.server.now_ms
    assert await drawn(group.purses["a"], 70) == Drawn(70, 70)
    assert 3_000 <= group.server.now_ms - before_ms < 5_000
    sessions = [field for field in group.server.hash if field.startswith("s|a.")]
    assert len(sessions) == 2


async def test_what_is_given_back_while_redis_is_away_is_said_later(group: Group) -> None:
    """By this process, or by the one after it."""
    a = group.purses["a"]
    await drawn(a, 70)
    group.links["a"].cut = True
    await a.give_back("p", DAY, 50)
    group.kill("a")
    group.links["a"].cut = False
    group.start("a")
    await group.purses["a"].overruns(DAY)
    assert await drawn(group.purses["b"], 100) == Drawn(80, 100)


async def test_overruns_are_heard_from_others(group: Group) -> None:
    """Two replicas that each saw one have seen two."""
    await group.purses["a"].overrun("p", DAY)
    await group.purses["b"].overrun("p", DAY)
    await group.go_on(1)
    assert await group.purses["a"].overruns(DAY) == {"p": 2}


async def test_days_gone_by_are_let_go_of_when_both_clocks_say_so(group: Group) -> None:
    """A replica whose clock is a year ahead must not make the others forget today."""
    await drawn(group.purses["a"], 70)
    ahead = Clock(lambda: group.server.now_ms / 1000 + 365 * 86_400)
    wrong = RedisPurse(group.links["a"], MemoryLedger(), ahead, "c")  # type: ignore[arg-type]
    for _ in range(3):
        await wrong.overruns(DAY)
        await wrong.speak()
    assert any(field.startswith("d|") for field in group.server.hash)
    group.server.now_ms += 4 * 86_400_000
    await group.go_on(2)
    assert not any(field.startswith("d|") for field in group.server.hash)
    assert group.server.now_ms > NOON_MS


async def test_too_many_fields_are_let_go_of_with_their_day(group: Group) -> None:
    """Processes that began and died for days are no reason never to draw again."""
    of_today = {f"d|x.{number}|{DAY}|p": "1" for number in range(MOST_FIELDS)}
    group.server.hash |= of_today
    await group.go_on(1)
    with pytest.raises(PurseError, match="unreadable"):
        await drawn(group.purses["a"], 10)
    group.start("c")  # it never heard of anything else
    await group.purses["c"].overruns(DAY)
    group.server.now_ms += 4 * 86_400_000
    await group.go_on(SETTLED_S)
    later = DAY.replace(day=20)
    for name in "ac":
        assert (await group.purses[name].draw("p", later, 10, 100)).granted_nusd == 10


async def test_a_day_that_was_begun_alone_goes_on_together(group: Group) -> None:
    """What was drawn before a replica had others is drawn for all of them, and once only."""
    ledger = group.ledgers.setdefault("c", MemoryLedger())
    alone = LedgerPurse(ledger, drawn_together)  # type: ignore[arg-type]  # all that is used of it
    assert await alone.draw("p", DAY, 60, 100) == Drawn(60, 60)
    for _ in range(2):
        together = group.start("c")
        assert await drawn(together, 10) == Drawn(10, 70)
        await together.give_back("p", DAY, 10)
    await group.go_on(1)
    assert await drawn(group.purses["a"], 70) == Drawn(40, 100)


async def test_a_day_that_was_begun_together_goes_on_alone(group: Group) -> None:
    """What all drew counts, as far as it was heard of; what it drew alone counts once."""
    ledger = group.ledgers["a"]
    alone = LedgerPurse(ledger, drawn_together)  # type: ignore[arg-type]  # all that is used of it
    await alone.draw("p", DAY, 5, 100)
    await drawn(group.start("a"), 30)
    await drawn(group.purses["b"], 20)
    await group.go_on(1)
    await group.purses["a"].give_back("p", DAY, 10)
    assert await alone.draw("p", DAY, 0, 100) == Drawn(0, 45)
    assert await alone.draw("p", DAY, 100, 100) == Drawn(55, 100)
    assert await alone.draw("q", DAY, 1, 100) == Drawn(1, 1)


async def test_what_others_drew_while_they_were_alone_counts_alone_too(group: Group) -> None:
    """They told of it when they joined; only what it drew itself stands in its own table."""
    for name, amount_nusd in (("a", 5), ("c", 60)):
        ledger = group.ledgers.setdefault(name, MemoryLedger())
        before = LedgerPurse(ledger, drawn_together)  # type: ignore[arg-type]  # as above
        await before.draw("p", DAY, amount_nusd, 100)
        await group.start(name).overruns(DAY)
    await group.go_on(SETTLED_S)
    await drawn(group.purses["a"], 10)
    alone = LedgerPurse(group.ledgers["a"], drawn_together)  # type: ignore[arg-type]  # as above
    assert await alone.draw("p", DAY, 100, 100) == Drawn(25, 100)


async def test_a_ledger_that_holds_nonsense_is_said() -> None:
    """It is no reason to begin anew with an empty purse."""
    group = Group()
    purse = group.start("a")
    group.ledgers["a"].connection.execute("INSERT INTO purse_fields VALUES ('d|x', '1')")
    with pytest.raises(LedgerError, match="unreadable"):
        await drawn(purse, 10)


async def test_a_redis_that_talks_nonsense_is_a_purse_that_is_away(group: Group) -> None:
    """It raises what every purse raises, and grants nothing."""

    class Babbling(RememberedLink):
        async def ask(
            self, work: Callable[[Redis], Awaitable[T]], *, timeout_s: float = ASK_S
        ) -> T:
            self.server.hash["d|s|2025-06-16|p"] = "-1"
            return await super().ask(work, timeout_s=timeout_s)

    purse = RedisPurse(
        Babbling(group.server),
        MemoryLedger(),  # type: ignore[arg-type]
        group.clock,
        "c",
    )
    with pytest.raises(PurseError, match="unreadable"):
        await drawn(purse, 10)
