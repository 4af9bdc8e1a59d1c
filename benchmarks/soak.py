"""Thousands of targets every ten seconds, the daemon on one core, everything else on the other.

Each minute says how it went; the end is a verdict on each target. `make soak`.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Final

import httpx2
from rich.table import Table

from benchmarks.cores import cpu_s, judging_core, memory_mib
from benchmarks.daemon import Daemon, Mix, configuration, daemon
from benchmarks.exposition import buckets, quantile, since, total
from benchmarks.judging import TRUSTED_MS, Spread
from benchmarks.report import Report, drawn, met
from benchmarks.slots import latenesses_s, missed
from benchmarks.truth import TruthServer, truth_server
from benchmarks.truth_log import Row
from tests.servers.influxdb import Influxdb, influxdb_server

INTERVAL_S: Final = 10.0
MIX: Final = Mix(streamed=1, embeddings=1)
CHUNKS: Final = 5
"""Of a streamed answer: a probe's own are as short."""
WARM_S: Final = 30.0
"""The first rounds shape each target's request and open each connection: a row of their own."""
STARTING: Final = "start"
SCRAPE_EVERY_S: Final = 15.0
CPU_PERCENT: Final = 70.0
LATENESS_MS: Final = 20.0
FLAT_MIB: Final = 3.0
"""What memory may grow by in a minute. Windows hold the samples of an hour, and fill: 500 a second
of about 24 bytes, twice with what is kept beside them, are 1.5 MiB a minute until the hour is full.
"""
PENDING_S: Final = 5.0
"""InfluxDB keeps up while no more than this much of results waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What happened in a minute."""

    name: str
    run: float
    skipped: float
    own_ms: tuple[float | None, float | None]
    """p50 and p99 of slot lateness as the daemon's histogram has it."""
    truth: Spread | None
    """From the slot to the request's arrival at the server, in ms."""
    cpu_percent: float
    memory_mib: float
    loop_lag_ms: float
    pending: float | None
    """Rows InfluxDB has not acknowledged; None: the daemon does not say."""
    scrape_ms: float
    scrape_bytes: int
    truth_p99_ms: float


@dataclass(frozen=True, slots=True)
class Ending:
    """What is left when the daemon has stopped."""

    rows: Sequence[Row]
    """Every request since the daemon's start."""
    results: int
    """In the ledger."""
    stored: int | None
    """In InfluxDB; None: there was none."""
    not_kernel: int
    """Results whose receive times do not come from the kernel."""


@dataclass(slots=True)
class Watch:
    """Looks at a running daemon."""

    running: Daemon
    server: TruthServer
    http: httpx2.Client
    rows: list[Row] = field(default_factory=list)
    text: str = ""
    """The newest exposition."""
    _at: float = 0.0
    _cpu_s: float = 0.0

    def begin(self) -> None:
        """Take what has been so far as the start."""
        self._scrape()
        self.rows += self.server.log(since=self.next_index())
        self.server.stats(clear=True)
        self._at, self._cpu_s = time.monotonic(), cpu_s(self.running.pid)

    def minute(self, name: str, seconds: float = 60.0) -> Minute:
        """Watch for a minute, scraping, and say what happened in it."""
        before, spent_s, ended = self.text, self._cpu_s, self._at + seconds
        scrapes, lag_s = [], 0.0
        while time.monotonic() < ended:
            time.sleep(max(0.0, min(SCRAPE_EVERY_S, ended - time.monotonic())))
            scrapes.append(self._scrape())
            lag_s = max(lag_s, total(self.text, "sonde_loop_lag_seconds") or 0.0)
        # The log is fetched page by page, and its fetching is not the daemon's business.
        now, self._cpu_s = time.monotonic(), cpu_s(self.running.pid)
        cpu_percent = (self._cpu_s - spent_s) / (now - self._at) * 100
        self._at = now
        stats, fresh = self.server.stats(clear=True), self.server.log(since=self.next_index())
        self.rows += fresh
        own = since(_lateness(self.text), _lateness(before))
        quantiles = [quantile(own, q) for q in (0.5, 0.99)]
        p50_ms, p99_ms = (None if each is None else each * 1e3 for each in quantiles)
        return Minute(
            name=name,
            run=max(own.values(), default=0.0),
            skipped=_skipped(self.text) - _skipped(before),
            own_ms=(p50_ms, p99_ms),
            truth=Spread.of(each * 1e3 for each in latenesses_s(fresh, INTERVAL_S, _offset_s())),
            cpu_percent=cpu_percent,
            memory_mib=memory_mib(self.running.pid),
            loop_lag_ms=lag_s * 1e3,
            pending=total(self.text, "sonde_spool_rows"),
            scrape_ms=max(ms for ms, _ in scrapes),
            scrape_bytes=max(size for _, size in scrapes),
            truth_p99_ms=stats.worst_p99_ms,
        )

    def next_index(self) -> int:
        """Return from where on the log is still to be read."""
        return self.rows[-1].index + 1 if self.rows else 0

    def _scrape(self) -> tuple[float, int]:
        began = time.monotonic()
        answer = self.running.scrape(self.http)
        self.text = answer.text
        return (time.monotonic() - began) * 1e3, answer.num_bytes_downloaded


def _lateness(text: str) -> dict[float, float]:
    return buckets(text, "sonde_slot_lateness_seconds")


def _skipped(text: str) -> float:
    return total(text, "sonde_probe_skipped_total") or 0.0


def _offset_s() -> float:
    return time.time() - time.monotonic()


def report(
    minutes: int = 10, targets: int = 5_000, *, influxdb: bool = True, log_level: str = "INFO"
) -> Report:
    """Soak, telling each minute, and return the tables."""
    os.sched_setaffinity(0, {judging_core()})  # and of every server started from here
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="soak-")))
        server = stack.enter_context(truth_server())
        store = _influxdb(stack, folder) if influxdb else None
        http = stack.enter_context(httpx2.Client(trust_env=False))
        url = server.url(delay_us=200_000, chunk_us=20_000, chunks=CHUNKS)
        config = configuration(url, targets, INTERVAL_S, MIX)
        with daemon(config, folder, influxdb=_section(store), log_level=log_level) as running:
            watch = Watch(running, server, http)
            watch.begin()
            table = []
            print("  ".join(HEADINGS), flush=True)
            for number in range(minutes + 1):
                seconds, name = (60.0, f"{number}") if number else (WARM_S, STARTING)
                table.append(watch.minute(name, seconds))
                print("  ".join(_row(table[-1])), flush=True)
        stored = _stored(store) if store else None
        results, not_kernel = _ledger(folder)
        rows = watch.rows + server.log(since=watch.next_index())
    ending = Ending(rows, results, stored, not_kernel)
    verdicts = drawn(
        "verdict", ("what:", "measured", "may be", "target:"), _verdicts(table, ending, targets)
    )
    return Report((_minutes_table(table, targets), verdicts), tuple(_failures(table, ending)))


def _influxdb(stack: ExitStack, folder: Path) -> Influxdb:
    scratch = folder / "influxdb"
    scratch.mkdir()
    return stack.enter_context(influxdb_server(scratch))


def _section(store: Influxdb | None) -> dict[str, str] | None:
    if store is None:
        return None
    return {"url": store.url, "token": store.token, "org": store.org, "bucket": store.bucket}


def _stored(store: Influxdb) -> int:
    rows = store.query('SELECT count("loop_lag_ms") AS n FROM "api_probe"')
    return int(str(rows[0]["n"])) if rows else 0


def _ledger(folder: Path) -> tuple[int, int]:
    """Return how many results were kept, and of those how many without kernel stamps."""
    counted = "SELECT count(*), coalesce(sum(stamps <> 'kernel'), 0) FROM results"
    with closing(sqlite3.connect(folder / "sonde.db")) as ledger:
        found: tuple[int, int] = ledger.execute(counted).fetchone()
    return found


HEADINGS: Final = (
    *("minute", "slots run", "skipped", "own lateness p50 / p99", "truth p50 / p99 / max"),
    *("CPU %", "MiB", "loop lag", "pending", "/metrics ms", "KiB", "instrument p99"),
)


def _row(minute: Minute) -> list[str]:
    own = " / ".join("-" if ms is None else f"{ms:.1f}" for ms in minute.own_ms)
    truth = minute.truth
    seen = f"{truth.p50:.1f} / {truth.p99:.1f} / {truth.worst:.0f}" if truth else "-"
    return [
        *(minute.name, f"{minute.run:,.0f}", f"{minute.skipped:,.0f}", own, seen),
        *(f"{minute.cpu_percent:.0f}", f"{minute.memory_mib:.0f}", f"{minute.loop_lag_ms:.0f}"),
        "-" if minute.pending is None else f"{minute.pending:,.0f}",
        *(f"{minute.scrape_ms:.0f}", f"{minute.scrape_bytes / 1024:,.0f}"),
        f"{minute.truth_p99_ms:.2f}",
    ]


def _minutes_table(minutes: Sequence[Minute], targets: int) -> Table:
    title = f"{targets:,} targets every {INTERVAL_S:g} s; lateness and lag in ms"
    return drawn(title, HEADINGS, map(_row, minutes))


def _failures(minutes: Sequence[Minute], ending: Ending) -> Iterator[str]:
    for each in minutes:
        if each.truth_p99_ms > TRUSTED_MS:
            yield f"minute {each.name}: the truth server was {each.truth_p99_ms:.1f} ms late (p99)"
    if ending.not_kernel:
        yield f"{ending.not_kernel} results without kernel stamps"


def _verdicts(minutes: Sequence[Minute], ending: Ending, targets: int) -> list[list[str]]:
    """Return for each target: what, measured, limit, met or not."""
    start, *minutes = minutes
    late_ms = [each.truth.p99 for each in minutes if each.truth]
    growth_mib = minutes[-1].memory_mib - minutes[0].memory_mib
    judged: list[tuple[str, float | None, float]] = [
        (
            "slots skipped, by the daemon's count",
            sum(each.skipped for each in (start, *minutes)),
            0,
        ),
        ("slots without a request, by the log", missed(ending.rows, INTERVAL_S, _offset_s()), 0),
        ("requests without a result in the ledger", len(ending.rows) - ending.results, 0),
        ("lateness p99 of the worst minute, ms", max(late_ms, default=None), LATENESS_MS),
        ("lateness p99 of the start, ms", start.truth.p99 if start.truth else None, LATENESS_MS),
        ("CPU, % of a core", fmean(each.cpu_percent for each in minutes), CPU_PERCENT),
        (
            "memory, MiB more each minute",
            growth_mib / (len(minutes) - 1) if len(minutes) > 1 else None,
            FLAT_MIB,
        ),
    ]
    if ending.stored is not None:
        waiting = max((each.pending or 0.0) for each in minutes)
        judged += [
            ("most rows waiting for InfluxDB", waiting, targets / INTERVAL_S * PENDING_S),
            ("results not in InfluxDB at the end", ending.results - ending.stored, 0),
        ]
    return [
        [what, "-" if value is None else f"{value:,.1f}", f"{limit:,.0f}", met(value, limit)]
        for what, value, limit in judged
    ]
