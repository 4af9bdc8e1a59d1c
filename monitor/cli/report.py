"""Write a report to send to a vendor: availability, latency, incidents with evidence, cost.

examples:
  sonde report --since 30d --output report.html       one file, to be sent or printed
  sonde report --since 2026-10-01 --until 2026-11-01 --provider openai --objective 99.5
  sonde report --since 7d --target 'gpt-*' --format csv --output week.csv
  sonde report --since 30d --json | jq .targets       every figure, for scripts

The range is widened to whole days of UTC. Targets are those of the configuration, and those that
were taken out of it since; locations all that the ledger has results of. A daemon may run
meanwhile: it is not held up. Without --timezone, times are UTC; days always are.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.ledger import LedgerError
from aggregator.ledger_file import reading
from aggregator.stores.history import HistoryError
from monitor.cli.export import moment
from monitor.cli.naming import add_config
from monitor.cli.output import put, words
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Config
from monitor.report.figures import Report
from monitor.report.formats import Format, written
from monitor.report.gathering import Question, gather, whole_days
from monitor.report.subjects import places, subjects

STREAM: Final = Path("-")
SUFFIXES: Final = {
    "": Format.MARKDOWN,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".md": Format.MARKDOWN,
    ".json": Format.JSON,
    ".csv": Format.CSV,
}
LONGEST_DAYS: Final = 3_660
"""Ten years: a chart of more shows nothing, and a slip of the pen asks for thousands."""


class NothingThereError(Exception):
    """Nothing of what was asked for is there; the text says what is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_config(parser)
    parser.add_argument(
        "--since", default="30d", metavar="WHEN", help="30d ago (the default), or 2026-11-01 (UTC)"
    )
    parser.add_argument("--until", metavar="WHEN", help="likewise (default: now)")
    parser.add_argument("--target", default="*", metavar="GLOB", help="of these targets: 'gpt-*'")
    parser.add_argument(
        "--location",
        action="append",
        metavar="NAME",
        help="seen from there; may be given several times (default: all)",
    )
    parser.add_argument("--provider", metavar="NAME", help="of this provider's targets")
    parser.add_argument(
        "--objective", type=_ratio, metavar="PERCENT", help="for the error budget: 99.5"
    )
    parser.add_argument(
        "--timezone", type=_zone, default="UTC", metavar="ZONE", help="such as Europe/Berlin"
    )
    parser.add_argument(
        "--format",
        choices=[each.value for each in Format],
        metavar="FORMAT",
        help="html, md, json, csv (default: by the name of FILE; md on standard output)",
    )
    parser.add_argument(
        "--json",
        action="store_const",
        const=Format.JSON.value,
        dest="format",
        help="the same as --format json",
    )
    parser.add_argument(
        "--output", type=Path, default=STREAM, metavar="FILE", help="default: -, standard output"
    )


def _ratio(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0.0 < percent <= 100.0:
        raise argparse.ArgumentTypeError("an objective is more than 0, and at most 100")
    return percent / 100.0


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone known here") from None


def run(arguments: argparse.Namespace) -> int:
    """Write the report; return the exit code."""
    now = Clock().wall()
    try:
        kind = _kind(arguments)
        since, until = _range(arguments, now)
        found = find_config(arguments.file, Path.cwd())
        config = load(found, os.environ, cwd=Path.cwd(), strict=False).config
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        report = _report(config, arguments, since, until, now)
        _write(arguments.output, written(report, kind, arguments.timezone))
    except NothingThereError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except BrokenPipeError:  # its reader has seen enough
        return 1
    except (LedgerError, HistoryError, OSError, ValueError) as error:
        sys.stderr.write(f"no report: {words(error)}\n")
        return 1
    return 0


def _kind(arguments: argparse.Namespace) -> Format:
    """Return the format; raises ValueError for a name that promises another."""
    if arguments.format is not None:
        return Format(arguments.format)
    kind = SUFFIXES.get(arguments.output.suffix.lower())
    if kind is None:
        names = ", ".join(Format)
        raise ValueError(f"{arguments.output}: no format is called so: say --format ({names})")
    return kind


def _range(arguments: argparse.Namespace, now: float) -> tuple[float, float]:
    since = moment(arguments.since, now)
    until = now if arguments.until is None else min(moment(arguments.until, now), now)
    if since >= until:
        raise ValueError("--since is not before --until, or not before now")
    if until - since > LONGEST_DAYS * 86_400:
        raise ValueError(f"more than {LONGEST_DAYS} days: ask for less")
    return whole_days(since, until)


def _report(
    config: Config, arguments: argparse.Namespace, since: float, until: float, now: float
) -> Report:
    with reading(config.store.path) as connection:
        known = places(connection)
        asked = Question(since, until, _locations(known, arguments, config), arguments.objective)
        found = list(subjects(connection, config.targets, known, partial(_wanted, arguments)))
        if not found:
            names = ", ".join(target.name for target in config.targets)
            raise NothingThereError(f"no such target; there are: {names}")
        with _progress(len(found)) as progress:
            return gather(connection, found, asked, now, version("sonde"), progress)


def _wanted(arguments: argparse.Namespace, name: str, provider: str) -> bool:
    return fnmatchcase(name, arguments.target) and arguments.provider in (None, provider)


def _locations(
    known: Mapping[str, set[str]], arguments: argparse.Namespace, config: Config
) -> tuple[str, ...]:
    there = {config.location}.union(*known.values())
    asked = there if arguments.location is None else set(arguments.location)
    if unknown := sorted(asked - there):
        names = ", ".join(sorted(there))
        raise NothingThereError(f"no such location: {unknown[0]}; there are: {names}")
    return tuple(sorted(asked))


@contextmanager
def _progress(targets: int) -> Iterator[Callable[[int], None]]:
    """Say on a terminal how far it is, in what takes more than a second; in the end say nothing."""
    clock = Clock()
    began = clock.steady()

    def tell(done: int) -> None:
        if sys.stderr.isatty() and clock.steady() - began > 1.0:
            sys.stderr.write(f"\rreport: {done} of {targets} targets read ")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


def _write(path: Path, text: str) -> None:
    """Write the text; a file appears when it is complete, and nothing when it cannot be."""
    if path == STREAM:
        put(text)
        return
    if path.exists() and not path.is_file():  # a device or a pipe stays one; a folder is refused
        path.write_text(text, encoding="utf-8")
        return
    file = path.resolve()  # so that a link stays one
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
