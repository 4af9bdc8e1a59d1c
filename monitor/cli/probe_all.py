"""`sonde probe --all`: every target once, for CI and for who schedules elsewhere."""

import argparse
import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from alerting.match import labels_of
from alerting.routing.silence import parse_matchers
from monitor import logs
from monitor.cli.drawn import as_json, show
from monitor.cli.output import put
from monitor.config.values import Config
from monitor.known_secrets import known_secrets
from monitor.smoke.junit import junit
from monitor.smoke.probed import Probed, Round
from monitor.smoke.running import probe_all
from monitor.smoke.table import table
from monitor.threads import DaemonThreads
from probes.lag import LagMeter
from probes.result import ProbeResult
from probes.target import Target

REFRESH_PER_S: Final = 5
"""How often the line that says how far we are is drawn anew."""


class MistakenError(Exception):
    """The command line does not say what to probe. The message is for people."""


def run(arguments: argparse.Namespace, config: Config) -> int:
    """Probe every target that matches; return the exit code. Raises MistakenError, OSError."""
    targets = chosen(arguments, config)
    logs.set_up(known_secrets(config), level="ERROR")
    within_s = math.inf if arguments.timeout is None else arguments.timeout
    lag = LagMeter()
    with asyncio.Runner(loop_factory=lag.new_loop) as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        found = runner.run(_probe(config, targets, lag, within_s))
    if arguments.json:
        put(json.dumps(document(found), indent=2) + "\n")
    else:
        show(Console(highlight=False), table(found))
    if arguments.junit is not None:
        arguments.junit.write_text(junit(found), encoding="utf-8")
    return 0 if found.ok else 1


def chosen(arguments: argparse.Namespace, config: Config) -> Sequence[Target]:
    """Return the targets that are asked for. Raises MistakenError when that is none."""
    if not arguments.all:
        raise MistakenError("--match and --junit go with --all")
    if arguments.target is not None:
        raise MistakenError(f"either --all or {arguments.target!r}: to choose, --match target=…")
    try:
        match = parse_matchers(arguments.match)
    except ValueError as error:
        raise MistakenError(f"--match: {error}") from None
    if arguments.junit is not None and not arguments.junit.parent.is_dir():
        raise MistakenError(f"--junit: there is no folder {arguments.junit.parent}")
    targets = [t for t in config.targets if match.matches(labels_of(t, config.location))]
    if not targets:
        raise MistakenError(f"no target matches {' '.join(arguments.match)}")
    return targets


async def _probe(
    config: Config, targets: Sequence[Target], lag: LagMeter, within_s: float
) -> Round:
    with _progress(len(targets)) as progress:

        def on_probed(_probed: Probed) -> None:
            progress.advance(progress.task_ids[0])

        return await probe_all(config, targets, lag, within_s, on_probed)


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    """Show on stderr, if that is a terminal, how many are done; leave nothing behind."""
    console = Console(stderr=True)
    progress = Progress(
        *(TextColumn("probing {task.completed:.0f} of {task.total:.0f}"), BarColumn()),
        console=console,
        transient=True,
        refresh_per_second=REFRESH_PER_S,
        disable=not console.is_terminal,
    )
    progress.add_task("", total=total)
    with progress:
        yield progress


def document(found: Round) -> dict[str, Any]:  # Any: values differ by key
    """Return a round as a JSON object: what it comes to, and each result as `sonde probe NAME`."""
    return {
        "ok": found.ok,
        "location": found.location,
        "began_at": datetime.fromtimestamp(found.began_at, UTC).isoformat(timespec="seconds"),
        "took_s": round(found.took_s, 3),
        "targets": len(found.probed),
        "failed": found.failed,
        "skipped": found.skipped,
        "cost_usd": found.cost_usd,
        "results": [
            as_json(each.found, each.trace)
            for each in found.probed
            if isinstance(each.found, ProbeResult)
        ],
        "skips": [
            {"target": each.target.name, "reason": each.found.value}
            for each in found.probed
            if not isinstance(each.found, ProbeResult)
        ],
    }
