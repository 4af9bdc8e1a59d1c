"""Write results of the ledger to a file: Parquet, CSV, or InfluxDB's line protocol.

examples:
  sonde export --output results.parquet             all there are, for pandas, DuckDB, Spark
  sonde export --since 30d --target 'gpt-*' --format csv --output month.csv
  sonde export --since 2026-10-01 --until 2026-11-01 --format lines | influx write -b probes
  sonde export --resume --output results.parquet    go on after an interruption

A daemon may be running: it is not held up, and what it measures meanwhile is not exported. FILE
appears when it is complete; until then there are FILE.part and FILE.part.json. Parquet needs
`pip install 'sonde[parquet]'`. Line protocol holds figures of results, as the shipped points do;
Parquet and CSV hold every field, and `sonde import` takes them.
"""

import argparse
import os
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aggregator.ledger import LedgerError
from aggregator.ledger_file import reading
from aggregator.transfer.columns import LibraryError, TransferError
from aggregator.transfer.exporting import export
from aggregator.transfer.formats import Encoder, Format, encoder
from aggregator.transfer.part import Note, Part
from aggregator.transfer.table import Extent, Selection, extent
from monitor.cli.naming import add_config
from monitor.cli.output import words
from monitor.cli.progress import shown
from monitor.clock import Clock
from monitor.config.durations import parse_duration
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load

EPILOG: Final = """\
Exit codes: 0 written, 1 a file or the ledger cannot be read or written (or who reads standard
output has gone), 2 the command line or the configuration is wrong, or Parquet's library is missing,
130 interrupted; after 1, 130 and a kill, --resume goes on with a file."""
STREAM: Final = Path("-")
LAST_MOMENT: Final = 4e9
"""Wall time after anything there may be: the year 2096."""
SUFFIXES: Final = {
    ".parquet": Format.PARQUET,
    ".csv": Format.CSV,
    ".lines": Format.LINES,
    ".lp": Format.LINES,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_config(parser)
    parser.add_argument("--since", metavar="WHEN", help="30d ago, or 2026-11-01T12:00 (UTC)")
    parser.add_argument("--until", metavar="WHEN", help="likewise (default: now)")
    parser.add_argument("--target", metavar="GLOB", help="of these targets: 'gpt-*'")
    parser.add_argument(
        "--format",
        type=Format,
        choices=tuple(Format),
        metavar="FORMAT",
        help="parquet, csv, lines (default: by the name of FILE, else csv)",
    )
    parser.add_argument(
        "--output", type=Path, default=STREAM, metavar="FILE", help="default: -, standard output"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted export")


def run(arguments: argparse.Namespace) -> int:
    """Export; return the exit code."""
    try:
        kind = _kind(arguments)
        selection = _selection(arguments, Clock().wall())
        found = find_config(arguments.file, Path.cwd())
        path = load(found, os.environ, cwd=Path.cwd(), strict=False).config.store.path
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        rows = _export(arguments, path, kind, selection)
    except LibraryError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except BrokenPipeError:  # its reader has seen enough
        return 1
    except (TransferError, LedgerError, OSError) as error:
        sys.stderr.write(f"not exported: {words(error)}\n")
        return 1
    except KeyboardInterrupt:
        if arguments.output != STREAM:
            sys.stderr.write(
                f"interrupted: sonde export --resume --output {arguments.output} goes on\n"
            )
        raise
    if arguments.output != STREAM:
        sys.stderr.write(f"{arguments.output}: {rows:,} results\n")
    return 0


def _kind(arguments: argparse.Namespace) -> Format:
    """Return the format asked for; raises ValueError for what cannot be asked for together."""
    kind: Format = arguments.format or SUFFIXES.get(arguments.output.suffix, Format.CSV)
    if arguments.output == STREAM and (kind is Format.PARQUET or arguments.resume):
        raise ValueError("Parquet and --resume need a file: say --output FILE")
    if arguments.output == STREAM and sys.stdout is None:
        raise ValueError("standard output is closed: say --output FILE")
    asked = ("since", "until", "target", "format")
    said = [f"--{name}" for name in asked if getattr(arguments, name) is not None]
    if arguments.resume and said:
        raise ValueError(f"--resume goes on with what was begun: leave out {', '.join(said)}")
    return kind


def _selection(arguments: argparse.Namespace, now: float) -> Selection:
    since = 0.0 if arguments.since is None else moment(arguments.since, now)
    until = LAST_MOMENT if arguments.until is None else moment(arguments.until, now)
    if since >= until:
        raise ValueError("--since is not before --until")
    return Selection(since, until, arguments.target or "*")


def moment(text: str, now: float) -> float:
    """Return the wall time of `30d` (ago) or of a date and time, UTC where it names no zone.

    Raises ValueError.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now - parse_duration(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is neither a time ago, such as 12h or 30d, nor a moment, such as"
                " 2026-11-01 or 2026-11-01T12:00"
            ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _export(arguments: argparse.Namespace, path: Path, kind: Format, selection: Selection) -> int:
    how = encoder(kind)  # before anything is made: its library may be missing
    with reading(path) as connection:
        lies = extent(connection, selection)
        note = Note(str(path), kind, selection, lies.after, lies.last)
        if arguments.output == STREAM:
            return _to_stream(connection, note, how, lies)
        with Part(arguments.output) as part:
            return _to_file(connection, part, note, resume=arguments.resume)


class _Stream:
    """Standard output, which nobody goes on with."""

    def write(self, data: bytes, /) -> None:
        sys.stdout.buffer.write(data)

    def keep(self, note: Note, /) -> Note:
        sys.stdout.buffer.flush()
        return note


def _to_stream(connection: sqlite3.Connection, note: Note, how: Encoder, lies: Extent) -> int:
    stream = _Stream()
    try:
        stream.write(how.head)
        # Among rows on the same terminal a line that moves would be in the way.
        with shown("exporting", lies.rows, quiet=sys.stdout.isatty()) as rows:
            return export(connection, note, how, stream, rows.advance).rows
    except OSError:
        # What is left in its buffer cannot be written either, and would fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _to_file(connection: sqlite3.Connection, part: Part, fresh: Note, *, resume: bool) -> int:
    note = (part.note() if resume else None) or fresh
    if note.ledger != fresh.ledger:
        raise TransferError(f"{part.path} is of another ledger: {note.ledger}")
    how = encoder(note.format)
    note = part.begin(note, how.head)
    left = extent(connection, note.selection, note.after).rows
    with shown("exporting", left) as rows:
        note = export(connection, note, how, part, rows.advance)
    part.finish(how.end, how.finish)
    return note.rows
