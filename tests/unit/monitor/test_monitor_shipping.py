"""What is shipped beside results: points of windows; and the counts of the spool."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_result
from aggregator.stores.spool import SPOOL, Balance, Stream, pending_windows
from aggregator.summary import Summary
from aggregator.window import Windows
from monitor.clock import Clock
from monitor.collectors import WindowReading
from monitor.config.values import Influxdb, Store
from monitor.shipping import POINTS_TOGETHER, Shipping, window_lines
from probes.result import Operation
from probes.target import Target
from tests.unit.aggregator.samples import result
from tests.unit.aggregator.stores.shelf import Shelf
from tests.unit.aggregator.stores.spools import HERE

pytestmark = pytest.mark.looptime

NOON = 1_763_035_200.0


def target(name: str) -> Target:
    return Target(
        name=name,
        provider="p",
        preset="compatible",
        model="m",
        operation=Operation.CHAT,
        prompt="hi",
        interval_s=60.0,
    )


class Wired:
    """Shipping on a ledger without threads; the wall clock reads NOON when loop time is 0."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger.open(folder / "ledger.db", (RESULTS, SPOOL), inline=True)
        self.shelf = Shelf()
        self.registry = CollectorRegistry()
        self.readings: list[WindowReading] = []
        loop = asyncio.get_running_loop()
        self.shipping = Shipping(
            Store(max_size_bytes=4_000_000),
            Influxdb(destination=HERE),
            self.shelf,
            self.ledger,
            Clock(lambda: NOON + loop.time(), loop.time),
            "here",
            self.registry,
            lambda: self.readings,
        )

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@asynccontextmanager
async def wiring(folder: Path) -> AsyncIterator[Wired]:
    """Run the shipper and the making of points of windows while the block runs."""
    made = Wired(folder)
    with capture_logs():
        tasks = [
            asyncio.ensure_future(made.shipping.shipper.run()),
            asyncio.ensure_future(made.shipping.keep_windows()),
        ]
        await asyncio.sleep(0.01)
        yield made
        for task in tasks:
            assert not task.done()
            task.cancel()
        await asyncio.wait(tasks)
    await made.ledger.close()


def summary_of(number: int) -> Summary:
    """Summarise so many good results of a second each."""
    windows = Windows(longest_s=300.0)
    for slot in range(number):
        windows.ingest(result(slot=slot, at=float(slot)), float(slot))
    return windows.summary(("chat",), 300.0, float(number))


def reading(number: int, name: str = "chat") -> WindowReading:
    return WindowReading(target(name), summary_of(number))


def test_a_point_of_a_window() -> None:
    """Milliseconds, the percentiles that are known, and the window's length as a tag."""
    (line,) = window_lines([reading(30)], "here", 60)
    head, fields, time = line.split(" ")
    about = target("chat")
    assert head == (
        f"api_window,location=here,model={about.model},operation={Operation.CHAT},"
        f"provider={about.provider},target=chat,window=5m"
    )
    values = dict(field.split("=") for field in fields.split(","))
    known = ("count", "error_rate", "mean", "p50", "p95", "p99", "std")
    assert [values[name] for name in known] == ["30", "0", "1000", "1000", "1000", "1000", "0"]
    assert "p999" not in values, "thirty results state no p99.9"
    assert time == "60000000000"


def test_a_window_without_results_says_so() -> None:
    """A count of zero, and nothing made up."""
    (line,) = window_lines([reading(0)], "here", 60)
    assert line.split(" ")[1] == "count=0"


async def test_every_minute_has_its_points(tmp_path: Path) -> None:
    """Once a minute, on the minute, for each reading of the newest evaluation."""
    async with wiring(tmp_path) as wired:
        wired.readings = [reading(3, "a"), reading(3, "b")]
        await asyncio.sleep(59)
        assert wired.shelf.points == {}
        await asyncio.sleep(125)
        times = sorted(int(time) // 10**9 - int(NOON) for _, time in wired.shelf.points)
        assert times == [60, 60, 120, 120, 180, 180]
        assert wired.shipping.shipper.balances[Stream.WINDOWS] == Balance(produced=6, stored=6)


async def test_many_points_go_in_portions_and_let_others_run(tmp_path: Path) -> None:
    """Thousands of targets are encoded a little at a time and saved in rows of a bounded size."""
    async with wiring(tmp_path) as wired:
        alike = reading(3)
        wired.readings = [WindowReading(target(f"t{n}"), alike.summary) for n in range(1_200)]
        await asyncio.sleep(62)
        assert wired.shelf.written == [POINTS_TOGETHER, POINTS_TOGETHER, 200]


async def test_points_the_ledger_does_not_take_are_counted(tmp_path: Path) -> None:
    """Nobody has them: that is a number of its own, and the next minute is tried again."""
    async with wiring(tmp_path) as wired:
        wired.readings = [reading(3)]
        writer = wired.ledger._writer._connection
        writer.execute("PRAGMA query_only = ON")
        await asyncio.sleep(70)
        writer.execute("PRAGMA query_only = OFF")
        assert wired.sample("sonde_spool_lost_points_total") == 1
        await asyncio.sleep(60)
        assert wired.shipping.shipper.balances[Stream.WINDOWS].produced == 1


async def test_a_bug_in_a_point_ends_nothing(tmp_path: Path) -> None:
    """It is counted; results go on, and the next minute has its points."""
    async with wiring(tmp_path) as wired:
        wired.readings = [replace(reading(3), summary=None)]  # type: ignore[arg-type]  # a bug
        await asyncio.sleep(70)
        assert wired.sample("sonde_influxdb_writes_total", outcome="broken") == 1
        wired.readings = [reading(3)]
        await asyncio.sleep(60)
        assert wired.shipping.shipper.balances[Stream.WINDOWS].produced == 1


async def test_points_that_wait_are_bounded_by_the_ledgers_size(tmp_path: Path) -> None:
    """While the store is down they take a part of max_size and no more; the rest is counted."""
    async with wiring(tmp_path) as wired:
        wired.shelf.hangs = True
        alike = reading(3)
        wired.readings = [WindowReading(target(f"t{n}"), alike.summary) for n in range(1_200)]
        wired.shipping._limit_bytes = 50_000
        await asyncio.sleep(20 * 60)
        found = await wired.ledger.read(
            lambda c: c.execute("SELECT sum(length(lines)) FROM window_points").fetchone()
        )
        assert 0 < found[0] <= 50_000
        counts = await wired.ledger.read(
            lambda c: c.execute(
                "SELECT produced, dropped FROM shipped WHERE stream = 'windows'"
            ).fetchone()
        )
        assert counts[0] > counts[1] > 0
        assert (await wired.ledger.read(pending_windows)).lines


async def test_the_balance_is_exported(tmp_path: Path) -> None:
    """Pending, its age, and where everything else went, of one moment."""
    async with wiring(tmp_path) as wired:
        await wired.ledger.write(lambda c: insert_result(c, result(at=NOON)))
        await asyncio.sleep(2)
        names = ("produced_total", "stored_total", "dropped_total", "quarantined_total", "rows")
        values = [wired.sample(f"sonde_spool_{name}", stream="results") for name in names]
        assert values == [1, 1, 0, 0, 0]
        assert wired.sample("sonde_spool_oldest_seconds", stream="results") == 0
        assert wired.sample("sonde_influxdb_writes_total", outcome="stored") == 1
        assert wired.sample("sonde_influxdb_writes_total", outcome="token") == 0


async def test_the_age_of_what_waits_grows(tmp_path: Path) -> None:
    """It is that of the oldest, by the wall clock."""
    async with wiring(tmp_path) as wired:
        wired.shelf.hangs = True
        await wired.ledger.write(lambda c: insert_result(c, result(at=NOON - 50)))
        wired.shipping.shipper.balances = {
            Stream.RESULTS: Balance(produced=1, pending=1, oldest_at=NOON - 50)
        }
        age = wired.sample("sonde_spool_oldest_seconds", stream="results")
        assert age is not None
        assert 50 <= age < 60
