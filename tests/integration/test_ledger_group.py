"""Group commit in its own thread: it groups, and the loop runs on."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from aggregator.ledger import Ledger, LedgerError
from aggregator.results import RESULTS, SkippedSlot, had_at, insert_result, insert_skip, replay
from aggregator.window import Windows
from probes.result import Fault, ProbeResult, SkipReason, Verdict
from probes.target import Slot
from tests.integration.ledger_writer import NUMBERS, count, inserting
from tests.unit.aggregator.samples import result, stream, timeout

PATIENCE_S = 30.0


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger with its threads."""
    made = Ledger.open(tmp_path / "ledger.db", [NUMBERS, RESULTS])
    yield made
    await made.close()


class SlowDisk:
    """Makes the next commit wait until the test lets it go on."""

    def __init__(self) -> None:
        self.committing = threading.Event()
        self.go_on = threading.Event()

    def slow_down(self, connection: sqlite3.Connection) -> None:
        """Hold the writer's thread when it executes COMMIT."""

        def trace(statement: str) -> None:
            if statement == "COMMIT" and not self.go_on.is_set():
                self.committing.set()
                assert self.go_on.wait(PATIENCE_S)

        connection.set_trace_callback(trace)


async def slowed(ledger: Ledger, tasks: asyncio.TaskGroup) -> SlowDisk:
    """Return when a commit hangs in the disk."""
    disk = SlowDisk()
    tasks.create_task(ledger.write(disk.slow_down))
    assert await asyncio.to_thread(disk.committing.wait, PATIENCE_S)
    return disk


async def test_a_slow_commit_blocks_no_loop_and_gathers_the_rest(ledger: Ledger) -> None:
    """While the disk is busy the loop ticks on; all that came meanwhile is one transaction."""
    before = ledger.stats.commits
    async with asyncio.TaskGroup() as tasks:
        disk = await slowed(ledger, tasks)
        writes = [tasks.create_task(ledger.write(inserting(n))) for n in range(200)]
        ticks = 0
        for _ in range(1000):
            await asyncio.sleep(0)
            ticks += 1
        assert ticks == 1000
        assert ledger.stats.queued == 200
        assert not any(write.done() for write in writes)  # not acknowledged before the commit
        disk.go_on.set()
    assert ledger.stats.commits == before + 2
    assert ledger.stats.works == 201
    assert await ledger.read(count) == 200


async def test_reads_do_not_wait_for_a_slow_commit(ledger: Ledger) -> None:
    """Pages show what is committed while the writer's disk hangs."""
    await ledger.write(inserting(1))
    async with asyncio.TaskGroup() as tasks:
        disk = await slowed(ledger, tasks)
        async with asyncio.timeout(PATIENCE_S):
            assert await ledger.read(count) == 1
        disk.go_on.set()


async def test_one_bad_work_in_a_group_is_undone_alone(ledger: Ledger) -> None:
    """Its mates of the same transaction are written and acknowledged."""
    async with asyncio.TaskGroup() as tasks:
        disk = await slowed(ledger, tasks)
        good = [tasks.create_task(ledger.write(inserting(n))) for n in (1, 2)]
        bad = asyncio.ensure_future(ledger.write(inserting(1)))
        more = tasks.create_task(ledger.write(inserting(3)))
        await asyncio.sleep(0)
        disk.go_on.set()
        with pytest.raises(sqlite3.IntegrityError):
            await bad
    assert [write.exception() for write in (*good, more)] == [None, None, None]
    assert ledger.stats.commits == 2
    assert await ledger.read(count) == 3


async def test_a_failing_transaction_fails_all_of_its_works(ledger: Ledger) -> None:
    """When the file is full nobody of the group is told that it was written; later ones are."""
    limit = "PRAGMA max_page_count = "

    def shrink(connection: sqlite3.Connection) -> None:
        connection.execute(limit + "1").fetchall()  # no fewer than there are: no room for more

    async with asyncio.TaskGroup() as tasks:
        disk = await slowed(ledger, tasks)
        works: list[Callable[[sqlite3.Connection], None]] = [
            inserting(1),
            shrink,
            inserting(2, size_bytes=1_000_000),
            inserting(3),
        ]
        writes = [asyncio.ensure_future(ledger.write(work)) for work in works]
        await asyncio.sleep(0)
        disk.go_on.set()
        for write in writes:
            with pytest.raises(LedgerError, match="database or disk is full"):
                await write
    assert await ledger.read(count) == 0
    assert ledger.stats.failed_commits == 1
    await ledger.write(lambda connection: connection.execute(limit + "1000000").fetchall())
    await ledger.write(inserting(1))
    assert await ledger.read(count) == 1


async def test_a_cancelled_write_is_written_all_the_same(ledger: Ledger) -> None:
    """Who stops waiting takes nothing back, and harms nobody in the group."""
    async with asyncio.TaskGroup() as tasks:
        disk = await slowed(ledger, tasks)
        leaving = tasks.create_task(ledger.write(inserting(1)))
        staying = tasks.create_task(ledger.write(inserting(2)))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        assert leaving.cancelled()
        disk.go_on.set()
    assert staying.exception() is None
    assert await ledger.read(count) == 2


async def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    """What was given before closing is on the disk after it, and the log is folded away."""
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(path, [NUMBERS])
    async with asyncio.TaskGroup() as tasks:
        disk = await slowed(ledger, tasks)
        for n in range(10):
            tasks.create_task(ledger.write(inserting(n)))
        await asyncio.sleep(0)
        closing = tasks.create_task(ledger.close())
        await asyncio.sleep(0)
        disk.go_on.set()
    assert closing.exception() is None
    assert files_beside(path) == {"ledger.db", "ledger.db.lock"}
    again = Ledger.open(path, [NUMBERS])
    assert await again.read(count) == 10
    await again.close()


async def test_a_hanging_read_delays_no_write_at_closing(tmp_path: Path) -> None:
    """A reader that does not end is given up on; what was written is kept and the file let go."""
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(path, [NUMBERS])
    await ledger.write(inserting(1))
    reading, go_on = threading.Event(), threading.Event()

    def hang(connection: sqlite3.Connection) -> None:
        count(connection)
        reading.set()
        assert go_on.wait(PATIENCE_S)

    stuck = asyncio.ensure_future(ledger.read(hang))
    assert await asyncio.to_thread(reading.wait, PATIENCE_S)
    await ledger.write(inserting(2))
    with pytest.raises(LedgerError, match="did not finish"):
        await ledger.close(timeout_s=1.0)
    with pytest.raises(LedgerError, match="unknown"):
        await stuck
    again = Ledger.open(path, [NUMBERS])
    assert await again.read(count) == 2
    await again.close()
    go_on.set()


def files_beside(path: Path) -> set[str]:
    """Return the names of what lies in a ledger's directory."""
    return {file.name for file in path.parent.iterdir()}


def afternoon() -> list[ProbeResult | SkippedSlot]:
    """Return some eventful hours of two targets, in the order they were had."""
    kinds = [
        result(cost_usd=0.001),
        stream(0.3, 1.7, 12),
        timeout(30.0),
        result(verdict=Verdict.SERVER_ERROR, fault=Fault.PROVIDER, total_s=0.1),
        result(verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR, total_s=0.0),
        stream(0.2, 0.9, 7, stream_tainted=True),
    ]
    names = ProbeResult.__slots__
    happened: list[ProbeResult | SkippedSlot] = []
    for number in range(300):
        target, at = "ab"[number % 2], 1_700_000_000.0 + 40.0 * number
        if number % 11 == 0:
            slot = Slot(number, at)
            happened.append(SkippedSlot(target, "here", slot, SkipReason.IN_FLIGHT, at))
            continue
        fields = {name: getattr(kinds[number % len(kinds)], name) for name in names}
        said = {"target": target, "slot": number, "slot_at": at, "at": at}
        happened.append(ProbeResult(**{**fields, **said}))
        if number % 13 == 0:
            happened.append(ProbeResult(**{**fields, **said, "attempt": 2}))
    return happened


def fold(windows: Windows, one: ProbeResult | SkippedSlot) -> None:
    """Count one row the way the daemon does, on the wall's time."""
    if isinstance(one, SkippedSlot):
        windows.missed(one.target, one.at)
    else:
        windows.ingest(one, had_at(one))


async def test_a_restart_finds_its_windows_again(ledger: Ledger) -> None:
    """Replaying the ledger gives the very summaries there were before."""
    before, after = Windows(3600.0), Windows(3600.0)

    def insert(one: ProbeResult | SkippedSlot) -> Callable[[sqlite3.Connection], bool]:
        if isinstance(one, ProbeResult):
            return lambda connection: insert_result(connection, one)
        return lambda connection: insert_skip(
            connection,
            target=one.target,
            location=one.location,
            slot=one.slot,
            reason=one.reason,
            at=one.at,
        )

    for one in afternoon():
        await ledger.write(insert(one))
        fold(before, one)
    now = 1_700_000_000.0 + 40.0 * 300

    def feed(connection: sqlite3.Connection) -> None:
        for one in replay(connection, 0.0, 1e12):
            fold(after, one)

    await ledger.read(feed)
    for targets in (("a",), ("b",), ("a", "b")):
        for over_s in (300.0, 900.0, 3600.0):
            found = before.summary(targets, over_s, now)
            assert found.n > 0
            assert found == after.summary(targets, over_s, now)
