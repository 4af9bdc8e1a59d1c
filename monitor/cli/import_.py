"""Take results that `sonde export` wrote into the ledger: from Parquet or CSV.

examples:
  sonde import results.parquet                into the configuration's ledger
  sonde import month.csv sonde.yaml           into that of this file
  sonde import rows --format csv              whatever the file is called
  sonde import results.parquet --json         what became of the rows, for scripts

A daemon may be running. Every row is checked; what is no result is named and left out, and a
result that is there already stays as it is: after an interruption run it again. Imported results
are history: they are read, reported and exported, but fill no window and are not sent to InfluxDB
(write `sonde export --format lines` there). What is older than `store.retention` keeps results is
left out, and nothing is taken beyond `store.max_size`: raise them first to move a longer past.
"""

import argparse
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Final

from aggregator.ledger import LedgerError
from aggregator.ledger_file import open_writer, take
from aggregator.results import RESULTS
from aggregator.rollup.table import ROLLUPS
from aggregator.stores.spool import SPOOL
from aggregator.transfer.columns import LibraryError, TransferError
from aggregator.transfer.formats import Format, decoded, lines_in
from aggregator.transfer.importing import Tally, import_rows
from monitor.cli.export import SUFFIXES
from monitor.cli.naming import add_config
from monitor.cli.output import put, words
from monitor.cli.progress import shown
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Store

EPILOG: Final = """\
Exit codes: 0 all rows are in the ledger, 1 some were no results or too old, or a file or the ledger
cannot be read or written, 2 the command line or the configuration is wrong, or Parquet's library is
missing, 130 interrupted."""
DELETED_S: Final = 60.0
"""What will be too old this soon is too old: a daemon may delete it while a batch waits for it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("rows", type=Path, metavar="FILE", help="what to import")
    add_config(parser)
    parser.add_argument(
        "--format",
        type=Format,
        choices=(Format.PARQUET, Format.CSV),
        metavar="FORMAT",
        help="parquet or csv (default: by the name of FILE)",
    )
    parser.add_argument("--json", action="store_true", help="print what became of the rows as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Import; return the exit code."""
    kind = arguments.format or SUFFIXES.get(arguments.rows.suffix)
    if kind is None:
        sys.stderr.write(f"{arguments.rows}: of which format? say --format\n")
        return 2
    try:
        found = find_config(arguments.file, Path.cwd())
        store = load(found, os.environ, cwd=Path.cwd(), strict=False).config.store
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    told = _Told()
    try:
        _import(arguments.rows, kind, store, told)
    except LibraryError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (TransferError, LedgerError, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"not all imported: {words(error)}\n")
        return 1
    finally:
        if told.begun:
            report(told.tally)
            if arguments.json:
                put(json.dumps(as_json(told.tally), indent=2) + "\n")
    return 1 if told.tally.bad or told.tally.old else 0


class _Told:
    """What became of the rows, as of the newest commit."""

    def __init__(self) -> None:
        self.begun = False
        """Whether there was a file of results, and a ledger to take them."""
        self.tally = Tally()


def _import(rows: Path, kind: Format, store: Store, told: _Told) -> None:
    clock = Clock()
    kept_s = store.retention_results_s - DELETED_S
    with closing(decoded(rows, kind, clock.wall())) as found:
        first = list(islice(found, 1))  # what is no file of results makes no ledger
        if not store.path.exists():
            os.close(take(store.path))
        with (
            closing(open_writer(store.path, (RESULTS, ROLLUPS, SPOOL))) as connection,
            shown("importing", lines_in(rows, kind)) as progress,
        ):
            told.begun = True
            import_rows(
                connection,
                chain(first, found),
                _follower(told, progress.advance),
                kept_since=lambda: clock.wall() - kept_s,
                max_size_bytes=store.max_size_bytes,
            )


def _follower(told: _Told, advance: Callable[[int], None]) -> Callable[[Tally], None]:
    began = time.perf_counter()

    def follow(tally: Tally) -> None:
        nonlocal began
        advance(tally.rows - told.tally.rows)
        told.tally = tally
        # As long as the batch took: a daemon's own writes come between ours.
        time.sleep(time.perf_counter() - began)
        began = time.perf_counter()

    return follow


def as_json(tally: Tally) -> dict[str, object]:
    """Return what became of the rows as a JSON object; of those that are no results, the first."""
    return {
        "rows": tally.rows,
        "new": tally.new,
        "known": tally.known,
        "no_results": tally.bad,
        "too_old": tally.old,
        "problems": [{"row": line, "problem": problem} for line, problem in tally.named],
    }


def report(tally: Tally) -> None:
    """Say on stderr what became of the rows."""
    for line, problem in tally.named:
        sys.stderr.write(f"row at {line}: {problem}\n")
    if tally.bad > len(tally.named):
        sys.stderr.write(f"… and {tally.bad - len(tally.named):,} more like these\n")
    sys.stderr.write(
        f"{tally.rows:,} rows: {tally.new:,} new, {tally.known:,} known already,"
        f" {tally.bad:,} no results\n"
    )
    if tally.old:
        sys.stderr.write(f"{tally.old:,} are older than store.retention keeps results: left out\n")
