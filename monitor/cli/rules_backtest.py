"""Say what rules would have done over recorded results: how often, how long, and what they missed.

examples:
  sonde rules backtest                          the configuration's rules over the last 30 days
  sonde rules backtest --since 7d --rule Down --target 'gpt-*'
  sonde rules backtest --compare changed.yaml   and what that file's rules would have done

Results of this location are tried as long as they are kept (store.retention.results), through the
daemon's own windows, at its own beat. Nothing is tried on roll-ups: they do not hold what came in
which order. What is in no result (budgets, rate limits, our way out) counts as unknown. A daemon
may run meanwhile.
"""

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from aggregator.ledger import LedgerError
from aggregator.ledger_file import open_reader
from monitor.backtest.running import Backtest, Progress, Question, backtest
from monitor.backtest.words import as_json, compared, table
from monitor.cli.export import moment
from monitor.cli.naming import add_config
from monitor.cli.output import put
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Config

LONGEST_DAYS: Final = 400
"""More is a slip of the pen: results are kept for two weeks unless somebody says otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_config(parser)
    parser.add_argument(
        "--since", default="30d", metavar="WHEN", help="30d ago (the default), or 2026-11-01 (UTC)"
    )
    parser.add_argument("--until", metavar="WHEN", help="likewise (default: now)")
    parser.add_argument(
        "--rule", action="append", metavar="NAME", help="this rule; several times: these"
    )
    parser.add_argument("--target", default="*", metavar="GLOB", help="of these targets: 'gpt-*'")
    parser.add_argument(
        "--compare", type=Path, metavar="OTHER", help="a configuration with other rules"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what the rules would have done; return the exit code."""
    now = Clock().wall()
    try:
        configs = _configs(arguments)
        questions = [_question(config, arguments, now) for config in configs]
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    path = configs[0].store.path
    try:
        with closing(_opened(path)) as connection, _progress() as progress:
            found = [
                backtest(connection, config, asked, progress)
                for config, asked in zip(configs, questions, strict=True)
            ]
    except (LedgerError, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"no backtest: {error}\n")
        return 1
    return _print(found, as_objects=arguments.json)


def _print(found: list[Backtest], *, as_objects: bool) -> int:
    lines = "\n".join(_lines(found))
    text = json.dumps([as_json(each) for each in found], indent=2) if as_objects else lines
    try:
        put(f"{text.rstrip()}\n")
    except OSError as error:
        sys.stderr.write(f"no backtest: {error}\n")
        return 1
    return 0


def _opened(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise LedgerError(f"{path} is not there: `sonde run` makes it")
    return open_reader(path)


def _lines(found: list[Backtest]) -> Iterator[str]:
    for each in found:
        yield from table(each)
        yield ""
    if len(found) > 1:
        yield from compared(*found)


def _configs(arguments: argparse.Namespace) -> list[Config]:
    paths = [find_config(arguments.file, Path.cwd())]
    if arguments.compare is not None:
        paths.append(arguments.compare)
    return [load(path, os.environ, cwd=Path.cwd(), strict=False).config for path in paths]


def _question(config: Config, arguments: argparse.Namespace, now: float) -> Question:
    """Return what is asked of one configuration. Raises ValueError, with a line for people."""
    since = moment(arguments.since, now)
    until = now if arguments.until is None else min(moment(arguments.until, now), now)
    if since >= until:
        raise ValueError("--since is not before --until, or not before now")
    if until - since > LONGEST_DAYS * 86_400:
        raise ValueError(f"more than {LONGEST_DAYS} days: ask for less")
    targets = [each.name for each in config.targets if fnmatchcase(each.name, arguments.target)]
    if not targets:
        names = ", ".join(target.name for target in config.targets)
        raise ValueError(f"{config.source}: no such target; there are: {names}")
    known = dict.fromkeys(rule.name for rule in config.rules)
    rules = known if arguments.rule is None else dict.fromkeys(arguments.rule)
    if unknown := [name for name in rules if name not in known]:
        raise ValueError(f"{config.source}: no rule {unknown[0]}; there are: {', '.join(known)}")
    return Question(since, until, frozenset(targets), frozenset(rules))


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """Say on a terminal how far it is, in what takes more than a second; in the end say nothing."""
    clock = Clock()
    told_at = clock.steady()

    def tell(so_far: Progress) -> None:
        nonlocal told_at
        if sys.stderr.isatty() and clock.steady() - told_at > 1.0:
            told_at = clock.steady()
            sys.stderr.write(f"\rbacktest: {so_far.done} of {so_far.of} {so_far.doing}\x1b[K")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
