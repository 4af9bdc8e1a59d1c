"""The ledger's age and size, kept on a real file by the daemon's own task."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from aggregator.ledger import Ledger, LedgerLostError
from aggregator.results import RESULTS, insert_results, insert_skip, size_bytes
from aggregator.rollup.table import ROLLUPS, points
from alerting.alert import Identity
from alerting.outbox import enqueue
from alerting.routing.router import Decision, Event
from alerting.routing.store import log_decisions
from alerting.store import ALERTING
from monitor.clock import Clock
from monitor.config.values import Store
from monitor.housekeeping import CHUNK_ROWS, CHUNKS_A_TURN, EVERY_S, OUTBOX_KEPT_S, keep_house
from monitor.metrics import DroppedKind, Metrics
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
    made = Ledger.open(tmp_path / "ledger.db", (RESULTS, ROLLUPS, ALERTING))
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


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(name, labels)
    assert found is not None
    return found


def dropped(metrics: Metrics) -> float:
    """Count what went for want of room."""
    return sum(value(metrics, "sonde_ledger_dropped_rows_total", kind=kind) for kind in DroppedKind)


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
    async with keeping(ledger, store(), metrics):
        await until(lambda: ledger.read(lambda c: len(ages(c)) <= 100))
    assert await ledger.read(ages) == list(range(0, 1000, 10))
    assert await ledger.read(lambda c: ages(c, "skips")) == [60]
    assert await ledger.read(rolled_up) == (100 + old, 2)
    assert dropped(metrics) == 0, "rows whose time was over were not dropped for want of room"


def rolled_up(connection: sqlite3.Connection, step_s: int = 86_400) -> tuple[int, int]:
    """Count the results and the missed slots that a chart of all time shows."""
    said = [point.summary for point in points(connection, "chat", 0, 2 * NOW, step_s)]
    return sum(each.n for each in said), sum(each.missed for each in said)


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
    # Room for a little more than half of the rows, and for their roll-ups, which are few: two
    # chunks of four have to go.
    limit = empty + round((full - empty) * 0.6)
    with capture_logs() as logs:
        async with keeping(ledger, store(limit), metrics):
            await until(counted(metrics))
    assert await ledger.read(size_bytes) <= limit
    assert await ledger.read(ages) == list(range(2 * CHUNK_ROWS))
    assert dropped(metrics) == 2 * CHUNK_ROWS
    assert await ledger.read(rolled_up) == (rows, 0)
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


async def test_roll_ups_go_by_their_own_ages(ledger: Ledger) -> None:
    """Minutes and hours have a time of their own; days stay for ever."""
    day, metrics = 86_400, Metrics("here", "0")
    kept = Store(
        max_size_bytes=LARGE,
        retention_results_s=day,
        retention_minutes_s=10 * day,
        retention_hours_s=100 * day,
    )
    await ledger.write(filled(range(5 * day, 200 * day, 15 * day)))
    async with keeping(ledger, kept, metrics):
        await until(lambda: ledger.read(lambda c: ages(c) == [] and rolled_up(c, 3_600)[0] == 7))
        await until(lambda: ledger.read(lambda c: rolled_up(c, 60)[0] == 1))
    assert await ledger.read(rolled_up) == (13, 0)


async def test_minutes_go_for_want_of_room_when_no_result_is_left(ledger: Ledger) -> None:
    """First the oldest results, then the oldest minutes; hours and days are never dropped."""
    day, metrics = 86_400, Metrics("here", "0")
    await ledger.write(filled(range(0, 10 * day, 3_600)))
    async with keeping(ledger, store(1), metrics):
        await until(counted(metrics))
    assert await ledger.read(ages) == []
    minutes, _ = await ledger.read(lambda c: rolled_up(c, 60))
    assert minutes <= 1, "an hour that goes on is in no hour yet"
    assert await ledger.read(lambda c: rolled_up(c, 3_600)) == (240, 0)
    # 25 results were no older than a day; for the others their age was reason enough.
    assert dropped(metrics) == 25 + 240 - minutes
    assert value(metrics, "sonde_ledger_dropped_rows_total", kind="results") == 25


async def test_what_is_not_rolled_up_is_not_deleted_for_its_age(ledger: Ledger) -> None:
    """A bucket that nobody can read ends no probes: it is told, and results stay until it is."""
    metrics = Metrics("here", "0")
    await ledger.write(filled(range(90_000, 90_010)))
    await ledger.write(broken)
    with capture_logs() as logs:
        async with keeping(ledger, store(), metrics):
            await until(lambda: told(logs))
        assert len(await ledger.read(ages)) == 10
        async with keeping(ledger, store(1), metrics):
            await until(counted(metrics))
    assert await ledger.read(ages) == [], "the size is the harder bound"
    assert value(metrics, "sonde_rollup_failures_total") == 2
    assert {event["event"] for event in logs} == {"rollup.broken", "ledger.full"}


async def test_rows_in_no_roll_up_are_counted(ledger: Ledger) -> None:
    """Those whose time is impossible: once each, however often the ledger is opened."""
    await ledger.write(lambda c: insert_results(c, [result(slot=n, at=-5.0) for n in range(3)]))
    for _ in range(2):
        metrics = Metrics("here", "0")
        async with keeping(ledger, store(), metrics):
            await until(lambda m=metrics: counts(m, 3))


async def counts(metrics: Metrics, rows: int) -> bool:
    return value(metrics, "sonde_rollup_left_out_rows") == rows


@pytest.mark.looptime
@pytest.mark.parametrize("turns", [0, 1])
async def test_a_ledger_that_is_gone_ends_the_daemon(tmp_path: Path, turns: int) -> None:
    """What is written would be lost: at the next turn a supervisor is to start us again."""
    path = tmp_path / "virtual.db"
    ledger = Ledger.open(path, (RESULTS, ROLLUPS, ALERTING), inline=True)
    clock = Clock(lambda: NOW, asyncio.get_running_loop().time)
    house = asyncio.create_task(keep_house(ledger, store(), clock, Metrics("here", "0")))
    await asyncio.sleep(turns * EVERY_S - 1 if turns else 0)
    assert not house.done()
    path.unlink()
    with capture_logs() as logs, pytest.raises(LedgerLostError, match="not the one that is open"):
        async with asyncio.timeout(2 * EVERY_S):
            await house
    assert [event["event"] for event in logs] == ["ledger.lost"]
    await ledger.close()


async def test_the_file_shrinks_with_what_is_in_it(tmp_path: Path) -> None:
    """Pages that are emptied go back to the file system, in the background."""
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(path, (RESULTS, ROLLUPS, ALERTING))
    await ledger.write(filled(range(90_000, 93_000)))
    await ledger.write(lambda c: c.execute("CREATE TABLE more (x BLOB)"))
    await ledger.write(lambda c: c.execute("INSERT INTO more VALUES (zeroblob(4000000))"))
    await ledger.write(lambda c: c.execute("DELETE FROM more"))
    async with keeping(ledger, store(), Metrics("here", "0")):
        await until(lambda: ledger.read(lambda c: ages(c) == []))
        await until(lambda: ledger.read(no_free_pages))
    await ledger.close()
    assert path.stat().st_size < 500_000


def no_free_pages(connection: sqlite3.Connection) -> bool:
    return connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def broken(connection: sqlite3.Connection) -> None:
    """Leave a bucket of no known version where the results of 90,000 s ago belong."""
    connection.execute("INSERT INTO rollup_series VALUES (1, 'chat', 'here')")
    numbers = {(int(NOW) - age) // 60 for age in range(90_000, 90_010)}
    connection.executemany(
        "INSERT INTO rollups VALUES (0, 1, ?, 0, x'09')", [(number,) for number in numbers]
    )


async def told(logs: list[EventDict]) -> bool:
    return any(event["event"] == "rollup.broken" for event in logs)


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


async def test_decisions_go_with_the_messages_they_led_to(ledger: Ledger) -> None:
    """Why somebody was told, or was not, can be asked for two weeks; then it takes no room."""
    decision = Decision(Identity("Down", ()), Event.ROUTED)

    def fill(connection: sqlite3.Connection) -> None:
        log_decisions(connection, [decision] * (CHUNK_ROWS + 1), NOW - OUTBOX_KEPT_S - 60)
        log_decisions(connection, [decision], NOW - OUTBOX_KEPT_S + 60)

    def left(connection: sqlite3.Connection) -> int:
        (rows,) = connection.execute("SELECT count(*) FROM alert_log").fetchone()
        return int(rows)

    await ledger.write(fill)
    async with keeping(ledger, store(), Metrics("here", "0")):
        await until(lambda: ledger.read(lambda c: left(c) == 1))


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
    ledger = Ledger.open(tmp_path / "virtual.db", (RESULTS, ROLLUPS, ALERTING), inline=True)
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
