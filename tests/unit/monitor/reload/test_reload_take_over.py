"""Parts that go on where those of the configuration before stopped."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from aggregator.ledger import Ledger
from aggregator.slo import Tallies, Tally
from aggregator.trail import ABSENT, Trail
from aggregator.window import Windows
from monitor.budget.keeper import Keeper
from monitor.clock import Clock
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.health import readiness
from monitor.kindness.gate import Kindness
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.retirement import NEVER_DAYS, Retirements
from probes.result import ProbeResult, SkipReason
from probes.secret import Secret, SecretSource
from probes.target import Provider, Slot, Target
from tests.standins.purse import MemoryPurse
from tests.unit.aggregator import samples
from tests.unit.alerting.delivering import BUSY, HANG, Road, Sink, at_work, empty_road
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
        before.learn(each, await _answer(each)())
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


async def test_a_cap_below_what_was_drawn_is_kept() -> None:
    """What was drawn under the higher cap is at hand, and no part of it can be reserved."""
    purse, hands, a = MemoryPurse(), paying.Hands(), paying.target()
    others = [a, *(paying.target(f"b{number}") for number in range(9))]
    before = await paying.opened(purse, hands, [paying.budget("p", 100_000.0)], others)
    cap_usd = 2.5 * paying.BOUND_USD
    after = Keeper([paying.budget("p", cap_usd)], others, purse, hands.clock())
    await after.prepare(before)
    after.take_over(before)
    account = after.books[0].account
    assert account.slice_nusd > account.left_nusd
    assert [after.refusal(each) for each in others] == [None] * 10  # all due in one turn
    most, two, release = 0, asyncio.Event(), asyncio.Event()

    async def attempt() -> ProbeResult:
        nonlocal most
        most = max(most, account.reserved_nusd)
        if most >= 2 * paying.BOUND_USD * USD:
            two.set()
        await release.wait()
        return paying.result(a)

    async with asyncio.TaskGroup() as group:
        for each in others:
            group.create_task(after.spend(each, attempt))
        await two.wait()
        release.set()
    assert most <= cap_usd * USD
    assert account.spent_nusd <= account.cap_nusd


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


def test_what_comes_late_of_a_target_that_is_gone_is_shown_nowhere() -> None:
    """Not its result, tokens, crash or drift: nobody would ever take the series away again."""
    metrics = Metrics("here", "1")
    gone = replace(C, provider="q")
    for each in (A, gone):
        metrics.observe(each, replace(found(each), provider=each.provider))
        metrics.target_crashed(each)
        metrics.drifted(each.name, "model")
    metrics.keep_only((A,))
    metrics.observe_further(gone, replace(found(gone), provider="q"))
    metrics.slot_skipped(gone, SkipReason.BUDGET)
    metrics.target_crashed(gone)
    metrics.drifted(gone.name, "model")
    lines = b"".join(each.encode() for each in metrics.written()).decode().splitlines()
    lines += generate_latest(metrics.registry).decode().splitlines()
    assert not [line for line in lines if 'target="c"' in line or 'provider="q"' in line]
    assert 'sonde_target_crashes_total{target="a"} 1.0' in lines
    assert 'sonde_drift_events_total{kind="model",target="a"} 1.0' in lines


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
    """The new one begins when the attempt in hand has ended, and has what comes from then on."""
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
    assert (old.taken, new.taken) == (["msg_a_firing_1"], ["msg_b_firing_1"])


@pytest.mark.looptime
async def test_nothing_waits_for_an_address_nobody_wants_any_more(road: Road) -> None:
    """A queue behind a channel that hangs goes to its new address once the attempt in hand ends."""
    old, new = Sink(script=_script(*[HANG] * 30)), Sink()
    deliverer = road.deliverer(old)
    names = [f"a{number}" for number in range(10)]
    async with at_work(deliverer):
        await road.save(deliverer, *map(firing, names))
        await old.in_hand.wait()
        deliverer.change({"team": new}, {})
        await asyncio.sleep(11)
        assert len(old.attempts) == 1
        assert len(new.taken) >= 9
        await asyncio.sleep(600)
    assert sorted(new.taken) == sorted(f"msg_{name}_firing_1" for name in names)


@pytest.mark.looptime
async def test_what_a_full_disk_left_in_memory_is_not_lost(road: Road) -> None:
    """The lane that follows sends it: nothing else knows of it."""
    old, new = Sink(script=_script(BUSY, BUSY)), Sink()
    deliverer = road.deliverer(old)
    async with at_work(deliverer):
        road.ledger.full = True
        await road.save(deliverer, firing("a"))
        await old.in_hand.wait()
        await asyncio.sleep(0.1)
        deliverer.change({"team": new}, {})
        await asyncio.sleep(600)
        assert new.taken == ["msg_a_firing_1"]


@pytest.mark.looptime
async def test_what_was_sent_and_could_not_be_marked_is_not_sent_again(road: Road) -> None:
    """The mark is owed on by the lane that follows."""
    old, new = Sink(script=_script(1.0)), Sink()
    deliverer = road.deliverer(old)
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await old.in_hand.wait()
        road.ledger.full = True
        await asyncio.sleep(2)
        deliverer.change({"team": new}, {})
        await asyncio.sleep(30)
        road.ledger.full = False
        await asyncio.sleep(120)
        assert (old.taken, new.attempts) == (["msg_a_firing_1"], [])
        assert (await road.statuses())["msg_a_firing_1"] == "sent"


@pytest.mark.looptime
async def test_a_channel_that_comes_back_sends_nothing_twice(road: Road) -> None:
    """Taken out and put back while its last attempts are under way: one lane at a time."""
    old, new = Sink(script=_script(5.0, 5.0, 5.0)), Sink()
    deliverer = road.deliverer(old)
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"), firing("b"), firing("c"))
        await old.in_hand.wait()
        deliverer.change({}, {})
        await asyncio.sleep(1)
        deliverer.change({"team": new}, {})
        await asyncio.sleep(60)
    assert (old.taken, new.taken) == (["msg_a_firing_1"], ["msg_b_firing_1", "msg_c_firing_1"])


@pytest.mark.looptime
async def test_an_hour_allows_what_it_did_after_a_change(road: Road) -> None:
    """What was sent before the channel changed counts for its pace."""
    old, new = Sink(), Sink()
    deliverer = road.deliverer(old, most_per_hour=2)
    async with at_work(deliverer):
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(1)
        deliverer.change({"team": new}, {"team": 2})
        await road.save(deliverer, firing("b"), firing("c"))
        await asyncio.sleep(1800)
        assert new.taken == ["msg_b_firing_1"]
        await asyncio.sleep(3600)
    assert new.taken == ["msg_b_firing_1", "msg_c_firing_1"]


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
async def test_a_change_after_the_stop_is_none(road: Road) -> None:
    """Who is to stop tries once what it has; nobody would follow."""
    old, new = Sink(script=_script(BUSY)), Sink()
    deliverer = road.deliverer(old)
    async with at_work(deliverer):
        road.ledger.full = True
        await road.save(deliverer, firing("a"))
        await asyncio.sleep(0.1)
        deliverer.stop()
        deliverer.change({"team": new}, {})
        await asyncio.sleep(5)
    assert (old.taken, new.attempts) == (["msg_a_firing_1"], [])


@pytest.mark.looptime
async def test_channels_may_change_before_delivery_runs(road: Road) -> None:
    """Whoever is there when it begins is delivered to."""
    deliverer = road.deliverer(Sink())
    new = Sink("other")
    deliverer.change({"other": new}, {})
    await road.put(firing("a"), channels=("other",))
    await road.run(deliverer, 5)
    assert new.taken == ["msg_a_firing_1"]


def test_a_shorter_interval_counts_from_now(tmp_path: Path) -> None:
    """A target that was probed each hour and is to be each minute is not an hour late."""
    ledger = Ledger.open(tmp_path / "a.db", SCHEMAS, inline=True)
    pipeline = Pipeline(ledger, Windows(300.0), Metrics("here", "1"), Clock(), "here")
    pipeline.last_slot_at = {"a": 100.0, "b": 200.0}
    pipeline.hastened((A, C), 3000.0)
    ready = readiness((A,), pipeline.last_slot_at, None, 3001.0, 0.0)
    assert ready.ready
    assert pipeline.last_slot_at == {"a": 3000.0, "b": 200.0}


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
    windows.keep_only({"a", "b"})
    pipeline.slot_skipped(C, Slot(4, 4.0), SkipReason.LATE)
    assert windows.summary(("c",), 300.0, 5.0).missed == 0
    rows = await ledger.read(lambda c: c.execute("SELECT count(*) FROM results").fetchone())
    await ledger.close()
    text = "".join(metrics.written())
    assert rows == (7,)
    assert set(pipeline.last_result) == {"a", "b"}
    assert 'model="another",target="b"' in text
    assert 'model="model-b",target="b"' not in text
    assert 'target="c"' not in text
