"""The shipper in virtual time: outages, refusals, stops."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import RESULTS
from aggregator.stores.delivery import LONGEST_WAIT_S, PEOPLES_WAIT_S, Outcome, WriteError
from aggregator.stores.shipper import (
    BATCH_LINES,
    FLUSH_S,
    LOOK_S,
    REST_S,
    SLOW_S,
    TRIAL_LINES,
    Shipper,
)
from aggregator.stores.spool import SPOOL, Balance, Stream, keep_windows
from tests.unit.aggregator.stores.shelf import Shelf
from tests.unit.aggregator.stores.spools import HERE, fill

pytestmark = pytest.mark.looptime

OUTAGE_S = 3 * 3_600
DOWN = WriteError(Outcome.UNREACHABLE, "Connection refused")


class Shipped:
    """A shipper on a ledger without threads, its store, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger.open(folder / "ledger.db", (RESULTS, SPOOL), inline=True)
        self.shelf = Shelf()
        self.outcomes: Counter[Outcome] = Counter()
        self.logs: list[Any] = []
        self.shipper = Shipper(self.ledger, self.shelf, HERE, "here", lambda: 0.0, self._note)

    def _note(self, outcome: Outcome) -> None:
        self.outcomes[outcome] += 1

    @property
    def results(self) -> Balance:
        return self.shipper.balances[Stream.RESULTS]

    async def produce(self, slots: range) -> None:
        """Commit one result for each slot."""
        await self.ledger.write(lambda c: fill(c, slots))

    def told(self, event: str) -> list[Any]:
        """Return the log's events of a name."""
        return [each for each in self.logs if each["event"] == f"influxdb.{event}"]

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Let the ledger take no writes, as on a full disk."""
        writer = self.ledger._writer._connection
        writer.execute("PRAGMA query_only = ON")
        try:
            yield
        finally:
            writer.execute("PRAGMA query_only = OFF")


@pytest.fixture
async def shipped(tmp_path: Path) -> AsyncIterator[Shipped]:
    """Make a shipper that does not run yet."""
    made = Shipped(tmp_path)
    yield made
    await made.ledger.close()


@asynccontextmanager
async def shipping(shipped: Shipped) -> AsyncIterator[asyncio.Task[None]]:
    """Run it while the block runs; then stop it, which must not take long."""
    with capture_logs() as logs:
        shipped.logs = logs
        task = asyncio.ensure_future(shipped.shipper.run())
        try:
            await asyncio.sleep(0.01)
            yield task
            assert not task.done()
        finally:
            shipped.shipper.stop()
            async with asyncio.timeout(FLUSH_S + 0.1):
                await task


async def test_a_result_is_written_within_a_second_or_so(shipped: Shipped) -> None:
    """What trickles in does not wait for a batch to fill."""
    async with shipping(shipped):
        for slot in range(1, 6):
            await shipped.produce(range(slot, slot + 1))
            await asyncio.sleep(REST_S + 0.1)
            assert len(shipped.shelf.points) == slot
        assert shipped.results == Balance(produced=5, stored=5)
    assert shipped.shelf.written == [1] * 5


async def test_full_batches_go_without_a_rest(shipped: Shipped) -> None:
    """A backlog drains as fast as the store takes it."""
    await shipped.produce(range(2 * BATCH_LINES + 10))
    async with shipping(shipped):
        pass
    assert shipped.shelf.written == [BATCH_LINES, BATCH_LINES, 10]
    assert shipped.results == Balance(produced=2 * BATCH_LINES + 10, stored=2 * BATCH_LINES + 10)
    assert max(shipped.shelf.times) - min(shipped.shelf.times) < REST_S


@pytest.mark.parametrize(
    "outcome", [Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.UNAVAILABLE, Outcome.THROTTLED]
)
async def test_an_outage_of_hours_loses_nothing(shipped: Shipped, outcome: Outcome) -> None:
    """Told once when it begins and once when it ends; attempts never come thick."""
    shipped.shelf.failure = WriteError(outcome, "told by a test")
    minutes = OUTAGE_S // 60
    async with shipping(shipped):
        for slot in range(minutes):
            await shipped.produce(range(slot, slot + 1))
            await asyncio.sleep(60)
        assert (shipped.results.pending, shipped.results.oldest_at) == (minutes, 0.0)
        assert shipped.outcomes == {outcome: len(shipped.shelf.written)}
        assert OUTAGE_S / 31 < len(shipped.shelf.written) < OUTAGE_S / 20
        assert max(shipped.shelf.written) <= TRIAL_LINES
        shipped.shelf.failure = None
        await asyncio.sleep(31)
        assert shipped.results == Balance(produced=minutes, stored=minutes)
    (trouble,) = shipped.told("trouble")
    assert (trouble["outcome"], trouble["reason"]) == (outcome.value, "told by a test")
    (recovered,) = shipped.told("recovered")
    assert recovered["over"] == [outcome.value]


async def test_an_outage_with_several_faces_tells_each_once(shipped: Shipped) -> None:
    """Refused, then hanging, then 503, again and again: three messages, and one at the end."""
    faces = [Outcome.UNREACHABLE, Outcome.TIMEOUT, Outcome.UNAVAILABLE]
    await shipped.produce(range(3))
    shipped.shelf.failure = WriteError(faces[0], "x")
    async with shipping(shipped):
        for turn in range(60):
            shipped.shelf.failure = WriteError(faces[turn % 3], "x")
            await asyncio.sleep(31)
        shipped.shelf.failure = None
        await asyncio.sleep(31)
    assert [each["outcome"] for each in shipped.told("trouble")] == [face.value for face in faces]
    assert len(shipped.told("recovered")) == 1


async def test_a_store_that_limits_us_is_left_alone_for_as_long_as_it_says(
    shipped: Shipped,
) -> None:
    """Retry-After decides, and not our own patience."""
    shipped.shelf.failure = WriteError(Outcome.THROTTLED, "answered 429", retry_after_s=120.0)
    await shipped.produce(range(3))
    async with shipping(shipped):
        await asyncio.sleep(119)
        assert len(shipped.shelf.written) == 1
        shipped.shelf.failure = None
        await asyncio.sleep(2)
        assert len(shipped.shelf.points) == 3


@pytest.mark.parametrize("outcome", [Outcome.TOKEN, Outcome.BUCKET])
async def test_what_people_must_mend_is_tried_once_a_minute(
    shipped: Shipped, outcome: Outcome
) -> None:
    """With words that name what has to be mended; then everything that waited goes."""
    shipped.shelf.failure = WriteError(outcome, "answered 40x")
    await shipped.produce(range(3))
    async with shipping(shipped):
        await asyncio.sleep(10 * PEOPLES_WAIT_S + 1)
        assert len(shipped.shelf.written) == 11
        shipped.shelf.failure = None
        await asyncio.sleep(PEOPLES_WAIT_S)
        assert shipped.results == Balance(produced=3, stored=3)
    (trouble,) = shipped.told("trouble")
    assert "'b'" in trouble["what"]


async def test_a_new_token_is_tried_at_once(shipped: Shipped) -> None:
    """Whoever has just mended the file need not wait out our minute."""
    shipped.shelf.failure = WriteError(Outcome.TOKEN, "answered 401")
    await shipped.produce(range(3))
    async with shipping(shipped):
        await asyncio.sleep(5)
        shipped.shelf.failure, shipped.shelf.new_token = None, True
        await asyncio.sleep(LOOK_S)
        assert len(shipped.shelf.points) == 3


async def test_a_poison_line_is_quarantined_and_the_rest_is_stored(shipped: Shipped) -> None:
    """One bad of a thousand; it ends as a trouble when a minute has brought no other."""
    bad = b" 617000000618"
    shipped.shelf.refused = lambda line: line.endswith(bad)
    await shipped.produce(range(1_000))
    async with shipping(shipped):
        await asyncio.sleep(1)
        assert shipped.results == Balance(produced=1_000, stored=999, quarantined=1)
        await asyncio.sleep(PEOPLES_WAIT_S)
        assert not shipped.told("recovered")
        await shipped.produce(range(2_000, 2_001))
        await asyncio.sleep(REST_S + 0.1)
        assert len(shipped.told("recovered")) == 1
    (trouble,) = shipped.told("trouble")
    assert trouble["reason"] == "1 lines are quarantined: answered 400: type conflict"
    assert len(shipped.shelf.points) == 1_000


async def test_where_no_line_is_taken_all_wait(shipped: Shipped) -> None:
    """A schema that refuses everything quarantines nothing, and is asked once a minute."""
    shipped.shelf.refused = lambda _line: True
    await shipped.produce(range(1_000))
    async with shipping(shipped):
        await asyncio.sleep(10 * PEOPLES_WAIT_S)
        assert shipped.results == Balance(produced=1_000, pending=1_000, oldest_at=0.0)
        assert len(shipped.shelf.written) < 10 * 40
        shipped.shelf.refused = lambda _line: False
        await asyncio.sleep(PEOPLES_WAIT_S + 1)
        assert shipped.results == Balance(produced=1_000, stored=1_000)
    assert len(shipped.told("trouble")) == 1


async def test_lines_set_aside_after_all_had_waited_are_told(shipped: Shipped) -> None:
    """That nothing was taken is over with the first batch; what it still refused is news."""
    shipped.shelf.refused = lambda _line: True
    await shipped.produce(range(10))
    async with shipping(shipped):
        await asyncio.sleep(2 * PEOPLES_WAIT_S)
        shipped.shelf.refused = lambda line: line.endswith(b"001")
        await asyncio.sleep(PEOPLES_WAIT_S + 1)
        assert shipped.results == Balance(produced=10, stored=9, quarantined=1)
    reasons = [each["reason"] for each in shipped.told("trouble")]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "every line is refused",
        "1 lines are quarantined",
    ]


async def test_a_stream_that_is_refused_does_not_hold_up_the_other(shipped: Shipped) -> None:
    """Results flow while no point of a window is taken."""
    shipped.shelf.refused = lambda line: line.startswith(b"api_window")
    await shipped.ledger.write(partial(keep_windows, lines=["api_window c=1 1"] * 3, at=0.0))
    async with shipping(shipped):
        for slot in range(10):
            await shipped.produce(range(slot, slot + 1))
            await asyncio.sleep(REST_S + 0.1)
            assert len(shipped.shelf.points) == slot + 1
        assert shipped.shipper.balances[Stream.WINDOWS].pending == 3
        shipped.shelf.refused = lambda _line: False
        await asyncio.sleep(PEOPLES_WAIT_S)
        assert shipped.shipper.balances[Stream.WINDOWS] == Balance(produced=3, stored=3)


async def test_batches_shrink_to_what_the_store_takes(shipped: Shipped) -> None:
    """After a 413 the next ones are small enough at once, and grow again where they may."""
    shipped.shelf.most_lines = 700
    await shipped.produce(range(12_000))
    async with shipping(shipped):
        pass
    assert shipped.results.stored == 12_000
    refused = shipped.outcomes[Outcome.TOO_LARGE]
    assert refused < shipped.outcomes[Outcome.STORED]
    assert 0 < refused < 25


async def test_a_backlog_leaves_half_of_the_time_to_others(shipped: Shipped) -> None:
    """A batch that took a second is followed by one of rest; the balance is shown meanwhile."""
    shipped.shelf.takes_s = 1.0 / BATCH_LINES
    await shipped.produce(range(10 * BATCH_LINES))
    async with shipping(shipped):
        await asyncio.sleep(10)
        assert len(shipped.shelf.written) in {5, 6}
        assert 0 < shipped.results.stored < 10 * BATCH_LINES
        await asyncio.sleep(12)
        assert shipped.results.pending == 0


async def test_a_slow_store_gets_smaller_batches(shipped: Shipped) -> None:
    """Down to what it takes in good time, and up again when it is well."""
    shipped.shelf.takes_s = 2.2 * SLOW_S / BATCH_LINES
    await shipped.produce(range(8 * BATCH_LINES))
    async with shipping(shipped):
        await asyncio.sleep(30)
        assert shipped.shelf.written[:3] == [BATCH_LINES, BATCH_LINES // 2, BATCH_LINES // 4]
        assert max(shipped.shelf.written[1:]) <= BATCH_LINES // 2
        shipped.shelf.takes_s = 0.0
        await asyncio.sleep(30)
        assert shipped.results.pending == 0
        assert shipped.shelf.written[-2] == BATCH_LINES


async def test_a_stop_ends_a_backlog_in_time(shipped: Shipped) -> None:
    """However much waits and however slow the store: it gets FLUSH_S, and then we go."""
    shipped.shelf.takes_s = 0.5 / BATCH_LINES
    await shipped.produce(range(20 * BATCH_LINES))
    loop = asyncio.get_running_loop()
    async with shipping(shipped):
        await asyncio.sleep(3)
        before = loop.time()
    assert loop.time() - before <= FLUSH_S + 0.1
    assert 0 < len(shipped.shelf.points) < 20 * BATCH_LINES


async def test_points_older_than_the_bucket_keeps_are_dropped(shipped: Shipped) -> None:
    """Counted, told once, and never in the way of the others."""
    shipped.shelf.expired_before_s = 900
    await shipped.produce(range(1_000))
    async with shipping(shipped):
        await asyncio.sleep(1)
        assert shipped.results == Balance(produced=1_000, stored=100, dropped=900)
    (trouble,) = shipped.told("trouble")
    assert trouble["reason"] == "900 points are older than the bucket keeps"


async def test_what_was_stored_and_not_acknowledged_is_stored_once(shipped: Shipped) -> None:
    """The ledger fails after the store answered: written again, in its place, counted once."""
    async with shipping(shipped):
        await shipped.produce(range(10))
        with shipped.refusing():
            await asyncio.sleep(3)
            assert len(shipped.shelf.points) == 10
            assert shipped.results.stored == 0
        await asyncio.sleep(31)
        assert shipped.results == Balance(produced=10, stored=10)
    assert len(shipped.shelf.written) > 1
    assert len(shipped.shelf.points) == 10
    assert shipped.told("ledger_failed")


async def test_a_ledger_that_fails_at_the_start_is_asked_again(shipped: Shipped) -> None:
    """Without a cursor nothing is written; with the disk's return all is."""
    await shipped.produce(range(3))
    with shipped.refusing():
        async with shipping(shipped):
            await asyncio.sleep(60)
            assert shipped.shelf.written == []
            shipped.ledger._writer._connection.execute("PRAGMA query_only = OFF")
            await asyncio.sleep(31)
            assert len(shipped.shelf.points) == 3


async def test_a_stop_flushes_what_waits(shipped: Shipped) -> None:
    """The newest results are not left for the next start where the store takes them."""
    async with shipping(shipped):
        await asyncio.sleep(0.5)
        await shipped.produce(range(3))
    assert len(shipped.shelf.points) == 3


async def test_a_hung_store_does_not_delay_a_stop(shipped: Shipped) -> None:
    """FLUSH_S is all it gets; what is left waits in the ledger."""
    await shipped.produce(range(3))
    shipped.shelf.hangs = True
    async with shipping(shipped):
        await asyncio.sleep(5)
    found = await shipped.ledger.read(
        lambda c: c.execute("SELECT acknowledged, produced FROM shipped").fetchall()
    )
    assert (0, 3) in found


async def test_a_stop_ends_a_long_rest(shipped: Shipped) -> None:
    """Nobody waits out a backoff; one last attempt is made."""
    shipped.shelf.failure = WriteError(Outcome.TOKEN, "answered 401")
    await shipped.produce(range(3))
    loop = asyncio.get_running_loop()
    async with shipping(shipped):
        await asyncio.sleep(5)
        before = loop.time()
    assert loop.time() - before < 0.1
    assert len(shipped.shelf.written) == 2


async def test_a_stop_before_the_start_ends_it(shipped: Shipped) -> None:
    """A daemon that is stopped while it starts does not ship for ever."""
    shipped.shipper.stop()
    with capture_logs():
        await asyncio.wait_for(shipped.shipper.run(), 1)


async def test_cancelling_cancels(shipped: Shipped) -> None:
    """Cancellation is not mistaken for the end of the flush."""
    shipped.shelf.hangs = True
    await shipped.produce(range(3))
    with capture_logs():
        task = asyncio.ensure_future(shipped.shipper.run())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("bug", [TimeoutError, RecursionError, TypeError])
async def test_a_bug_ends_neither_shipping_nor_anything_else(
    shipped: Shipped, bug: type[Exception]
) -> None:
    """Told once and with its traceback, counted, tried again; what waited goes when it is over."""
    await shipped.produce(range(3))
    good = shipped.shelf.write

    async def broken(_body: bytes) -> int:
        raise bug("of a test")

    shipped.shelf.write = broken  # type: ignore[method-assign]  # a bug, in place of the method
    async with shipping(shipped):
        await asyncio.sleep(3 * LONGEST_WAIT_S + 1)
        assert shipped.outcomes == {Outcome.BROKEN: 4}
        shipped.shelf.write = good  # type: ignore[method-assign]  # as above
        await asyncio.sleep(LONGEST_WAIT_S)
        assert shipped.results == Balance(produced=3, stored=3)
        await asyncio.sleep(PEOPLES_WAIT_S)
        await shipped.produce(range(10, 11))
        await asyncio.sleep(REST_S + 0.1)
    (trouble,) = shipped.told("trouble")
    assert (trouble["outcome"], trouble["reason"]) == ("broken", bug.__name__)
    assert isinstance(trouble["exc_info"], bug)
    (recovered,) = shipped.told("recovered")
    assert recovered["over"] == ["broken"]


async def test_a_bug_in_the_balance_ends_nothing(shipped: Shipped) -> None:
    """Results are shipped all the same, whatever a page of the ledger that is damaged leads to."""
    async with shipping(shipped):
        await shipped.ledger.write(lambda c: c.execute("ALTER TABLE window_points RENAME TO gone"))
        await asyncio.sleep(60)
        await shipped.ledger.write(lambda c: c.execute("ALTER TABLE gone RENAME TO window_points"))
        await shipped.produce(range(3))
        await asyncio.sleep(LONGEST_WAIT_S)
        assert shipped.results == Balance(produced=3, stored=3)
    assert shipped.outcomes[Outcome.BROKEN] > 1
    (trouble,) = shipped.told("trouble")
    assert trouble["reason"] == "OperationalError"
