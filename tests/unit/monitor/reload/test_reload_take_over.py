"""Parts that go on where those of the configuration before stopped."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.slo import Tallies, Tally
from aggregator.trail import ABSENT, Trail
from aggregator.window import Windows
from monitor.budget.keeper import Keeper
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.kindness.gate import Kindness
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.retirement import NEVER_DAYS, Retirements
from probes.result import ProbeResult, SkipReason
from probes.secret import Secret, SecretSource
from probes.target import Provider, Target
from tests.standins.purse import MemoryPurse
from tests.unit.aggregator import samples
from tests.unit.alerting.delivering import HANG, Road, Sink, at_work, empty_road
from tests.unit.alerting.messages import firing
from tests.unit.monitor.budget import paying
from tests.unit.monitor.kindness.attempts import found, hung, refused, target, throttled

A, B, C = target("a"), target("b"), target("c")
KEY = SecretSource(value=Secret("one"))
USD = 10**9


def gate(*targets: Target, key: SecretSource = KEY, now: float = 1000.0) -> Kindness:
    provider = Provider(name="p", preset="compatible", base_url="http://here", api_key=key)
    config = Config(
        source="test", location="here", providers=(provider,), targets=targets, rules=()
    )
    return Kindness(config, lambda: now)


# Kindness.


def test_a_retry_after_is_honoured_to_its_end() -> None:
    """A key that waits goes on waiting, new targets and all, for as long as it was told to."""
    before = gate(A)
    before.learn(A, throttled(A, retry_after_s=600.0))
    for now, reason in ((1599.0, SkipReason.THROTTLED_BY_US), (1601.0, None)):
        after = gate(A, B, now=now)
        after.take_over(before)
        assert {after.refusal(A), after.refusal(B)} == {reason}


def test_an_open_breaker_stays_open() -> None:
    """What was refused is refused, and reads as failing as before."""
    before = gate(A, B)
    for each in (A, B):
        before.learn(each, refused(each))
    assert before.refusal(A) is SkipReason.BREAKER
    after = gate(A, B, C)
    after.take_over(before)
    assert after.refusal(C) is SkipReason.BREAKER
    assert after.failing(A, SkipReason.BREAKER) == before.failing(A, SkipReason.BREAKER)


@pytest.mark.parametrize("attempt", [hung, refused])
def test_evidence_that_was_gathered_counts(attempt: object) -> None:
    """Failures of before and after a change open the breaker as they would have without it."""
    failed = hung if attempt is hung else refused
    opened_alone = _failures_to_open(gate(A, B), failed)
    half, after = gate(A, B), gate(A, B)
    half.learn(A, failed(A))
    after.take_over(half)
    assert _failures_to_open(after, failed, had=1) == opened_alone


def _failures_to_open(kindness: Kindness, failed: object, had: int = 0) -> int:
    make = hung if failed is hung else refused
    for number in range(had, 40):
        if kindness.refusal(B) is SkipReason.BREAKER:
            return number
        each = B if number % 2 else A
        kindness.learn(each, make(each))
    raise AssertionError("it never opened")


def test_another_key_begins_anew() -> None:
    """Who was told to wait is somebody else."""
    before = gate(A)
    before.learn(A, throttled(A, retry_after_s=600.0))
    after = gate(A, key=SecretSource(value=Secret("two")))
    after.take_over(before)
    assert after.refusal(A) is None


def test_a_new_provider_knows_nothing_of_before() -> None:
    """Only who was there is gone on with."""
    before = gate(A)
    after = gate(A)
    after._keys["q"] = after._keys.pop("p")
    after.take_over(before)
    assert after.refusal(replace(A, provider="q")) is None


# Budgets.


async def test_what_is_in_flight_is_settled_in_the_new_books() -> None:
    """Money reserved under the old plan is spent once, under the new cap; nothing is drawn anew."""
    purse, hands, a = MemoryPurse(), paying.Hands(), paying.target()
    before = await paying.opened(purse, hands, [paying.budget("p", 1000.0)], [a])
    others = [a, paying.target("b")]
    after = Keeper([paying.budget("p", 600.0)], others, purse, hands.clock())

    async def attempt() -> ProbeResult:
        await after.prepare(before)
        assert after.take_over(before) == ()
        assert after.books[0].account.reserved_nusd == paying.BOUND_USD * USD
        return paying.result(a)

    drawn = dict(purse.drawn)
    assert await before.spend(a, attempt) is not None
    account = after.books[0].account
    assert (account.reserved_nusd, account.spent_nusd) == (0, 10 * USD)
    assert account.cap_nusd == 600 * USD
    assert dict(purse.drawn) == drawn


async def test_a_budget_that_is_gone_is_given_back() -> None:
    """What was drawn for it and not spent is drawn no more; a new one draws for itself."""
    purse, hands, a = MemoryPurse(), paying.Hands(), paying.target()
    before = await paying.opened(purse, hands, [paying.budget("p")], [a])
    after = Keeper([paying.budget("")], [a], purse, hands.clock())
    await after.prepare(before)
    gone = after.take_over(before)
    await after.give_back(gone)
    assert [book.subject for book in gone] == ["p"]
    assert {subject: nusd for (subject, _), nusd in purse.drawn.items() if nusd} == {
        "": after.books[0].account.drawn_nusd
    }


async def test_the_pace_of_those_that_stay_is_known() -> None:
    """A budget that was stretched stays so, at the intervals there are now."""
    purse, hands = MemoryPurse(), paying.Hands()
    a, b = paying.target(), paying.target("b")
    before = await paying.opened(purse, hands, [paying.budget("p", 1000.0)], [a, b])
    for each in (a, b):
        await before.spend(each, _answer(each))
    after = Keeper(
        [paying.budget("p", 1000.0)], [replace(a, interval_s=120.0)], purse, hands.clock()
    )
    after.take_over(before)
    assert before.ratio(before.books[0]) < 1.0
    assert after.ratio(after.books[0]) == pytest.approx(4 * before.ratio(before.books[0]))


def _answer(of: Target) -> Callable[[], Awaitable[ProbeResult]]:
    async def attempt() -> ProbeResult:
        return paying.result(of)

    return attempt


# Windows.


def test_a_longer_window_is_joined_without_a_gap() -> None:
    """What was read and what is known make what would have been known from the beginning."""
    whole, ours, past = Windows(1000.0), Windows(300.0), Windows(1000.0)
    for at in range(0, 2000, 7):
        made = samples.result(total_s=1.0 + at % 5) if at % 3 else samples.stream(0.1, 1.0, 5)
        for windows in (whole, ours):
            windows.ingest(made, float(at))
            windows.missed("other" if at < 1500 else "chat", float(at))
        if at < 1900:  # what comes in while it is read is ours alone
            past.ingest(made, float(at))
            past.missed("other" if at < 1500 else "chat", float(at))
    ours.missed("new", 1990.0)
    ours.reach_back(past, 1850.0 - 300.0)
    assert ours.longest_s == 1000.0
    for name in ("chat", "other"):
        for over_s in (250.0, 900.0):
            assert ours.summary((name,), over_s, 2000.0) == whole.summary((name,), over_s, 2000.0)
    ours.keep_only({"chat"})
    assert ours.summary(("other",), 900.0, 2000.0).missed == 0


def test_a_column_nobody_had_stays_none() -> None:
    """Figures that only the newer or the older samples have stand beside absent ones."""
    older, newer = Trail(10.0, figures=3), Trail(5.0, figures=3)
    older.append(1.0, (), (1.0, ABSENT, ABSENT))
    newer.append(8.0, (), (ABSENT, 2.0, ABSENT))
    newer.reach_back(older, 5.0, 10.0)
    first, second, third = newer.block.figures
    assert first is not None
    assert second is not None
    assert third is None
    assert (first[0], second[1], list(newer.block.times)) == (1.0, 2.0, [1.0, 8.0])


# Objectives, retirements, counters.


def test_tallies_of_those_that_stay_go_on() -> None:
    """What was counted is counted on, in another row and beside new targets."""
    before, after = Tallies(("a", "b")), Tallies(("c", "b"))
    for name in ("a", "b"):
        before.count(name, 7200.0, bad=1, n=3)
    after.take_over(before)
    after.count("b", 7201.0, bad=0, n=1)
    assert after.over(("c", "b"), 600.0, 7210.0) == [Tally(0, 0), Tally(1, 4)]


def test_what_was_said_of_an_end_is_known() -> None:
    """A target that is what it was keeps it; nobody else does."""
    before, after = Retirements((), (A, B)), Retirements((), (A, B, C))
    before.learn(A, found(A))
    after.take_over(before, (A, C))
    known = {name: days for _, name, days in after.facts(0.0)}
    assert known == {"a": NEVER_DAYS}


def test_counters_of_those_that_stay_go_on() -> None:
    """A target under the same labels is counted on; one that is gone, or another, is not shown."""
    metrics = Metrics("here", "1")
    for each in (A, B, C):
        metrics.observe(each, found(each))
    metrics.keep_only((A, replace(B, model="another")))
    metrics.observe(A, found(A))
    text = "".join(metrics.written())
    lines = [line for line in text.splitlines() if line.startswith("sonde_probe_results_total")]
    assert len(lines) == 1
    assert 'target="a"' in lines[0]
    assert lines[0].endswith(" 2")
    metrics.keep_only(())
    assert "sonde_provider_tokens_total{" not in "".join(metrics.written())


# Delivery.


@pytest.fixture
async def road(tmp_path: Path) -> AsyncIterator[Road]:
    """Make an empty outbox."""
    async with empty_road(tmp_path) as made:
        yield made


@pytest.mark.looptime
async def test_a_channel_that_did_not_change_is_not_disturbed(road: Road) -> None:
    """An attempt in hand goes on; what an hour allows is what counts from then on."""
    sink = Sink(script=_script(5.0))
    deliverer = road.deliverer(sink)
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await sink.in_hand.wait()
        deliverer.change({"team": sink}, {"team": 1})
        await asyncio.sleep(10)
        await road.save(deliverer, firing("b"))
        await asyncio.sleep(60)
        assert sink.taken == ["msg_a_firing_1"]
        await asyncio.sleep(3600)
    assert sink.taken == ["msg_a_firing_1", "msg_b_firing_1"]
    assert len(sink.attempts) == 2


@pytest.mark.looptime
async def test_a_changed_channel_sends_nothing_twice(road: Road) -> None:
    """The new one begins when the old one has ended, and has what comes from then on."""
    old, new = Sink(script=_script(5.0)), Sink()
    deliverer = road.deliverer(old)
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await old.in_hand.wait()
        deliverer.change({"team": new}, {})
        await road.save(deliverer, firing("b"))
        await asyncio.sleep(2)
        assert new.attempts == []
        await asyncio.sleep(60)
        await road.save(deliverer, firing("c"))
        await asyncio.sleep(1)
    assert sorted([*old.taken, *new.taken]) == [f"msg_{each}_firing_1" for each in "abc"]
    assert new.taken[-1] == "msg_c_firing_1"


@pytest.mark.looptime
async def test_rows_of_a_channel_that_is_gone_are_given_up(road: Road) -> None:
    """It tries once more what it has, then its rows are dead, and a new channel works."""
    gone, new = Sink(script=_script(HANG, HANG)), Sink("other")
    deliverer = road.deliverer(gone)
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await gone.in_hand.wait()
        deliverer.change({"other": new}, {})
        await road.save(deliverer, firing("b"), channels=("other",))
        await asyncio.sleep(60)
    assert (await road.statuses())["msg_a_firing_1"] == "dead"
    assert new.taken == ["msg_b_firing_1"]


@pytest.mark.looptime
async def test_channels_may_change_before_delivery_runs(road: Road) -> None:
    """Whoever is there when it begins is delivered to."""
    deliverer = road.deliverer(Sink())
    new = Sink("other")
    deliverer.change({"other": new}, {})
    await road.put(firing("a"), channels=("other",))
    await road.run(deliverer, 5)
    assert new.taken == ["msg_a_firing_1"]


def _script(*steps: Exception | float | None) -> deque[Exception | float | None]:
    return deque(steps)


# Results that are being committed meanwhile.


async def test_a_result_that_is_being_committed_counts_for_who_is_there(tmp_path: Path) -> None:
    """Its target may be another, or gone, by the time the disk has it; then it counts for that."""
    ledger = Ledger.open(tmp_path / "a.db", SCHEMAS, inline=True)
    metrics, windows = Metrics("here", "1"), Windows(300.0)
    pipeline = Pipeline(ledger, windows, metrics, Clock(lambda: 5.0, lambda: 5.0), "here")
    for each in (A, B, C):
        await pipeline.take(each, found(each))
    other = replace(B, model="another")
    pipeline.keep_only({"a": A, "b": other})
    metrics.keep_only((A, other))
    for each in (A, B, C):
        await pipeline.take(each, found(each, slot=2))
    await pipeline.keep(found(C, slot=3))
    rows = await ledger.read(lambda c: c.execute("SELECT count(*) FROM results").fetchone())
    await ledger.close()
    text = "".join(metrics.written())
    assert rows == (7,)
    assert set(pipeline.last_result) == {"a", "b"}
    assert 'model="another",target="b"' in text
    assert 'model="model-b",target="b"' not in text
    assert 'target="c"' not in text
