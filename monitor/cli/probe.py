"""Probe one configured target once, and draw what happened; or all of them, for CI and cron.

examples:
  sonde probe gpt-chat                  a waterfall: where the time went, tokens, cost, headers
  sonde probe gpt-chat --json           the same as one JSON object, for scripts
  sonde probe gpt-chat --timeout 5s     wait no longer than that, whatever the target's deadline
  sonde probe gpt-chat --config a.yaml  of this file rather than ./sonde.yaml or the environment
  sonde probe --all --once              every target once: a line each, and an exit code
  sonde probe --all --once --json       the same as one JSON object
  sonde probe --all --once --junit sonde.xml  and as JUnit XML, which CI systems show
  sonde probe --all --once --match provider=gateway  only these

A daemon that runs is not disturbed, and its ledger not written to: real requests are sent from
here, and what they cost is in nobody's budget. With --all they are sent side by side, as many as
each provider's max_concurrency allows, and one run costs at most what a day's budget has. Response
headers are shown where they matter and identify nobody; credentials never are.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from monitor import logs
from monitor.cli import probe_all
from monitor.cli.drawn import as_json, show
from monitor.cli.output import put
from monitor.clock import Clock
from monitor.config.durations import parse_duration
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Config
from monitor.known_secrets import known_secrets
from monitor.schedule import off_schedule
from monitor.threads import DaemonThreads
from monitor.waterfall import waterfall
from probes.lag import LagMeter
from probes.prober import Prober
from probes.result import ProbeResult
from probes.target import Target
from probes.trace import Trace

EPILOG: Final = """\
Exit codes: 0 the probe was ok, with --all every one, 1 one was not, or was left out for want of
money, 2 the command line or the configuration is wrong, 130 interrupted."""
WIDEST: Final = 120
"""Columns beyond which bars only get harder to compare with their names."""
MOST_NAMED: Final = 20
"""Targets that are listed to somebody who named none of them."""
TICK_S: Final = 0.1
"""How often the line that says how long we have waited is drawn anew."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("target", nargs="?", metavar="NAME", help="its name in the configuration")
    parser.add_argument("--all", action="store_true", help="every target instead of one")
    parser.add_argument(
        "--once", action="store_true", help="once, which is all this command does: for readers"
    )
    parser.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="LABEL=PATTERN",
        help="with --all: only targets with such a label (target, provider, model, …)",
    )
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="with --all: write JUnit XML as well"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: as sonde run")
    parser.add_argument(
        "--timeout", type=_patience, metavar="TIME", help="5s, 500ms (default: the deadline)"
    )


def _patience(text: str) -> float:
    try:
        within_s = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if within_s <= 0.0:
        raise argparse.ArgumentTypeError("must be longer than nothing")
    return within_s


def run(arguments: argparse.Namespace) -> int:
    """Probe the target; return the exit code."""
    try:
        path = find_config(arguments.config, Path.cwd())
        config = load(path, os.environ, cwd=Path.cwd(), strict=False).config
        if arguments.all or arguments.match or arguments.junit is not None:
            return probe_all.run(arguments, config)
    except (ConfigError, probe_all.MistakenError) as error:
        return _refuse(str(error))
    if arguments.target is None:
        return _refuse(f"which target? {known([each.name for each in config.targets])}, or --all")
    target = next((each for each in config.targets if each.name == arguments.target), None)
    if target is None:
        return _refuse(unknown(arguments.target, [each.name for each in config.targets]))
    logs.set_up(known_secrets(config), level="ERROR")
    trace = Trace() if arguments.timeout is None else Trace(within_s=arguments.timeout)
    lag = LagMeter()
    with asyncio.Runner(loop_factory=lag.new_loop) as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        result = runner.run(_probe(config, target, trace, lag))
    if arguments.json:
        put(json.dumps(as_json(result, trace), indent=2) + "\n")
    else:
        console = Console(highlight=False)
        show(console, waterfall(result, target, trace, min(console.width, WIDEST)))
    return 0 if result.ok else 1


def unknown(name: str, names: Sequence[str]) -> str:
    """Say that there is no such target, and which one may have been meant, or which there are."""
    if close := get_close_matches(name, names, n=1):
        return f"no target {name!r}; did you mean {close[0]!r}?"
    return f"no target {name!r}; {known(names)}"


def known(names: Sequence[str]) -> str:
    """Say which targets there are; not all of a thousand."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"there are: {', '.join(names[:MOST_NAMED])}{more}"


def _refuse(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 2


async def _probe(config: Config, target: Target, trace: Trace, lag: LagMeter) -> ProbeResult:
    clock = Clock()
    provider = next(each for each in config.providers if each.name == target.provider)
    prober = Prober(provider, location=config.location, wall=clock.wall, lag=lag)
    try:
        async with asyncio.TaskGroup() as group:
            with _waiting(target.name, trace.limited(target).deadline_s) as progress:
                ticking = group.create_task(_tick(progress, clock), name="waiting line")
                result = await prober.probe(target, off_schedule(clock.wall()), trace=trace)
                ticking.cancel()
        return result
    finally:
        await prober.close()


@contextmanager
def _waiting(name: str, deadline_s: float) -> Iterator[Progress]:
    """Show on stderr, if that is a terminal, how long we have waited; leave nothing behind."""
    console = Console(stderr=True)
    columns = (TextColumn(f"{name}  {{task.completed:.1f}} of {deadline_s:g} s"), BarColumn())
    progress = Progress(
        *columns,
        console=console,
        transient=True,
        auto_refresh=False,
        disable=not console.is_terminal,
    )
    progress.add_task("", total=deadline_s)
    with progress:
        yield progress


async def _tick(progress: Progress, clock: Clock) -> None:
    began = clock.monotonic()
    while True:
        await asyncio.sleep(TICK_S)
        progress.update(progress.task_ids[0], completed=clock.monotonic() - began, refresh=True)
