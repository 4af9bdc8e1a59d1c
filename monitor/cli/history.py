"""Show a target's past, minute by minute, from the ledger or from InfluxDB.

examples:
  sonde history chat                            the last hour, from the ledger
  sonde history chat --since 6h --from influxdb what InfluxDB has of it
  sonde history chat --since 1d --json          one object a minute, for scripts

Latencies are in milliseconds, of complete answers and of timeouts at their deadline (then with
">=": a lower bound). A percentile of too few results is unknown: "-". The daemon may run meanwhile.
"""

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from aggregator.ledger import LedgerError
from aggregator.ledger_file import open_reader
from aggregator.stores.history import History, HistoryError, Minute
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxql import Influxql
from aggregator.stores.ledger_history import LedgerHistory
from monitor import threads
from monitor.clock import Clock
from monitor.config.durations import parse_duration
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Config

T = TypeVar("T")

BARS: Final = "▁▂▃▄▅▆▇█"
BAR_MINUTES: Final = 60
"""Minutes the line of bars shows, the newest: as wide as a terminal takes."""
LONGEST_AGO_S: Final = 10 * 365 * 86_400
"""Older than any store keeps, and a moment that every store can name."""
TITLES: Final = ("MINUTE (UTC)", "N", "ERRORS", "MEAN", "P50", "P95", "P99")


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
        choices=("ledger", "influxdb"),
        default="ledger",
        help="which store to ask (default: %(default)s)",
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
    if arguments.store == "influxdb" and config.store.influxdb is None:
        return _refuse(f"{config.source} store.influxdb: not configured")
    until = int(Clock().wall()) + 1
    since = until - int(arguments.since)
    try:
        found = threads.run(_ask(config, arguments.store, arguments.target, since, until))
    except (HistoryError, LedgerError) as error:
        sys.stderr.write(f"{arguments.store}: {error}\n")
        return 1
    if arguments.json:
        text = json.dumps([asdict(minute) for minute in found], indent=2)
    else:
        text = "\n".join(table(found))
    sys.stdout.write(text + "\n")
    return 0


def _refuse(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 2


async def _ask(config: Config, store: str, target: str, since: int, until: int) -> list[Minute]:
    history: History
    if store == "influxdb" and config.store.influxdb is not None:
        influxdb = config.store.influxdb
        influxql = Influxql(influxdb.destination, influxdb.token)
        try:
            history = InfluxdbHistory(influxql, config.location)
            return await history.per_minute(target, since, until)
        finally:
            await influxql.close()
    path = config.store.path
    if not path.exists():
        raise LedgerError(f"{path} is not there: `sonde run` makes it")
    connection = open_reader(path)
    try:

        async def read(work: Callable[[sqlite3.Connection], T]) -> T:
            return work(connection)

        history = LedgerHistory(read, config.location)
        return await history.per_minute(target, since, until)
    except sqlite3.Error as error:
        raise LedgerError(_unread(path, error)) from error
    finally:
        connection.close()


def _unread(path: Path, error: sqlite3.Error) -> str:
    if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a table or a column is not there
        return f"{path} is an older version's ({error}): `sonde run` brings it up to this one"
    return f"{path} cannot be read: {error}"


def table(minutes: Sequence[Minute]) -> Iterator[str]:
    """Yield the lines that show the minutes, aligned, and bars of their means."""
    if not minutes:
        yield "no results in that time"
        return
    rows = [TITLES, *map(_cells, minutes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells))
    yield ""
    yield f"mean  {bars([minute.mean for minute in minutes[-BAR_MINUTES:]])}"


def _cells(minute: Minute) -> tuple[str, ...]:
    at = datetime.fromtimestamp(minute.at, UTC).strftime("%m-%d %H:%M")
    figures = (minute.mean, minute.p50, minute.p95, minute.p99)
    return (at, str(minute.n), str(minute.errors), *(_figure(each, minute) for each in figures))


def _figure(value: float | None, minute: Minute) -> str:
    if value is None:
        return "-"
    bound = minute.censored_from is not None and value >= minute.censored_from
    return f"{'>=' if bound else ''}{value:.0f}"


def bars(values: Sequence[float | None]) -> str:
    """Draw values as bars of eight heights above zero; a gap is what is unknown."""
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    return "".join(" " if value is None else BARS[min(7, int(value / top * 8))] for value in values)
