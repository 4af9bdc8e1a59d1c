"""Find out what is wrong around Sonde: this machine, the ways out, the ledger; and what to do.

examples:
  sonde doctor                      the configuration `sonde run` would take, from here
  sonde doctor --online             also tries every provider's key: a request that costs nothing
  sonde doctor --config a.yaml      of this file
  sonde doctor --json               for scripts

One line for each thing: ok, warn or fail, and what to do below. It looks at the configuration, the
name, connection, TLS and certificate of every provider and channel, this machine's clock against
theirs, egress endpoints, proxy variables, memory and CPU limits, the ledger's place, InfluxDB (as
`sonde check --connect`, with a marker), and the port. Nobody is notified: `sonde notify test --all`
does that. Run it where Sonde runs, in the same container and as the same user.
"""

import argparse
import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from monitor import logs
from monitor.cli.output import put
from monitor.cli.progress import waiting
from monitor.clock import Clock
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Config
from monitor.doctor import machine
from monitor.doctor.examine import Trusted, examine
from monitor.doctor.finding import Finding, Level, lines, worst
from monitor.known_secrets import known_secrets
from monitor.threads import DaemonThreads
from probes.lag import LagMeter

EPILOG: Final = (
    "Exit codes: 0 nothing failed (there may be warnings), 1 something did, 2 the command line is"
    " wrong, or there is no configuration that could run, 130 interrupted."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="default: as sonde run")
    parser.add_argument("--online", action="store_true", help="try every provider's key too")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything; return the exit code."""
    config, findings = _configuration(arguments.config)
    findings.append(machine.proxies(os.environ, () if config is None else config.providers))
    targets = () if config is None else config.targets
    findings.append(machine.memory(machine.memory_limit(), targets))
    findings.append(machine.processor(machine.processor_quota(), targets))
    if config is not None:
        findings += _examined(config, online=arguments.online)
    if arguments.json:
        rows = [asdict(each) for each in findings]
        text = json.dumps({"worst": worst(findings), "findings": rows}, indent=2)
    else:
        text = "\n".join(lines(findings))
    put(text + "\n")
    if config is None:
        return 2
    return 1 if worst(findings) is Level.FAIL else 0


def _examined(config: Config, *, online: bool) -> list[Finding]:
    logs.set_up(known_secrets(config), level="CRITICAL")  # what is found is told in a line each
    lag = LagMeter()
    trusted = Trusted.of(config)
    with waiting("looking around"), asyncio.Runner(loop_factory=lag.new_loop) as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        return runner.run(examine(config, trusted, lag, online=online))


def _configuration(named: Path | None) -> tuple[Config | None, list[Finding]]:
    """Return the configuration, and what `sonde check` would say; None: nothing could run."""
    try:
        path = find_config(named, Path.cwd())
        now = Clock().wall()
        loaded = load(path, os.environ, cwd=Path.cwd(), strict=False, now=now)
    except ConfigError as error:
        return None, list(_problems(error, "it is told where; `sonde init` writes a new one"))
    config = loaded.config
    counts = f"{len(config.targets)} targets, {len(config.channels)} channels"
    findings = [Finding("config", Level.OK, f"{config.source}: {counts}")]
    try:
        load(path, os.environ, cwd=Path.cwd(), strict=True, now=now)
    except ConfigError as error:
        # It runs all the same, without the provider or channel whose credential is bad.
        findings = list(_problems(error, "the others run; this one fails until it is mended"))
    findings += [Finding("config", Level.WARN, str(each)) for each in loaded.warnings]
    return config, list(dict.fromkeys(findings))


def _problems(error: ConfigError, remedy: str) -> Iterator[Finding]:
    for problem in error.problems:
        yield Finding("config", Level.FAIL, str(problem), remedy)
