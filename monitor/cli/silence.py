"""Silence alerts for a while, see what is silenced, and end a silence.

examples:
  sonde silence add provider=openai --for 2h --comment "they told us"
  sonde silence add alertname='High*|Slow*' model=!gpt-4o --for 1d --comment "known"
  sonde silence add target=chat --from 2026-11-22T01:00Z --until 2026-11-22T05:00Z --comment "move"
  sonde silence list                       those that are not over
  sonde silence list --all --json          the last 90 days too
  sonde silence expire 3f9c21ab            end one now

A silence keeps quiet the alerts of which every named label matches: alertname, severity, fault,
target, provider, preset, model, operation, location, fingerprint, and labels of targets and rules.
Patterns may hold * and ?, several go with | between them, and one that begins with ! excludes.
Probes and rules go on; what still fires when a silence ends is told then. A daemon that runs
notices at its next evaluation. Times are in UTC unless they say otherwise.
"""

import argparse
import getpass
import json
import secrets
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aggregator.ledger import LedgerError
from alerting.routing.muting import when_text
from alerting.routing.silence import (
    ID_BYTES,
    Silence,
    check,
    cleaned,
    known_labels,
    matchers_text,
)
from alerting.routing.silence import parse_matchers as read_matchers
from alerting.routing.silence_store import (
    KEPT_S,
    SILENCES,
    TooManySilencesError,
    add_silence,
    expire_silence,
    load_silences,
)
from monitor.cli.beside import configured, reading, writing
from monitor.cli.output import put
from monitor.clock import Clock
from monitor.config.durations import parse_duration
from monitor.config.errors import ConfigError
from monitor.config.values import Config
from monitor.known_secrets import known_secrets

EPILOG: Final = (
    "Exit codes: 0 done, 1 the ledger cannot be read or written, 2 the command line or the"
    " configuration is wrong, or there is no such silence."
)
TITLES: Final = ("ID", "STATE", "FROM", "UNTIL", "AUTHOR", "MATCHERS", "COMMENT")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="silence alerts for a while")
    add.add_argument("matchers", nargs="+", metavar="LABEL=PATTERN", help="which alerts")
    ends = add.add_mutually_exclusive_group(required=True)
    ends.add_argument("--for", dest="for_s", type=duration, metavar="TIME", help="2h, 1d12h …")
    ends.add_argument("--until", type=moment, metavar="WHEN", help="2026-11-22T05:00Z")
    add.add_argument("--from", dest="starts_at", type=moment, metavar="WHEN", help="default: now")
    add_author(add)
    listed = actions.add_parser("list", help="show silences")
    listed.add_argument("--all", action="store_true", help="those that are over too")
    expire = actions.add_parser("expire", help="end a silence now")
    expire.add_argument("id", help="as `sonde silence list` shows it")
    for action in (add, listed, expire):
        action.add_argument("--config", type=Path, help="configuration (default: as sonde run)")
        action.add_argument("--json", action="store_true", help="print JSON")


def add_author(parser: argparse.ArgumentParser) -> None:
    """Declare who silences, and why."""
    parser.add_argument("--comment", required=True, help="why, for whoever finds it")
    parser.add_argument("--author", default=_user(), help="default: who you are on this machine")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return ""


def duration(text: str) -> float:
    """Return the seconds of `2h`; raises what argparse tells people."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def moment(text: str) -> float:
    """Return the wall time of `2026-11-22T05:00Z`; raises what argparse tells people."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a time such as 2026-11-22T05:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; 0: done, 1: the ledger refused, 2: a mistake."""
    try:
        config = configured(arguments.config)
        return _ACTIONS[arguments.action](config, arguments, Clock().wall())
    except (ConfigError, ValueError, TooManySilencesError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except LedgerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _add(config: Config, arguments: argparse.Namespace, now: float) -> int:
    starts_at = now if arguments.starts_at is None else arguments.starts_at
    ends_at = starts_at + arguments.for_s if arguments.until is None else arguments.until
    hidden = known_secrets(config)()
    silence = Silence(
        secrets.token_hex(ID_BYTES),
        read_matchers(arguments.matchers),
        starts_at,
        ends_at,
        cleaned(arguments.author, hidden),
        cleaned(arguments.comment, hidden),
    )
    check(silence, known_labels(config.targets, config.rules), now)
    writing(config.store.path, (SILENCES,), lambda c: add_silence(c, silence, now))
    told = f"silence {silence.id}: {matchers_text(silence.match)} until {when_text(ends_at)}"
    _say(told, row(silence, now), as_json=arguments.json)
    return 0


def _list(config: Config, arguments: argparse.Namespace, now: float) -> int:
    since = now - KEPT_S if arguments.all else now
    found = reading(config.store.path, lambda c: _loaded(c, since))
    rows = [row(each, now) for each in found]
    _say("\n".join(table(rows)), rows, as_json=arguments.json)
    return 0


def _loaded(connection: sqlite3.Connection, since: float) -> Sequence[Silence]:
    """Return the silences; none of a ledger that has no table of them yet."""
    there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'silences'").fetchone()
    return load_silences(connection, since) if there else ()


def _expire(config: Config, arguments: argparse.Namespace, now: float) -> int:
    ended = writing(config.store.path, (SILENCES,), lambda c: expire_silence(c, arguments.id, now))
    if not ended:
        raise ValueError(f"no silence {arguments.id} that is not over: see sonde silence list")
    _say(f"silence {arguments.id} is over", {"id": arguments.id}, as_json=arguments.json)
    return 0


_ACTIONS: Final = {"add": _add, "list": _list, "expire": _expire}

# Any: these are JSON objects, whose values differ by key.
Row = dict[str, Any]


def row(silence: Silence, now: float) -> Row:
    """Return a silence as a JSON object. Times in seconds since the epoch."""
    ended = "over" if silence.ends_at <= now else "waiting"
    return {
        "id": silence.id,
        "state": "active" if silence.active(now) else ended,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "author": silence.author,
        "matchers": {name: list(patterns) for name, patterns in silence.match.fields},
        "matchers_text": matchers_text(silence.match),
        "comment": silence.comment,
        "until_resolved": silence.until_resolved,
    }


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines that show silences, aligned."""
    if not rows:
        yield "no silences"
        return
    cells = [TITLES, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _cells(found: Row) -> tuple[str, ...]:
    until = when_text(found["ends_at"])
    return (
        found["id"],
        found["state"],
        when_text(found["starts_at"]),
        f"its end, {until} at the latest" if found["until_resolved"] else until,
        found["author"],
        found["matchers_text"],
        found["comment"],
    )


def _say(text: str, rows: object, *, as_json: bool) -> None:
    put((json.dumps(rows, indent=2) if as_json else text) + "\n")
