"""Roll-ups at the size that counts: 200 targets a minute for 30 days, and a chart of one of them.

The buckets are made of a few thousand random ones and stand where folding puts them, in the order
in which it does; folding itself is measured over real results. `--quick` keeps 3 days and says so.
"""

import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aggregator.ledger import Ledger
from aggregator.results import RESULTS, insert_results, size_bytes
from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.rollup.folding import fold
from aggregator.rollup.roller import COMPACT_GROUPS, FOLD_ROWS
from aggregator.rollup.table import ROLLUPS, Level, compact, points, series_of
from benchmarks.latency import Size
from benchmarks.report import Report, drawn, met
from probes.result import Fault, Operation, ProbeResult, Verdict

TARGETS: Final = 200
DAYS: Final = {Size.QUICK: 3, Size.DEFAULT: 30, Size.FULL: 30}
MINUTES_A_DAY: Final = 1_440
FOLDED_MINUTES: Final = 70
"""Of real results: an hour of every target to fold further, and some more."""
CHART_LIMIT_MS: Final = 200.0
LIMIT_BYTES: Final = 60.0
CHARTS: Final = 10
FIRST_DAY: Final = 20_000
"""Since the epoch: numbers of today's minutes take more bytes than small ones."""
POOL: Final = 4_000
"""Different minutes: as many as make the sizes of all of them those of real ones."""


def probe(chance: random.Random, at: float = 0.0, target: str = "t") -> ProbeResult:
    """Return a streamed answer, the dearest kind of result: one in a hundred is a timeout."""
    first_s = chance.lognormvariate(-1.0, 0.4)
    failed = chance.random() < 0.01
    last_s = first_s + chance.lognormvariate(0.0, 0.5)
    return ProbeResult(
        target=target,
        provider="openai",
        model="gpt-4o-mini",
        operation=Operation.CHAT,
        location="here",
        slot=int(at),
        slot_at=at,
        at=at,
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


def minute(chance: random.Random) -> Bucket:
    """Return the bucket of one probe."""
    made, result = Bucket(), probe(chance)
    figures = (result.latency_s, result.first_token_s, result.inter_token_s, result.tokens_per_s)
    tokens = (result.input_tokens, result.output_tokens, result.cached_tokens)
    made.add(Attempt(True, result.verdict, result.fault, False, figures, tokens, result.cost_usd))
    return made


def merged(buckets: Sequence[Bucket]) -> Bucket:
    whole = Bucket()
    for bucket in buckets:
        whole.merge(bucket)
    return whole


@dataclass(frozen=True, slots=True)
class Pools:
    """Packed buckets to choose from."""

    minutes: list[bytes]
    hours: list[bytes]
    days: list[bytes]


def pools(chance: random.Random) -> Pools:
    minutes = [minute(chance) for _ in range(POOL)]
    hours = [merged(chance.sample(minutes, 60)) for _ in range(POOL // 10)]
    days = [merged(chance.sample(hours, 24)) for _ in range(POOL // 100)]
    packed = [[bucket.pack() for bucket in pool] for pool in (minutes, hours, days)]
    return Pools(*packed)


Row = tuple[int, int, int, int, bytes]


def rows(pool: Pools, chance: random.Random, day: int) -> Iterator[Row]:
    """Go through a day's buckets in the order in which they come to be."""
    series = range(1, TARGETS + 1)
    for number in range(day * MINUTES_A_DAY, (day + 1) * MINUTES_A_DAY):
        yield from ((0, of, number, 1, chance.choice(pool.minutes)) for of in series)
        if number % 60 == 59:
            yield from ((1, of, number // 60, 1, chance.choice(pool.hours)) for of in series)
    yield from ((2, of, day, 0, chance.choice(pool.days)) for of in series)


def insert(connection: sqlite3.Connection, made: Iterator[Row]) -> None:
    connection.executemany("INSERT INTO rollups VALUES (?, ?, ?, ?, ?)", made)


async def fill(ledger: Ledger, days: int) -> None:
    """Write the buckets of that many days, and say how far it is."""
    chance = random.Random(1)  # the same every time
    pool = pools(chance)
    for target in range(TARGETS):
        await ledger.write(partial(series_of, target=f"target-{target}", location="here"))
    for day in range(FIRST_DAY, FIRST_DAY + days):
        await ledger.write(partial(insert, made=rows(pool, chance, day)))
        print(
            f"\rhistory: day {day - FIRST_DAY + 1} of {days}", end="", file=sys.stderr, flush=True
        )
    print(file=sys.stderr)


async def charts(ledger: Ledger, days: int) -> list[tuple[int, float]]:
    """Read hourly charts of several targets: how many points, and ms until all is worked out."""
    measured = []
    since, until = FIRST_DAY * Level.DAY, (FIRST_DAY + days) * Level.DAY
    for target in range(CHARTS):
        began = time.perf_counter()
        asked = partial(points, target=f"target-{target}", since=since, until=until, step_s=3_600)
        found = await ledger.read(asked)
        said = [(one.summary.error_rate, one.summary.latency) for one in found]
        measured.append((len(said), (time.perf_counter() - began) * 1e3))
    return measured


async def folding(ledger: Ledger) -> tuple[float, float, float, float]:
    """Fold real results: bytes of a result, CPU us to fold one, and ms of either transaction."""
    chance = random.Random(2)
    empty = await ledger.read(size_bytes)
    for number in range(FOLDED_MINUTES):
        made = [
            probe(chance, 60.0 * number + target / TARGETS, f"target-{target}")
            for target in range(TARGETS)
        ]
        await ledger.write(partial(insert_results, results=made))
    count = FOLDED_MINUTES * TARGETS
    result_bytes = (await ledger.read(size_bytes) - empty) / count
    folds, compactions = [], []
    more = True
    while more:
        began = time.process_time()
        more = (await ledger.write(lambda c: fold(c, FOLD_ROWS))).rows == FOLD_ROWS
        folds.append(time.process_time() - began)
    after: int | None = 0
    while after is not None:
        began = time.process_time()
        after = await ledger.write(
            partial(
                compact,
                level=Level.MINUTE,
                before=Level.HOUR,
                after=after,
                groups=COMPACT_GROUPS,
            )
        )
        compactions.append(time.process_time() - began)
    total_s = sum(folds) + sum(compactions)
    return result_bytes, total_s / count * 1e6, median_ms(folds), median_ms(compactions)


def median_ms(measured: Sequence[float]) -> float:
    return sorted(measured)[len(measured) // 2] * 1e3


async def measure(folder: Path, days: int) -> list[tuple[str, str, str, str]]:
    ledger = Ledger.open(folder / "history.db", (RESULTS, ROLLUPS), inline=True)
    other = Ledger.open(folder / "folding.db", (RESULTS, ROLLUPS), inline=True)
    try:
        await fill(ledger, days)
        stored = await ledger.read(size_bytes) / (days * MINUTES_A_DAY * TARGETS)
        read = await charts(ledger, days)
        result_bytes, fold_us, fold_ms, compact_ms = await folding(other)
    finally:
        await ledger.close()
        await other.close()
    slowest = max(ms for _, ms in read)
    return [
        (
            f"chart of a target, {read[0][0]} hourly points: slowest of {CHARTS}",
            f"{slowest:.0f} ms",
            f"{CHART_LIMIT_MS:.0f} ms",
            met(slowest, CHART_LIMIT_MS),
        ),
        (
            "all roll-ups, for each result in them",
            f"{stored:.1f} bytes",
            f"{LIMIT_BYTES:.0f} bytes",
            met(stored, LIMIT_BYTES),
        ),
        ("a result before it is pruned", f"{result_bytes:.0f} bytes", "", ""),
        ("rolling up, for each result, CPU", f"{fold_us:.0f} us", "", ""),
        (f"a transaction that folds {FOLD_ROWS} results, CPU, median", f"{fold_ms:.1f} ms", "", ""),
        (
            f"a transaction that makes {COMPACT_GROUPS} hours, CPU, median",
            f"{compact_ms:.1f} ms",
            "",
            "",
        ),
    ]


def report(size: Size) -> Report:
    """Fill, read and fold."""
    days = DAYS[size]
    results = days * MINUTES_A_DAY * TARGETS
    with TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), days))
    title = f"embedded history, {days} days x {TARGETS} targets x 1/min = {results:,} results"
    return Report((drawn(title, ("what:", "measured", "limit", ""), found),))
