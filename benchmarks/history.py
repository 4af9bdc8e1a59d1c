"""The ledger at the size that counts: 200 targets once a minute for 30 days, then questions.

A daemon's month passes day by day: results come, are rolled up every six hours of theirs by the
daemon's own roller, and are deleted when they are two weeks old. `--quick` has a tenth of the
targets and as many days, and says so. Results are written in bulk, which no daemon does, and works
follow each other at once, where a daemon's writer gathers them for 50 ms: 86,400 times. What a
daemon takes is measured in the end, on the ledger as it is then: the last six hours rolled up, and
results taken in one by one.
"""

import asyncio
import random
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_result, insert_results, prune, size_bytes
from aggregator.rollup.roller import COMPACT_GROUPS, FOLD_ROWS, GRACE_S, Roller
from aggregator.rollup.table import Level
from aggregator.stores.history import History
from aggregator.stores.ledger_history import LedgerHistory
from aggregator.transfer.columns import NAMES
from benchmarks.latency import Size
from benchmarks.report import Report, drawn, met
from monitor.daemon import SCHEMAS
from monitor.housekeeping import CHUNK_ROWS
from probes.result import Fault, Operation, ProbeResult, Verdict

T = TypeVar("T")
Row = tuple[str, str, str, str]

TARGETS: Final = {Size.QUICK: 20, Size.DEFAULT: 200, Size.FULL: 200}
DAYS: Final = 30
KEPT_DAYS: Final = 14
"""How long results are kept, unless the configuration says otherwise."""
MINUTES_A_DAY: Final = 1_440
MINUTES_A_TURN: Final = 360
"""Between two turns of the roller: 72,000 results of 200 targets, less than a turn takes."""
TOGETHER: Final = 10
"""Minutes written in one transaction."""
POOL: Final = 4_000
"""Different results: as many as make the sizes of buckets and rows those of real ones."""
TAKEN_IN: Final = 20_000
AT_ONCE: Final = 200
"""Results that come together: of 200 targets probed in the same second."""
CHART_LIMIT_MS: Final = 200.0
BYTES_LIMIT: Final = 60.0
LAG_LIMIT_MS: Final = 10.0
LAG_EVERY_S: Final = 0.01
CONFIG: Final = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [{name: target-0, provider: p, model: m}]
store: {path: history.db}
"""


def probe(chance: random.Random, slot: int = 0) -> ProbeResult:
    """Return a streamed answer, the dearest kind of result: one in a hundred is a timeout."""
    first_s = chance.lognormvariate(-1.0, 0.4)
    failed = chance.random() < 0.01
    last_s = first_s + chance.lognormvariate(0.0, 0.5)
    return ProbeResult(
        target="t",
        provider="openai",
        model="gpt-4o-mini",
        operation=Operation.CHAT,
        location="here",
        slot=slot,
        slot_at=0.0,
        at=0.0,
        verdict=Verdict.TIMEOUT if failed else Verdict.OK,
        fault=Fault.PROVIDER if failed else Fault.NONE,
        total_s=30.0 if failed else last_s,
        first_token_s=None if failed else first_s,
        last_token_s=None if failed else last_s,
        input_tokens=None if failed else 21,
        output_tokens=None if failed else chance.randint(20, 60),
        cost_usd=None if failed else 21 * 0.15e-6 + 40 * 0.6e-6,
        request_id=f"req_{chance.getrandbits(96):024x}",
    )


class Timed:
    """A ledger, and how long works of each stage had its writer, ms."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ms: defaultdict[str, list[float]] = defaultdict(list)
        self.stage = ""

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Write, as the ledger does."""
        # A roller's fold is a lambda, its compacting a partial: the table has a line for each.
        stage = f"{self.stage} {work.func.__name__}" if isinstance(work, partial) else self.stage

        def timed(connection: sqlite3.Connection) -> T:
            began = time.perf_counter()
            try:
                return work(connection)
            finally:
                self.ms[stage].append((time.perf_counter() - began) * 1e3)

        return await self.ledger.write(timed, timeout_s=None)


@asynccontextmanager
async def lagging(into: list[float]) -> AsyncIterator[None]:
    """Note meanwhile how late the loop wakes a sleeper, ms."""
    loop = asyncio.get_running_loop()

    async def watch() -> None:
        while True:
            due = loop.time() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            into.append((loop.time() - due) * 1e3)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch(), name="lag")
        yield
        watching.cancel()


class Month:
    """30 days of a ledger."""

    def __init__(self, ledger: Ledger, targets: int) -> None:
        self.timed = Timed(ledger)
        self.rolling_s = 0.0
        self.targets = targets
        self.since = int(time.time()) // Level.DAY * Level.DAY - DAYS * Level.DAY
        self.until = self.since + DAYS * Level.DAY
        self._chance = random.Random(1)  # the same every time
        # It writes, and asks no more of a ledger.
        self._roller = Roller(self.timed)  # type: ignore[arg-type]
        self._pool: list[Sequence[object]] = []

    @property
    def results(self) -> int:
        return self.targets * DAYS * MINUTES_A_DAY

    @property
    def turn_results(self) -> int:
        return self.targets * MINUTES_A_TURN

    async def pass_by(self) -> None:
        """Let all of it pass but for the last turn of the roller, and say how far it is."""
        self._pool = made(self._chance)
        for day in range(DAYS):
            print(f"\rhistory: day {day + 1} of {DAYS}", end="", file=sys.stderr, flush=True)
            start = self.since + day * Level.DAY
            for at in range(start, start + Level.DAY, 60 * MINUTES_A_TURN):
                await self._come(at)
                behind = at + 60 * MINUTES_A_TURN
                if behind < self.until:
                    self.rolling_s += await self.roll_up(behind)
            await self.forget(start - (KEPT_DAYS - 1) * Level.DAY)
        print(file=sys.stderr)

    async def _come(self, at: int) -> None:
        self.timed.stage = "come"
        for first in range(at, at + 60 * MINUTES_A_TURN, 60 * TOGETHER):
            rows = [
                row
                for minute in range(first, first + 60 * TOGETHER, 60)
                for row in self._minute(minute)
            ]
            await self.timed.write(partial(insert, rows=rows))

    def _minute(self, at: int) -> Iterator[Sequence[object]]:
        for target in range(self.targets):
            row = dict(zip(NAMES, self._chance.choice(self._pool), strict=True))
            sent_at = at + 60.0 * target / self.targets
            row |= {"target": f"target-{target}", "slot": at // 60, "slot_at": sent_at}
            row |= {"at": sent_at, "request_id": f"req_{self._chance.getrandbits(96):024x}"}
            yield tuple(row.values())

    async def roll_up(self, until: float) -> float:
        """Roll up what has come; return how long it took, s."""
        self.timed.stage = "roll up"
        began = time.perf_counter()
        while not await self._roller.turn(until + GRACE_S):
            pass
        return time.perf_counter() - began

    async def forget(self, before: float) -> None:
        """Delete results, as housekeeping does."""
        self.timed.stage = "forget"
        delete = partial(prune, before=before, limit=CHUNK_ROWS)
        while await self.timed.write(delete) == CHUNK_ROWS:
            pass


def made(chance: random.Random) -> list[Sequence[object]]:
    """Return rows of results as the ledger's table has them."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("".join(RESULTS.migrations))
    insert_results(connection, (probe(chance, slot) for slot in range(POOL)))
    rows = connection.execute(f"SELECT {', '.join(NAMES)} FROM results").fetchall()
    connection.close()
    return rows


def insert(connection: sqlite3.Connection, rows: Sequence[Sequence[object]]) -> None:
    connection.executemany(
        f"INSERT INTO results ({', '.join(NAMES)}) VALUES ({', '.join('?' * len(NAMES))})", rows
    )


async def taking_in(ledger: Ledger, at: int) -> float:
    """Record results one by one, as many at once as there are targets; return how many a second."""
    chance = random.Random(2)
    results = [probe(chance, at + number) for number in range(TAKEN_IN)]
    began = time.perf_counter()
    for first in range(0, TAKEN_IN, AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for result in results[first : first + AT_ONCE]:
                group.create_task(ledger.write(partial(insert_result, result=result)))
    return TAKEN_IN / (time.perf_counter() - began)


async def asking(history: History, month: Month) -> dict[str, list[float]]:
    """Ask everything about every target; return how long each answer took, ms."""
    took: defaultdict[str, list[float]] = defaultdict(list)
    since, until = month.since, month.until
    for number in range(month.targets):
        target = f"target-{number}"
        began = time.perf_counter()
        points = await history.range(target, since, until, Level.HOUR)
        assert len(points) == 24 * DAYS
        assert all(point.summary.latency for point in points)
        chart = time.perf_counter()
        await history.percentiles(target, since, until)
        percentiles = time.perf_counter()
        await history.uptime(target, since, until)
        uptime = time.perf_counter()
        await history.events(target, since, until)
        events = time.perf_counter()
        took["chart"].append((chart - began) * 1e3)
        took["percentiles"].append((percentiles - chart) * 1e3)
        took["uptime"].append((uptime - percentiles) * 1e3)
        took["events"].append((events - uptime) * 1e3)
    return took


def reporting(folder: Path) -> float:
    """Write a month's report about one target as a process; return how long that took, ms."""
    (folder / "sonde.yaml").write_text(CONFIG)
    command = (sys.executable, "-m", "monitor.cli", "report", str(folder / "sonde.yaml"))
    began = time.perf_counter()
    subprocess.run([*command, "--output", str(folder / "report.html")], check=True)
    return (time.perf_counter() - began) * 1e3


async def measure(folder: Path, targets: int) -> list[Row]:
    path = folder / "history.db"
    month = Month(Ledger.open(path, SCHEMAS, inline=True), targets)
    await month.pass_by()
    await month.timed.ledger.close()
    ledger = month.timed.ledger = Ledger.open(path, SCHEMAS)
    try:
        lags: list[float] = []
        async with lagging(lags):
            live_s = await month.roll_up(month.until)
        kept, kept_file = await ledger.read(size_bytes), path.stat().st_size
        took = await asking(LedgerHistory(partial(ledger.read, timeout_s=None), "here"), month)
        report_ms = await asyncio.to_thread(reporting, folder)
        rate = await taking_in(ledger, month.until)
        await month.forget(month.until + Level.DAY)
        rolled_up = await ledger.read(size_bytes)
    finally:
        await ledger.close(timeout_s=60.0)
    left_file = path.stat().st_size
    return [
        ("results taken in one by one, 200 at once, fsync included", f"{rate:,.0f}/s", "", ""),
        ("results a running daemon rolls up", f"{month.turn_results / live_s:,.0f}/s", "", ""),
        bounded("lag of its loop meanwhile, p99", quantile(lags, 0.99), LAG_LIMIT_MS, "ms"),
        *costs(month),
        *answers(took),
        ("report of 30 days about a target, HTML, as a process", f"{report_ms:,.0f} ms", "", ""),
        bounded("roll-ups, for each result in them", rolled_up / month.results, BYTES_LIMIT, "B"),
        (f"the ledger with {KEPT_DAYS} days of results", mib(kept, kept_file), "", ""),
        ("and without any", mib(rolled_up, left_file), "", ""),
    ]


def costs(month: Month) -> Iterator[Row]:
    rolled = (month.results - month.turn_results) / month.rolling_s
    yield ("and when its writer does nothing else", f"{rolled:,.0f}/s", "", "")
    for stage, what in (
        ("roll up", f"{FOLD_ROWS} results rolled up"),
        ("roll up compact", f"{COMPACT_GROUPS} hours or days made"),
        ("forget prune", f"{CHUNK_ROWS} results deleted, pages given back"),
    ):
        ms = month.timed.ms[stage]
        yield (f"a transaction: {what}; p50 / p99 / max", spread(ms), "", "")


def answers(took: dict[str, list[float]]) -> Iterator[Row]:
    chart = took.pop("chart")
    what = f"chart of a target, {24 * DAYS} hourly points; p50 / p99 / max"
    yield (what, spread(chart), f"{CHART_LIMIT_MS:.0f} ms", met(max(chart), CHART_LIMIT_MS))
    for asked, ms in took.items():
        yield (f"{asked} of 30 days of a target; p50 / p99 / max", spread(ms), "", "")


def bounded(what: str, measured: float, limit: float, unit: str) -> Row:
    return (what, f"{measured:.1f} {unit}", f"{limit:.0f} {unit}", met(measured, limit))


def spread(ms: Sequence[float]) -> str:
    return f"{quantile(ms, 0.5):.1f} / {quantile(ms, 0.99):.1f} / {max(ms):.1f} ms"


def quantile(measured: Sequence[float], ratio: float) -> float:
    return sorted(measured)[min(int(len(measured) * ratio), len(measured) - 1)]


def mib(used: int, file: int) -> str:
    return f"{used / 2**20:,.0f} MiB, file {file / 2**20:,.0f} MiB"


def report(size: Size) -> Report:
    """Let a month pass, and ask."""
    targets = TARGETS[size]
    with TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), targets))
    results = targets * DAYS * MINUTES_A_DAY
    title = f"embedded history, {DAYS} days x {targets} targets x 1/min = {results:,} results"
    return Report((drawn(title, ("what:", "measured", "limit", ""), found),))
