"""The ledger's age and size, kept on a real file by the daemon's own task."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results, insert_skip, size_bytes
from alerting.outbox import enqueue
from alerting.store import ALERTING
from monitor.clock import Clock
from monitor.config.values import Store
from monitor.housekeeping import CHUNK_ROWS, CHUNKS_A_TURN, EVERY_S, OUTBOX_KEPT_S, keep_house
from monitor.metrics import Metrics
from probes.result import SkipReason
from probes.target import Slot
from tests.unit.aggregator.samples import result
from tests.unit.alerting.messages import firing

NOW = 1_750_000_000.0
RETENTION_S = 86_400.0
LARGE = 2**40


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger with its threads."""
    made = Ledger.open(tmp_path / "ledger.db", (RESULTS, ALERTING))
    yield made
    await made.close()


def store(max_size_bytes: int = LARGE) -> Store:
    return Store(max_size_bytes=max_size_bytes, retention_results_s=RETENTION_S)


def filled(ages_s: range) -> Callable[[sqlite3.Connection], int]:
    """Record a result of each of these ages."""
    return lambda c: insert_results(c, [result(slot=age, at=NOW - age) for age in ages_s])


def ages(connection: sqlite3.Connection, table: str = "results") -> list[int]:
    """Ages of a table's rows, the youngest first."""
    rows = connection.execute(f"SELECT at FROM {table} ORDER BY at DESC").fetchall()
    return [round(NOW - at) for (at,) in rows]


@asynccontextmanager
async def keeping(ledger: Ledger, kept: Store, metrics: Metrics) -> AsyncIterator[None]:
    """Keep house at NOW while the block runs."""
    clock = Clock(lambda: NOW, asyncio.get_running_loop().time)
    task = asyncio.create_task(keep_house(ledger, kept, clock, metrics))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(look: Callable[[], Awaitable[object]]) -> None:
    """Wait until things are as they should be; a minute of waiting is a failure."""
    async with asyncio.timeout(60):
        while not await look():  # noqa: ASYNC110 - the ledger's threads know no event of ours
            await asyncio.sleep(0.01)


def dropped(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("sonde_ledger_dropped_rows_total")


def counted(metrics: Metrics) -> Callable[[], Awaitable[bool]]:
    """Ask whether rows have been counted as dropped, which is the end of a turn."""

    async def look() -> bool:
        return bool(dropped(metrics))

    return look


async def test_what_is_too_old_goes_in_chunks(ledger: Ledger) -> None:
    """Results and skips beyond the retention go, the oldest first; the younger ones stay."""
    old, metrics = 2 * CHUNK_ROWS + 500, Metrics("here", "0")
    await ledger.write(filled(range(0, 1000, 10)))
    await ledger.write(filled(range(90_000, 90_000 + old)))
    for slot, age_s in enumerate((60.0, RETENTION_S + 60.0)):
        await ledger.write(lambda c, slot=slot, age_s=age_s: skipped(c, slot, NOW - age_s))
    before = ledger.stats.commits
    async with keeping(ledger, store(), metrics):
        # Three chunks of rows that were too old, and one look at the outbox.
        await until(committed(ledger, before + 4))
    assert await ledger.read(ages) == list(range(0, 1000, 10))
    assert await ledger.read(lambda c: ages(c, "skips")) == [60]
    assert ledger.stats.commits == before + 4
    assert dropped(metrics) == 0, "rows whose time was over were not dropped for want of room"


def committed(ledger: Ledger, commits: int) -> Callable[[], Awaitable[bool]]:
    """Ask whether the ledger has committed that often."""

    async def look() -> bool:
        return ledger.stats.commits >= commits

    return look


def skipped(connection: sqlite3.Connection, slot: int, at: float) -> None:
    insert_skip(
        connection,
        target="chat",
        location="here",
        slot=Slot(slot, at),
        reason=SkipReason.LATE,
        at=at,
    )


async def test_too_much_goes_the_oldest_first_and_no_more_than_needed(ledger: Ledger) -> None:
    """Above `max_size` chunks of the oldest rows are dropped until it fits, told and counted."""
    rows, metrics = 4 * CHUNK_ROWS, Metrics("here", "0")
    empty = await ledger.read(size_bytes)
    await ledger.write(filled(range(rows)))
    full = await ledger.read(size_bytes)
    # Room for a little more than half of the rows: two chunks of four have to go.
    limit = empty + round((full - empty) * 0.55)
    before = ledger.stats.commits
    with capture_logs() as logs:
        async with keeping(ledger, store(limit), metrics):
            await until(counted(metrics))
    assert await ledger.read(size_bytes) <= limit
    assert await ledger.read(ages) == list(range(2 * CHUNK_ROWS))
    assert dropped(metrics) == 2 * CHUNK_ROWS
    # A look for old rows, one at the outbox, and two chunks.
    assert ledger.stats.commits == before + 4
    (told,) = [event for event in logs if event["event"] == "ledger.full"]
    assert (told["dropped"], told["max_size_bytes"]) == (2 * CHUNK_ROWS, limit)


async def test_a_ledger_that_nothing_fits_into_loses_its_rows_and_no_more(ledger: Ledger) -> None:
    """A size that even empty tables exceed ends when there is nothing left to drop."""
    metrics = Metrics("here", "0")
    await ledger.write(filled(range(10)))
    async with keeping(ledger, store(1), metrics):
        await until(counted(metrics))
    assert await ledger.read(ages) == []
    assert dropped(metrics) == 10


async def test_settled_messages_go_and_unsettled_ones_stay(ledger: Ledger) -> None:
    """The outbox forgets what was sent two weeks ago, and never what is still to be sent."""
    created = {"old": NOW - OUTBOX_KEPT_S - 60, "young": NOW - OUTBOX_KEPT_S + 60}

    def fill(connection: sqlite3.Connection) -> None:
        for name, at in created.items():
            enqueue(connection, [firing(name), firing(f"{name}_waiting")], ["team"], at)
        settled = "UPDATE outbox SET status = 'sent' WHERE fingerprint IN ('old', 'young')"
        connection.execute(settled)

    await ledger.write(fill)
    async with keeping(ledger, store(), Metrics("here", "0")):
        await until(lambda: ledger.read(lambda c: "old" not in fingerprints(c)))
    assert await ledger.read(fingerprints) == {"old_waiting", "young", "young_waiting"}


def fingerprints(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT fingerprint FROM outbox")}


@contextmanager
def refusing(ledger: Ledger) -> Iterator[None]:
    """Let the file take no writes, as on a disk that went read-only."""
    writer = ledger._writer._connection
    writer.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        writer.execute("PRAGMA query_only = OFF")


@pytest.mark.looptime
async def test_a_failing_disk_ends_nothing_and_every_minute_is_another_turn(
    tmp_path: Path,
) -> None:
    """A turn that fails is told; a minute later the next one does what it could not.

    A turn is bounded too: what is left over after it waits for the next.
    """
    ledger = Ledger.open(tmp_path / "virtual.db", (RESULTS, ALERTING), inline=True)
    rows = CHUNKS_A_TURN * CHUNK_ROWS + 10
    await ledger.write(filled(range(90_000, 90_000 + rows)))
    with capture_logs() as logs:
        async with keeping(ledger, store(), Metrics("here", "0")):
            with refusing(ledger):
                await asyncio.sleep(EVERY_S / 2)
            assert [event["event"] for event in logs] == ["ledger.housekeeping_failed"]
            assert len(await ledger.read(ages)) == rows
            await asyncio.sleep(EVERY_S)
            assert len(await ledger.read(ages)) == 10
            await asyncio.sleep(EVERY_S)
            assert await ledger.read(ages) == []
    assert len(logs) == 1
    await ledger.close()
