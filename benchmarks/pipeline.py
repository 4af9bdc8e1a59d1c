"""What a probe costs in the whole daemon: from slot to committed, windowed, evaluated, exported.

Beside it, in the same run: Sonde's prober alone, the tutorial's monitor, the openai SDK alone and
blackbox_exporter, each at the same rate. The daemon is scraped meanwhile.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx2
from rich.table import Table

from benchmarks.cells import Cell
from benchmarks.cores import cpu_s
from benchmarks.daemon import Mix, configuration, daemon
from benchmarks.exposition import buckets, quantile
from benchmarks.judging import Spread
from benchmarks.latency import CHUNKS, Size, failures
from benchmarks.report import Report, drawn, met
from benchmarks.seats import Run, Seat, measure, seat
from benchmarks.slots import latenesses_s
from benchmarks.truth import TruthServer, truth_server

INTERVAL_S: Final = 10.0
RATES: Final = (50, 200)
SECONDS: Final = {Size.QUICK: 10.0, Size.DEFAULT: 15.0, Size.FULL: 60.0}
WARM_S: Final = INTERVAL_S + 2.0
"""Each target has been probed once, so each request has been shaped and each connection opened."""
SCRAPE_EVERY_S: Final = 5.0
LATENESS_MS: Final = 1.5
"""What the p99 of slot lateness may be with 200 targets."""
IN_FLIGHT: Final = (Cell(rate=200, delay_us=4_000), Cell(rate=200, delay_us=1_000_000))
"""At the same rate hardly one probe in flight, and 200."""
MORE_IN_FLIGHT: Final = 1.2


@dataclass(frozen=True, slots=True)
class Whole:
    """The daemon under one load."""

    rate: int
    streamed: bool
    cpu_ms: float
    """For each probe."""
    lateness: Spread | None
    """From the slot to the request's arrival, by the truth server's log."""
    own_p99_ms: float | None
    """What the daemon itself says its slot lateness was, since its start."""
    truth_p99_ms: float


def report(size: Size = Size.DEFAULT) -> Report:
    """Measure and return the tables."""
    with ExitStack() as stack:
        server = stack.enter_context(truth_server())
        names = ("sonde", "sdk", "tutorial", "blackbox")
        seats = {name: stack.enter_context(seat(name, server)) for name in names}
        wholes, runs = [], []
        for rate in RATES:
            for streamed in (False, True):
                wholes.append(whole(server, rate, SECONDS[size], streamed=streamed))
                runs += _others(server, seats, rate, streamed=streamed)
        few, many = (measure(server, seats["sonde"], cell) for cell in IN_FLIGHT)
        small = whole(server, 20, SECONDS[size], streamed=False)
    tables = (
        _cost_table(wholes, runs),
        _flight_table(few, many),
        _lateness_table([small, *wholes]),
    )
    return Report(tables, tuple(failures([*runs, few, many])))


def _others(server: TruthServer, seats: dict[str, Seat], rate: int, *, streamed: bool) -> list[Run]:
    if streamed:
        cell = Cell(rate=rate, chunks=CHUNKS)
        names = ("sonde", "sdk") if rate == RATES[0] else ("sonde",)
        return [measure(server, seats[name], cell) for name in names]
    kept, fresh = Cell(rate=rate), Cell(rate=rate, fresh=True)
    cells = {"sonde": kept, "sdk": kept, "tutorial": kept, "blackbox": fresh}
    return [measure(server, seats[name], cell) for name, cell in cells.items()]


def whole(server: TruthServer, rate: int, seconds: float, *, streamed: bool) -> Whole:
    """Run the daemon with as many targets as make this rate, scraped every few seconds."""
    mix = Mix(streamed=10 if streamed else 0)
    url = server.url(delay_us=200_000, chunk_us=20_000, chunks=CHUNKS)
    config = configuration(url, round(rate * INTERVAL_S), INTERVAL_S, mix)
    server.reset()
    with (
        TemporaryDirectory() as folder,
        httpx2.Client(trust_env=False) as http,
        daemon(config, Path(folder)) as running,
    ):
        time.sleep(WARM_S)
        server.stats(clear=True)
        seen, began, before = "", time.monotonic(), cpu_s(running.pid)
        while (left_s := began + seconds - time.monotonic()) > 0:
            time.sleep(min(SCRAPE_EVERY_S, left_s))
            seen = running.scrape(http).text
        ended, spent_s = time.monotonic(), cpu_s(running.pid) - before
    offset_s = time.time() - time.monotonic()
    rows = [row for row in server.log() if began <= row.arrived < ended]
    late_ms = [each * 1e3 for each in latenesses_s(rows, INTERVAL_S, offset_s)]
    cpu_ms = spent_s / max(1, len(rows)) * 1e3
    own_s = quantile(buckets(seen, "sonde_slot_lateness_seconds"), 0.99)
    own_ms = None if own_s is None else own_s * 1e3
    return Whole(rate, streamed, cpu_ms, Spread.of(late_ms), own_ms, server.stats().worst_p99_ms)


def _cpu_ms(runs: Sequence[Run], client: str, like: Whole) -> float | None:
    for run in runs:
        same = run.cell.rate == like.rate and bool(run.cell.chunks) == like.streamed
        if run.client == client and same:
            return run.judgement.cpu_ms
    return None


def _cost_table(wholes: Sequence[Whole], runs: Sequence[Run]) -> Table:
    headings = ("load:", "daemon", "prober alone", "tutorial", "SDK", "blackbox", "targets:")
    rows = []
    for each in wholes:
        rivals = {name: _cpu_ms(runs, name, each) for name in ("tutorial", "sdk", "blackbox")}
        limits = {"sdk": 1 / 4} if each.streamed else {"tutorial": 1 / 4, "blackbox": 1 / 2}
        verdicts = [
            f"<= {share:g} x {name}: {each.cpu_ms / theirs:.2f}, {met(each.cpu_ms / theirs, share)}"
            for name, share in limits.items()
            if (theirs := rivals[name])
        ]
        kind = f"{CHUNKS} chunks" if each.streamed else "whole answers"
        figures = (each.cpu_ms, _cpu_ms(runs, "sonde", each), *rivals.values())
        cells = ("-" if ms is None else f"{ms:.2f}" for ms in figures)
        rows.append([f"{each.rate}/s, {kind}", *cells, "; ".join(verdicts)])
    return drawn("CPU ms a probe", headings, rows)


def _flight_table(few: Run, many: Run) -> Table:
    one, all_of_them = few.judgement.cpu_ms, many.judgement.cpu_ms
    ratio = all_of_them / one if one and all_of_them else None
    row = [
        *("-" if ms is None else f"{ms:.3f}" for ms in (one, all_of_them)),
        "-" if ratio is None else f"{ratio:.2f}",
        f"{MORE_IN_FLIGHT:g}",
        met(ratio, MORE_IN_FLIGHT),
    ]
    headings = ("1 in flight", "200 in flight", "x", "may be", "target:")
    return drawn("CPU ms a probe of the prober, 200/s", headings, [row])


def _lateness_table(wholes: Sequence[Whole]) -> Table:
    headings = ("load:", "targets", "p50", "p99", "max", "may be", "target:")
    rows = []
    for each in wholes:
        if each.lateness is None:
            continue
        spread, targets = each.lateness, round(each.rate * INTERVAL_S)
        judged = [f"{LATENESS_MS:g}", met(spread.p99, LATENESS_MS)] if targets == 200 else ["", ""]
        kind = f"{each.rate}/s, {'streamed' if each.streamed else 'whole'}"
        figures = (f"{ms:.2f}" for ms in (spread.p50, spread.p99, spread.worst))
        own = "-" if each.own_p99_ms is None else f"{each.own_p99_ms:.2f}"
        truth = f"{each.truth_p99_ms:.2f}"
        rows.append([kind, f"{targets:,}", *figures, *judged, own, truth])
    title = "slot to the request's arrival at the server, ms"
    return drawn(title, [*headings, "own histogram's p99", "truth p99"], rows)
