"""Watch a running daemon in the terminal: alerts with whose fault, targets with the worst first.

examples:
  sonde top                                        the daemon on this machine
  sonde top --url https://sonde.example --token-file token
  sonde top --once                                 one frame, and no more
  sonde top --json                                 the overview as the API tells it, for scripts

keys: q quit, s another order, t only targets in trouble, / find a name, Esc all again

Where output is no terminal, one frame is printed. A lost connection is said, and tried again. The
token of a daemon that listens wider than this machine is read from --token-file, else from the file
that $SONDE_TOKEN_FILE names. Times are this machine's; figures are those of the page.
"""

import argparse
import os
import sys
from datetime import UTC, datetime, timezone
from pathlib import Path
from typing import Final

from rich.console import Console

from monitor.cli.output import put
from monitor.clock import Clock
from monitor.threads import run as run_loop
from monitor.top.board import Board
from monitor.top.frame import frame
from monitor.top.screen import Screen
from monitor.top.source import Source, SourceError, read_overview
from monitor.top.view import View
from monitor.trust import trusted
from probes.secret import Secret, SecretError, SecretSource

EPILOG: Final = (
    "Exit codes: 0 shown, 1 the daemon does not answer, 2 the command line is wrong or the token"
    " cannot be read, 130 interrupted."
)
URL: Final = "http://127.0.0.1:8000"
TOKEN_FILE: Final = "SONDE_TOKEN_FILE"  # noqa: S105 - the name of a variable
TALL: Final = 10_000
"""Lines of a frame that is no screen: all there is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--url", default=URL, help="where the daemon is (default: %(default)s)")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="holds its token")
    parser.add_argument("--once", action="store_true", help="print one frame and stop")
    parser.add_argument("--json", action="store_true", help="print the overview as JSON and stop")


def run(arguments: argparse.Namespace) -> int:
    """Show the daemon; 0: shown, 1: it does not answer, 2: a mistake."""
    console = Console(highlight=False)
    try:
        tls = trusted() if arguments.url.startswith("https:") else None
        source = Source(arguments.url, _token(arguments.token_file), tls)
    except (ValueError, SecretError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    live = console.is_terminal and not (arguments.once or arguments.json)
    try:
        if live:
            run_loop(_live(source, console))
        else:
            run_loop(_once(source, console, as_json=arguments.json))
    except SourceError as error:
        sys.stderr.write(f"{arguments.url}: {error}\n")
        return 1
    return 0


def _token(named: Path | None) -> Secret | None:
    told = os.environ.get(TOKEN_FILE)
    path = named or (Path(told) if told else None)
    return None if path is None else SecretSource(path=path).read()


async def _live(source: Source, console: Console) -> None:
    try:
        await Screen(console, Board(), _zone()).show(source, Clock())
    finally:
        await source.close()


async def _once(source: Source, console: Console, *, as_json: bool) -> None:
    try:
        body = await source.overview()
    finally:
        await source.close()
    board = Board()
    board.take(read_overview(body))
    if as_json:
        put(body.decode() + "\n")
        return
    console.print(frame(board, View(), console.width, TALL, _zone()))


def _zone() -> timezone:
    """Return how far this machine's clocks are from UTC now."""
    offset = datetime.fromtimestamp(Clock().wall(), UTC).astimezone().utcoffset()
    return UTC if offset is None else timezone(offset)
