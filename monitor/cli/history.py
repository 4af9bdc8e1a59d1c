"""Show a target's past, step by step, from the ledger or from InfluxDB.

examples:
  sonde history chat                            the last hour, from the configured store
  sonde history chat --since 6h --from influxdb what InfluxDB has of it
  sonde history chat --since 30d                a month, by the day
  sonde history chat --location iad1            as the replicas in iad1 see it
  sonde history chat --since 1d --json          one object a step, for scripts

Steps are minutes up to an hour and a half, days from 24 days on, and between them what makes a
table to look through; what began before results are kept is read from roll-ups. Latencies are in
milliseconds, of complete answers and of timeouts at their deadline (then with ">=": a lower bound),
percentiles within 1 % of one that was measured. A percentile of too few results is unknown: "-".
The daemon may run meanwhile.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aggregator.ledger import LedgerError
from aggregator.rollup.bucket import Point
from aggregator.rollup.table import Level
from aggregator.stores.history import HistoryError, step_for
from monitor import threads
from monitor.cli.output import put, words
from monitor.cli.progress import waiting
from monitor.clock import Clock
from monitor.config.durations import parse_duration
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Config, HistoryStore
from monitor.histories import open_history
from probes.result import Fault

BARS: Final = "▁▂▃▄▅▆▇█"
BAR_STEPS: Final = 60
"""Steps the line of bars shows, the newest: as wide as a terminal takes."""
MS: Final = 1_000.0
LONGEST_AGO_S: Final = 10 * 365 * 86_400
"""Older than any store keeps, and a moment that every store can name."""
TITLES: Final = ("FROM (UTC)", "N", "ERRORS", "MEAN", "P50", "P95", "P99")


@dataclass(frozen=True, slots=True)
class Line:
    """One step of one target. Latencies are in milliseconds and None where unknown."""

    at: int
    """When it began, seconds since the epoch."""
    over_s: int
    n: int
    errors: int
    by_fault: Mapping[str, int]
    """The errors, by whose fault they were."""
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    censored_from: float | None
    """The smallest timeout in it: a figure at or above it is a lower bound."""
    cost_usd: float | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("target", help="its name in the configuration")
    parser.add_argument(
        "--since",
        type=_ago,
        default="1h",
        metavar="AGO",
        help="how far back: 30m, 6h, 1d (default: %(default)s)",
    )
    parser.add_argument(
        "--from",
        dest="store",
        choices=[each.value for each in HistoryStore],
        metavar="STORE",
        help="which store to ask, ledger or influxdb (default: store.history)",
    )
    parser.add_argument(
        "--location",
        default="",
        help="as seen from this location, such as another region's (default: the configured one)",
    )
    parser.add_argument("--config", type=Path, help="configuration (default: as sonde run)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _ago(text: str) -> float:
    try:
        ago_s = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if ago_s > LONGEST_AGO_S:
        raise argparse.ArgumentTypeError("more than 10 years: ask for less")
    return ago_s


def run(arguments: argparse.Namespace) -> int:
    """Print the history; 0 when there was an answer, 1 when the store has none, 2 for a mistake."""
    try:
        path = find_config(arguments.config, Path.cwd())
        config = load(path, os.environ, cwd=Path.cwd(), strict=False).config
    except ConfigError as error:
        return _refuse(str(error))
    if arguments.target not in (names := [target.name for target in config.targets]):
        return _refuse(f"no target {arguments.target!r}; there are: {', '.join(names)}")
    store = HistoryStore(arguments.store or config.store.history)
    if store is HistoryStore.INFLUXDB and config.store.influxdb is None:
        return _refuse(f"{config.source} store.influxdb: not configured")
    until = int(Clock().wall()) + 1
    since = until - int(arguments.since)
    try:
        with waiting(f"asking {store} for {arguments.target}"):
            found = threads.run(_ask(config, store, arguments, since, until))
    except (HistoryError, LedgerError) as error:
        sys.stderr.write(f"{store}: {error}\n")
        return 1
    if arguments.json:
        text = json.dumps([asdict(line(point)) for point in found], indent=2)
    else:
        text = "\n".join(table([line(point) for point in found]))
    try:
        put(text + "\n")
    except BrokenPipeError:  # its reader has seen enough
        return 1
    except OSError as error:
        sys.stderr.write(f"not shown: {words(error)}\n")
        return 1
    return 0


def _refuse(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 2


async def _ask(
    config: Config, store: HistoryStore, asked: argparse.Namespace, since: int, until: int
) -> list[Point]:
    async with open_history(config, store, location=asked.location) as history:
        return await history.range(asked.target, since, until, step_for(since, until))


def line(point: Point) -> Line:
    """Return what is shown of a step."""
    summary = point.summary
    latency = summary.latency
    quantiles = {} if latency is None else latency.quantiles
    censored_from = None if latency is None else latency.censored_from
    return Line(
        at=point.at,
        over_s=point.over_s,
        n=summary.n,
        errors=summary.failures,
        by_fault={
            str(fault): n for fault, n in summary.by_fault.items() if fault is not Fault.NONE
        },
        mean=_ms(None if latency is None else latency.mean),
        p50=_ms(quantiles.get(0.5)),
        p95=_ms(quantiles.get(0.95)),
        p99=_ms(quantiles.get(0.99)),
        censored_from=_ms(censored_from),
        cost_usd=summary.cost_usd,
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else MS * seconds


def table(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the lines that show the steps, aligned, and bars of their means."""
    if not lines:
        yield "no results in that time"
        return
    rows = [TITLES, *map(_cells, lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells))
    means = [line.mean for line in lines[-BAR_STEPS:]]
    if any(mean is not None for mean in means):
        yield ""
        yield f"mean  {bars(means)}"


def _cells(line: Line) -> tuple[str, ...]:
    began = "%Y-%m-%d" if line.over_s >= Level.DAY else "%m-%d %H:%M"
    at = datetime.fromtimestamp(line.at, UTC).strftime(began)
    figures = (line.mean, line.p50, line.p95, line.p99)
    return (at, str(line.n), str(line.errors), *(_figure(each, line) for each in figures))


def _figure(value: float | None, line: Line) -> str:
    if value is None:
        return "-"
    bound = line.censored_from is not None and value >= line.censored_from
    return f"{'>=' if bound else ''}{value:.0f}"


def bars(values: Sequence[float | None]) -> str:
    """Draw values as bars of eight heights above zero; a gap is what is unknown."""
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    return "".join(" " if value is None else BARS[min(7, int(value / top * 8))] for value in values)
