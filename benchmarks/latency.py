"""How wrong reported latencies are, and what a probe costs: four clients against the truth server.

An error is what a client reports less what the server knows it took. Runs in which the server
itself was late are thrown away and repeated; how many were is in the table.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from enum import StrEnum
from itertools import product
from typing import Final

from rich.table import Table

from benchmarks.cells import Cell, Pattern
from benchmarks.judging import Spread, limit_ms
from benchmarks.report import Report, drawn, met
from benchmarks.seats import Run, measure, seat
from benchmarks.truth import truth_server

CLIENTS: Final = ("sonde", "sdk", "tutorial", "blackbox")
RATES: Final = (50, 200, 400)
CHUNKS: Final = 20
BETTER: Final = 4.0
"""Sonde's error must be this many times less than that of blackbox's own processing phase."""


class Size(StrEnum):
    """How much of the matrix is run."""

    QUICK = "quick"
    DEFAULT = "default"
    FULL = "full"


SECONDS: Final = {Size.QUICK: 2.0, Size.DEFAULT: 4.0, Size.FULL: 5.0}


def matrix(size: Size) -> Iterator[tuple[str, Cell]]:
    """Yield every client with every load it can and should carry; rivals one after the other."""
    for cell in _cells(SECONDS[size]):
        for client in CLIENTS:
            if _able(client, cell) and _wanted(size, client, cell):
                yield client, cell


def _cells(seconds: float) -> Iterator[Cell]:
    both = (False, True)
    for tls, blocked, pattern, rate, fresh in product(both, both, Pattern, RATES, both):
        if not (blocked and pattern is Pattern.BURST):
            yield Cell(
                rate=rate, pattern=pattern, tls=tls, fresh=fresh, blocked=blocked, seconds=seconds
            )
    for tls, blocked, rate in product(both, both, RATES[:2]):
        yield Cell(rate=rate, tls=tls, blocked=blocked, chunks=CHUNKS, seconds=seconds)


def _able(client: str, cell: Cell) -> bool:
    match client:
        case "blackbox":
            return cell.fresh and not cell.blocked and not cell.chunks
        case "tutorial":
            return not cell.fresh and not cell.chunks
        case _:
            return True


def _wanted(size: Size, client: str, cell: Cell) -> bool:
    """Leave out what says least: all of it takes a quarter of an hour."""
    if size is Size.FULL:
        return True
    if size is Size.QUICK and cell.rate > 200:
        return False
    ours = client == "sonde"
    if cell.chunks:
        return not cell.tls and (ours or cell.rate == 50)
    if client in ("sdk", "tutorial"):
        telling = cell.rate < 400 and client == "sdk" if cell.blocked else True
        return telling and not cell.tls and not cell.fresh
    if cell.blocked:
        return not cell.fresh and (not cell.tls or cell.rate == 200)
    if cell.tls:
        return cell.rate == 200 or (cell.pattern is Pattern.EVEN and size is Size.DEFAULT)
    return True


def measured(size: Size) -> list[Run]:
    """Run the matrix, all clients in one go."""
    with ExitStack() as stack:
        server = stack.enter_context(truth_server(tls=True))
        seats = {name: stack.enter_context(seat(name, server)) for name in CLIENTS}
        return [measure(server, seats[client], cell) for client, cell in matrix(size)]


def report(size: Size = Size.DEFAULT) -> Report:
    """Measure and return the tables."""
    runs = measured(size)
    whole = [run for run in runs if not run.cell.chunks]
    streams = [run for run in runs if run.cell.chunks]
    return Report((_whole_table(whole), _stream_table(streams)), tuple(failures(runs)))


def failures(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what makes figures worth nothing."""
    for run in runs:
        what = f"{run.client}, {_words(run.cell)}"
        if not run.trusted:
            late = f"{run.stats.worst_p99_ms:.1f} ms late (p99)"
            yield f"{what}: the truth server was {late} in every attempt"
        if run.judgement.not_kernel:
            yield f"{what}: {run.judgement.not_kernel} samples without kernel stamps"


def _words(cell: Cell) -> str:
    parts = [
        "TLS" if cell.tls else "plain",
        "fresh" if cell.fresh else "kept",
        f"{cell.rate}/s {cell.pattern.value}",
        *(["blocked"] if cell.blocked else []),
    ]
    return ", ".join(parts)


def spread(of: Spread | None) -> str:
    """Write a spread as p50 / p99 / max."""
    return "-" if of is None else " / ".join(_ms(each) for each in (of.p50, of.p99, of.worst))


def _ms(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _cpu(run: Run) -> str:
    return "-" if run.judgement.cpu_ms is None else f"{run.judgement.cpu_ms:.2f}"


def _gate(run: Run) -> list[str]:
    thrown = f"{run.thrown}" if run.trusted else f"{run.thrown}, VOID"
    return [f"{run.stats.worst_p99_ms:.2f}", f"{run.judgement.unsure}", thrown]


def _blackbox(runs: Sequence[Run], cell: Cell) -> float | None:
    """Return the p99 of blackbox's processing phase under the same load."""
    load = (cell.tls, cell.rate, cell.pattern)
    for run in runs:
        same = (run.cell.tls, run.cell.rate, run.cell.pattern) == load
        if run.client == "blackbox" and same and run.judgement.answer:
            return run.judgement.answer.p99
    return None


def _targets(run: Run, runs: Sequence[Run]) -> list[str]:
    """Return limit, met or not, how many times better than blackbox, met or not."""
    if run.client != "sonde":
        return ["", "", "", ""]
    error = run.judgement.answer
    limit, theirs = limit_ms(run.cell), _blackbox(runs, run.cell)
    first = [f"{limit:g}", met(error.p99 if error else None, limit)]
    if error is None or theirs is None or run.cell.blocked:
        return [*first, "", ""]
    return [*first, f"{theirs / error.p99:.1f}", met(error.p99, theirs / BETTER)]


def _whole_table(runs: Sequence[Run]) -> Table:
    headings = ("load:", "client:", "reported latency", "from departure / processing")
    quality = ("CPU ms", "failed", "tainted", "silently wrong")
    targets = ("p99 may be", "target:", "x less than blackbox", "4 x:")
    rows = (
        [
            _words(run.cell),
            run.client,
            spread(run.judgement.whole),
            spread(run.judgement.answer),
            _cpu(run),
            f"{run.judgement.failed}",
            f"{run.judgement.tainted}",
            f"{run.judgement.silently_wrong} of {run.judgement.samples}",
            *_targets(run, runs),
            *_gate(run),
        ]
        for run in runs
    )
    title = "error of latency, ms: p50 / p99 / max; CPU ms a probe"
    return drawn(title, [*headings, *quality, *targets, "truth p99", "unsure", "thrown"], rows)


def _stream_table(runs: Sequence[Run]) -> Table:
    headings = ("load:", "client:", "latency", "first token", "inter-token", "CPU ms")
    quality = ("failed", "tainted", "silently wrong", "p99 may be", "target:")
    rows = (
        [
            _words(run.cell),
            run.client,
            *map(
                spread,
                (run.judgement.whole, run.judgement.first_token, run.judgement.inter_token),
            ),
            _cpu(run),
            f"{run.judgement.failed}",
            f"{run.judgement.tainted}",
            f"{run.judgement.silently_wrong} of {run.judgement.samples}",
            *_stream_target(run),
            *_gate(run),
        ]
        for run in runs
    )
    title = f"error of streams of {CHUNKS} chunks, ms: p50 / p99 / max; CPU ms a probe"
    return drawn(title, [*headings, *quality, "truth p99", "unsure", "thrown"], rows)


def _stream_target(run: Run) -> list[str]:
    if run.client != "sonde":
        return ["", ""]
    limit = limit_ms(run.cell)
    judgement = run.judgement
    spreads = (judgement.first_token, judgement.inter_token, judgement.answer)
    worst = max((each.p99 for each in spreads if each), default=None)
    wrong = judgement.silently_wrong > 0 and run.cell.blocked
    return [f"{limit:g}", "missed" if wrong else met(worst, limit)]
