"""Objectives counted along with the ledger: nothing twice, nothing forgotten over a restart."""

import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results, insert_skip
from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.rollup.folding import fold
from aggregator.rollup.table import ROLLUPS, Level, add, series_of
from aggregator.slo import Tally
from alerting.burn import Slo
from alerting.match import Match
from alerting.metric import Between, BurnRate
from monitor.clock import Clock
from monitor.slo import Objectives
from probes.result import Failing, Fault, Operation, ProbeResult, SkipReason, Verdict
from probes.target import Slot, Target

NOW = 1_800_000_000.0
CHAT = Slo("chat", 0.9, Match((("operation", ("chat",)),)))
FAST = BurnRate("chat", 3600, 300)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    opened = Ledger.open(tmp_path / "a.db", (RESULTS, ROLLUPS), inline=True)
    yield opened
    await opened.close()


def target(name: str, operation: Operation = Operation.CHAT) -> Target:
    return Target(
        name=name, provider="p", preset="openai", model="m", operation=operation, prompt="hi"
    )


def result(name: str, number: int, *, fault: Fault, attempt: int = 1) -> ProbeResult:
    """Return the result of a slot that was so many minutes ago."""
    at = NOW - 60.0 * number
    return ProbeResult(
        target=name,
        provider="p",
        model="m",
        operation=Operation.CHAT,
        location="here",
        slot=int(at),
        slot_at=at,
        at=at,
        verdict=Verdict.OK if fault is Fault.NONE else Verdict.SERVER_ERROR,
        fault=fault,
        attempt=attempt,
        total_s=1.0,
    )


async def had(ledger: Ledger, *results: ProbeResult) -> None:
    await ledger.write(lambda connection: insert_results(connection, results))


def objectives(ledger: Ledger, *names: str) -> Objectives:
    targets = [*map(target, names), target("embed", Operation.EMBEDDINGS)]
    clock = Clock(lambda: NOW, lambda: NOW)
    return Objectives((CHAT,), targets, "here", ledger, clock)


def burning(found: Objectives) -> dict[str, Between]:
    """Return the burn rates of the fast windows, by whose they are."""
    return {
        subject: value
        for fact, subject, value in found.facts(NOW)
        if fact == FAST and isinstance(value, Between)
    }


def period(found: Objectives) -> Tally:
    (budget,) = found.budgets()
    return budget.period


async def test_the_past_counts_once_whether_rolled_up_or_not(ledger: Ledger) -> None:
    """Some of it is in roll-ups, some is not yet, some comes after: each row is counted once."""
    await had(ledger, result("a", 3, fault=Fault.PROVIDER), result("a", 2, fault=Fault.NONE))
    await ledger.write(lambda connection: fold(connection, 100))
    await had(ledger, result("a", 1, fault=Fault.PROVIDER))
    found = objectives(ledger, "a")
    await found.remember()
    await found.count()
    assert period(found) == Tally(2, 3)
    await had(ledger, result("a", 0, fault=Fault.NONE))
    await found.count()
    await found.count()
    assert period(found) == Tally(2, 4)
    assert burning(found)["a"].high == pytest.approx(0.5 / 0.1)


async def test_a_restart_knows_what_was_known(ledger: Ledger) -> None:
    """Who starts anew says the same as who was there all the time."""
    first = objectives(ledger, "a", "b")
    await first.remember()
    for number in range(200, -1, -1):
        fault = Fault.PROVIDER if number % 9 == 0 else Fault.NONE
        await had(ledger, result("ab"[number % 2], number, fault=fault))
        if number == 50:
            await ledger.write(lambda connection: fold(connection, 1_000))
    await first.count()
    again = objectives(ledger, "a", "b")
    await again.remember()
    assert list(again.facts(NOW)) == list(first.facts(NOW))
    assert list(again.budgets()) == list(first.budgets())


async def test_a_past_that_came_back_late_counts_once(ledger: Ledger) -> None:
    """Roll-ups rebuilt while we count are read with what was counted, and not beside it."""
    found = objectives(ledger, "a", "b")
    await found.remember()
    await had(ledger, result("a", 1, fault=Fault.NONE), result("b", 1, fault=Fault.NONE))
    await found.count()

    def rebuild(connection: sqlite3.Connection) -> None:
        bucket = Bucket()
        down = (Verdict.SERVER_ERROR, Fault.PROVIDER)
        bucket.add(Attempt(True, *down, False, (None,) * 4, (None,) * 3, None))
        minute = int(NOW // 60) - 3
        add(connection, Level.MINUTE, series_of(connection, "a", "here"), minute, bucket)

    await ledger.write(rebuild)
    assert period(found) == Tally(0, 2)
    found.grown("a")
    found.grown("not ours")
    await found.remember()
    await had(ledger, result("a", 0, fault=Fault.NONE))
    await found.count()
    assert period(found) == Tally(1, 4)
    assert burning(found)["a"].high == pytest.approx(1 / 3 / 0.1)


async def test_only_the_providers_faults_count(ledger: Ledger) -> None:
    """Our key, our request, our network and confirming attempts are in neither number."""
    await had(
        ledger,
        result("a", 3, fault=Fault.ACCOUNT),
        result("a", 2, fault=Fault.NETWORK),
        result("a", 1, fault=Fault.PROVIDER),
        result("a", 1, fault=Fault.PROVIDER, attempt=2),
    )
    before = objectives(ledger, "a")
    await before.remember()
    assert period(before) == Tally(1, 1)
    along = objectives(ledger, "a")
    await along.remember()
    await had(ledger, result("a", 0, fault=Fault.REQUEST), result("b", 0, fault=Fault.PROVIDER))
    await along.count()
    assert period(along) == Tally(1, 1)


async def test_slots_refused_as_failing_count(ledger: Ledger) -> None:
    """A provider that is let alone because it fails is not better for it."""
    found = objectives(ledger, "a")
    await found.remember()
    failing = Failing(Verdict.SERVER_ERROR, Fault.PROVIDER)
    for number, said in ((1, failing), (2, None)):
        at = NOW - 60 * number
        slot = Slot(int(at), at)
        refused = partial(
            insert_skip,
            target="a",
            location="here",
            slot=slot,
            reason=SkipReason.BREAKER,
            at=at,
            failing=said,
        )
        await ledger.write(refused)
    await found.count()
    assert period(found) == Tally(1, 1)


async def test_an_objectives_targets_are_also_taken_together(ledger: Ledger) -> None:
    """One of two fails wholly: its own budget burns at ten, that of both at five."""
    rows = [result("a", n, fault=Fault.PROVIDER) for n in range(60)]
    rows += [result("b", n, fault=Fault.NONE) for n in range(60)]
    await had(ledger, *rows)
    found = objectives(ledger, "a", "b")
    await found.remember()
    rates = {subject: value.high for subject, value in burning(found).items()}
    assert rates == {"a": pytest.approx(10), "b": 0.0, "": pytest.approx(5)}
    (budget,) = found.budgets()
    assert budget.left_ratio == pytest.approx(1 - 0.5 / 0.1)


async def test_nothing_is_said_before_the_past_is_read(ledger: Ledger) -> None:
    """Half a month's failures unread would make a budget look full."""
    await had(ledger, result("a", 1, fault=Fault.PROVIDER))
    found = objectives(ledger, "a")
    await found.count()
    assert list(found.facts(NOW)) == []
    assert list(found.budgets()) == []


async def test_an_objective_without_targets_says_nothing(ledger: Ledger) -> None:
    """What matches nobody has no budget."""
    found = objectives(ledger)
    await found.remember()
    await found.count()
    assert list(found.facts(NOW)) == []
    assert list(found.budgets()) == []


async def test_what_was_counted_is_counted_on_by_another_plan(ledger: Ledger) -> None:
    """Who stays is known at once and counts each row once; who is new is read from the ledger."""
    await had(ledger, result("a", 5, fault=Fault.PROVIDER), result("b", 5, fault=Fault.NONE))
    before = objectives(ledger, "a")
    await before.remember()
    await had(ledger, result("a", 4, fault=Fault.NONE))
    after = objectives(ledger, "a", "b")
    after.take_over(before)
    assert [each.period for each in after.of("a")] == [Tally(1, 1)]
    assert list(after.of("b")) == []
    await after.remember()
    await after.count()
    await after.count()
    assert period(after) == Tally(1, 3)


async def test_how_an_objective_stands_is_told_together_and_of_each(ledger: Ledger) -> None:
    """Each alone has its own; nothing is said of them together before the past of all is read."""
    await had(ledger, result("one", 1, fault=Fault.PROVIDER), result("two", 1, fault=Fault.NONE))
    found = objectives(ledger, "one", "two")
    assert list(found.stands()) == []
    await found.remember()
    stands = [stand for some in found.stands() for stand in some]
    assert [(each.target, each.budget.period) for each in stands] == [
        ("", Tally(1, 2)),
        ("one", Tally(1, 1)),
        ("two", Tally(0, 1)),
    ]
    known = burning(found)
    for each in stands:
        tier, burn = each.burns[0]
        assert tier.long_s == FAST.long_s
        assert burn.known == known[each.target]
