"""What the dashboard's questions cost the daemon: 200 targets once a minute, 30 days of them.

The application is asked without a socket, so that nobody else's work is in the figures: CPU is the
whole process's, the ledger's reader among it, and the longest turn of the loop, in its own CPU, is
how long other tasks had to wait. Roll-ups are put together from a pool of buckets, for a month of
them takes half an hour to come about; `benchmarks.history` measures how they do. `--quick` keeps
one day of results, where a daemon keeps 14.
"""

import asyncio
import gc
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from fastapi import FastAPI

from aggregator.ledger import Ledger
from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.rollup.table import Level, series_of
from aggregator.transfer.columns import NAMES
from benchmarks import browser
from benchmarks.history import insert, made, probe, quantile
from benchmarks.latency import Size
from benchmarks.report import Report, drawn, met
from monitor.api.problems import add_problems
from monitor.api.sources import Sources, sources_of
from monitor.api.targets import target_routes
from monitor.clock import Clock
from monitor.config.load import load
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.road import Observers, Road
from probes.lag import LagMeter
from probes.result import ProbeResult
from probes.target import Slot, Target

TARGETS: Final = 200
DAYS: Final = 30
RESULTS_DAYS: Final = {Size.QUICK: 1, Size.DEFAULT: 14, Size.FULL: 14}
MINUTES_DAYS: Final = 2
POOL: Final = 40
"""Different buckets of a level."""
TIMES: Final = 20
OVERVIEW_LIMIT_MS: Final = 100.0
TURN_LIMIT_MS: Final = 10.0
WINDOW_RESULTS: Final = 60


class Turns(asyncio.SelectorEventLoop):
    """A loop that knows its longest turn, in CPU of its own thread: others' load is not in it."""

    longest_s = 0.0

    def _run_once(self) -> None:
        began = time.thread_time()
        super()._run_once()  # type: ignore[misc] # asyncio's own name for a turn
        self.longest_s = max(self.longest_s, time.thread_time() - began)


@dataclass
class Asked:
    """What one question cost."""

    what: str
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    turn_ms: list[float] = field(default_factory=list)
    size_bytes: int = 0

    @asynccontextmanager
    async def once(self, turns: "Turns") -> AsyncIterator[None]:
        """Measure once."""
        await asyncio.sleep(0.01)
        turns.longest_s = 0.0
        began, spent = time.perf_counter(), time.process_time()
        yield
        self.wall_ms.append((time.perf_counter() - began) * 1e3)
        self.cpu_ms.append((time.process_time() - spent) * 1e3)
        await asyncio.sleep(0)  # the last turn is over
        self.turn_ms.append(turns.longest_s * 1e3)

    def row(self, limit_ms: float | None = None) -> tuple[str, ...]:
        """Return its line of the table."""
        cpu_ms, turn_ms = quantile(self.cpu_ms, 0.5), max(self.turn_ms)
        kept = met(turn_ms, TURN_LIMIT_MS)
        if limit_ms is not None and met(cpu_ms, limit_ms) != "met":
            kept = "missed"
        return (
            self.what,
            f"{quantile(self.wall_ms, 0.5):.1f} / {max(self.wall_ms):.1f} ms",
            f"{cpu_ms:.1f} / {max(self.cpu_ms):.1f} ms",
            f"{turn_ms:.1f} ms",
            f"{self.size_bytes / 1024:,.0f} KiB" if self.size_bytes else "",
            kept,
        )


def config(folder: Path) -> Config:
    targets = "\n".join(
        f"  - {{name: target-{n}, provider: p{n % 8}, model: m{n}}}" for n in range(TARGETS)
    )
    providers = ", ".join(
        f'p{n}: {{preset: compatible, base_url: "http://127.0.0.1:1/v1"}}' for n in range(8)
    )
    path = folder / "sonde.yaml"
    path.write_text(
        f"location: here\nproviders: {{{providers}}}\ntargets:\n{targets}\n"
        "store: {path: dashboard.db}\n"
    )
    return load(path, {}, cwd=folder, strict=False).config


def bucket(chance: random.Random, n: int) -> bytes:
    """Return a packed bucket of so many results."""
    found = Bucket()
    for _ in range(n):
        one = probe(chance)
        latency_s = one.latency_s if one.answered or one.censored else None
        figures = (latency_s, one.first_token_s, one.inter_token_s, one.tokens_per_s)
        tokens = (one.input_tokens, one.output_tokens, one.cached_tokens)
        found.add(Attempt(True, one.verdict, one.fault, False, figures, tokens, one.cost_usd))
    return found.pack()


def roll_ups(connection: sqlite3.Connection, now: int) -> None:
    """Fill the roll-ups as a daemon leaves them: folded but for today, and for this hour."""
    chance = random.Random(1)
    hour, today = now // Level.HOUR * Level.HOUR, now // Level.DAY * Level.DAY
    for place, (level, days, folded_before) in enumerate(
        ((Level.MINUTE, MINUTES_DAYS, hour), (Level.HOUR, DAYS, today), (Level.DAY, DAYS, 0))
    ):
        pool = [bucket(chance, level // 60) for _ in range(POOL)]
        until = {Level.MINUTE: now, Level.HOUR: hour, Level.DAY: today}[level]
        numbers = range((today - days * Level.DAY) // level, until // level)
        for target in range(TARGETS):
            series = series_of(connection, f"target-{target}", "here")
            connection.executemany(
                "INSERT INTO rollups VALUES (?, ?, ?, ?, ?)",
                (
                    (place, series, number, number * level < folded_before, chance.choice(pool))
                    for number in numbers
                ),
            )


def results(connection: sqlite3.Connection, pool: Sequence[Any], day: int) -> None:
    """Record a day of results."""
    chance = random.Random(day)
    for target in range(TARGETS):
        insert(connection, list(_day(chance, pool, target, day)))


def _day(
    chance: random.Random, pool: Sequence[Any], target: int, day: int
) -> Iterator[Sequence[object]]:
    for at in range(day, day + Level.DAY, 60):
        row = dict(zip(NAMES, chance.choice(pool), strict=True))
        row |= {"target": f"target-{target}", "slot": at // 60, "slot_at": at, "at": float(at)}
        yield tuple(row.values())


async def fill(ledger: Ledger, now: int, days: int) -> None:
    """Put a month into the ledger."""
    await ledger.write(partial(roll_ups, now=now), timeout_s=None)
    pool = made(random.Random(2))
    for day in range(days, 0, -1):
        since = now - day * Level.DAY
        await ledger.write(partial(results, pool=pool, day=since), timeout_s=None)
    everything = "UPDATE rollup_cursor SET results = (SELECT coalesce(max(id), 0) FROM results)"
    await ledger.write(lambda c: c.execute(everything).rowcount, timeout_s=None)


async def _unasked(_target: Target, _slot: Slot, _attempt: int) -> ProbeResult:
    raise AssertionError("nothing is probed here")


def watch(road: Road, clock: Clock) -> None:
    """Fill the windows, as a daemon that has run for an hour."""
    chance = random.Random(3)
    for target in road.config.targets:
        for number in range(WINDOW_RESULTS):
            at = clock.wall() - 60.0 * (WINDOW_RESULTS - number)
            take(road, target, probe(chance, number), at)


def take(road: Road, target: Target, found: ProbeResult, at: float) -> None:
    result = replace(found, target=target.name, provider=target.provider, at=at)
    road.windows.ingest(result, at)
    road.pipeline.last_result[target.name] = result


async def ask(app: FastAPI, path: str, query: str = "") -> bytes:
    """Ask the application; return the body of an answer that is one."""
    body: list[bytes] = []
    status: list[int] = []

    async def receive() -> dict[str, Any]:  # Any: an ASGI message
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - as above
        if message["type"] == "http.response.start":
            status.append(message["status"])
        else:
            body.append(message.get("body", b""))

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
        "http_version": "1.1",
    }
    await app(scope, receive, send)
    assert status == [200], (path, status, b"".join(body))
    return b"".join(body)


async def measure(folder: Path, days: int, turns: Turns) -> list[tuple[str, ...]]:
    found = config(folder)
    ledger = Ledger.open(found.store.path, SCHEMAS)
    clock = Clock()
    now = int(clock.wall())
    try:
        await fill(ledger, now, days)
        road = Road(found, ledger, {}, _unasked, clock, LagMeter(), Observers())
        watch(road, clock)
        sources = sources_of(road, None, ledger, clock, clock.wall())
        app = FastAPI(openapi_url=None)
        add_problems(app, lambda _path: "GET")
        app.include_router(target_routes(lambda: sources))
        await ask(app, "/targets/target-0/probes", "limit=1")  # the first makes all routes ready
        gc.collect()
        gc.freeze()  # as the daemon does when it has started
        return [row async for row in _questions(app, sources, road, turns)]
    finally:
        await ledger.close(timeout_s=60.0)


async def _questions(
    app: FastAPI, sources: Sources, road: Road, turns: Turns
) -> AsyncIterator[tuple[str, ...]]:
    first = Asked("strips of all targets read at the start, in the background")
    async with first.once(turns):
        await sources.strips.refresh()
    yield first.row()
    clock = sources.clock
    chance = random.Random(4)

    def news() -> None:
        for target in road.config.targets:
            take(road, target, probe(chance), clock.wall())

    since = int(clock.wall()) - DAYS * Level.DAY

    minutes = f"since={clock.wall() - 119_940}&step_s=60"

    def quiet() -> None:
        return

    for what, path, query, before, limit_ms in (
        ("overview, nothing new", "/overview", "", quiet, OVERVIEW_LIMIT_MS),
        ("overview, a new result of each target", "/overview", "", news, OVERVIEW_LIMIT_MS),
        (
            "series of 30 days, by the hour",
            "/targets/target-7/series",
            f"since={since}",
            quiet,
            None,
        ),
        ("series of 24 hours, by 5 minutes", "/targets/target-8/series", "", quiet, None),
        ("series of 2,000 minutes", "/targets/target-8/series", minutes, quiet, None),
        ("events of 30 days", "/targets/target-9/events", f"since={since}", quiet, None),
        ("the newest 100 probes", "/targets/target-10/probes", "", quiet, None),
        ("the newest 500 probes", "/targets/target-10/probes", "limit=500", quiet, None),
        ("the newest 100 failures", "/targets/target-11/probes", "failed=true", quiet, None),
        ("a page of 100 targets", "/targets", "", quiet, None),
    ):
        yield await asking(what, partial(ask, app, path, query), before, limit_ms, turns)


async def asking(
    what: str,
    question: Callable[[], Awaitable[bytes]],
    before: Callable[[], object],
    limit_ms: float | None,
    turns: Turns,
) -> tuple[str, ...]:
    asked = Asked(what)
    for _ in range(TIMES):
        before()
        async with asked.once(turns):
            asked.size_bytes = len(await question())
    return asked.row(limit_ms)


def report(size: Size) -> Report:
    """Make a month, ask what the dashboard asks, and look at it with a browser."""
    days = RESULTS_DAYS[size]
    with TemporaryDirectory() as folder:
        turns = Turns()
        with asyncio.Runner(loop_factory=lambda: turns) as runner:
            found = runner.run(measure(Path(folder), days, turns))
        seen = tuple(browser.rows(Path(folder), TARGETS))
    month = f"{TARGETS} targets x {DAYS} days, {days} days of results"
    asked = ("question:", "answer", "CPU", "longest turn, CPU", "size", "")
    looked = ("in Chromium:", "taken", "aim", "")
    return Report(
        (
            drawn(f"dashboard: {month}; p50 / max", asked, found),
            drawn(f"dashboard in a browser: {month}; p50 / max", looked, seen),
        )
    )
