"""Watch a simulated provider fail and recover: the real daemon against a scripted incident.

Starts an OpenAI-compatible provider as a process of its own, monitors it with short intervals and
shows every alert as it fires and resolves. Needs no account and no network. Exits 0 only if every
alert the script should raise fired and resolved.

examples:
  sonde demo                  one minute, live table
  sonde demo --seconds 120    the same incident, played slower
  sonde demo --json           events as JSON lines, for scripts
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from rich.console import Console

from monitor import logs
from monitor.demo.show import Show, Stage
from monitor.demo.teller import JsonTeller, LineTeller, LiveTeller, Teller
from probes.lag import LagMeter

SHORTEST_S = 40.0
"""Below this the phases are too short for the probes to see them."""
LONGEST_S = 3600.0
"""Nobody watches longer than this."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="length of the script (default: %(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="print events as JSON lines")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="save the fullest screen as an SVG picture"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; return its exit code."""
    if not SHORTEST_S <= arguments.seconds <= LONGEST_S:
        print(  # noqa: T201 - the command line's own output
            f"sonde demo: --seconds must be at least {SHORTEST_S:g} and at most {LONGEST_S:g},"
            f" is {arguments.seconds:g}",
            file=sys.stderr,
        )
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C: the provider we started must not outlive a closed terminal.
        signal.signal(number, signal.default_int_handler)
    logs.set_up(level="ERROR")
    teller = _teller(arguments)
    lag = LagMeter()
    with asyncio.Runner(loop_factory=lag.new_loop) as runner:
        kept = runner.run(Show(Stage.of(arguments.seconds), teller, lag).play())
    if arguments.picture is not None:
        arguments.picture.write_text(teller.picture(), encoding="utf-8")
    return 0 if kept else 1


def _teller(arguments: argparse.Namespace) -> Teller:
    if arguments.json:
        return JsonTeller(lambda event: print(json.dumps(event), flush=True))  # noqa: T201
    console = Console()
    return LiveTeller(console) if console.is_terminal else LineTeller(console)
