"""Take a target's reference vector anew: from its next good embedding.

examples:
  sonde reference reset embed-small              in the configuration's ledger
  sonde reference reset embed-small sonde.yaml   in that of this file
  sonde reference reset embed-small --json       for scripts

A daemon may be running: it notices within a minute. Do this when a vector has changed for good (the
provider moved the model, and what you indexed has been made anew). Another model, prompt or size in
the configuration needs no command: the reference is taken anew by itself.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from aggregator.ledger import LedgerError
from aggregator.references import reset_reference
from monitor.cli.naming import add_config
from monitor.cli.output import put
from monitor.config.errors import ConfigError
from monitor.config.load import find_config, load
from monitor.config.values import Config
from probes.result import Operation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", choices=("reset",), help="forget the reference")
    parser.add_argument("name", help="a target of the configuration")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Reset one reference; 0: done, or there was none; 1: the ledger refused; 2: no such target."""
    try:
        path = find_config(arguments.file, Path.cwd())
        config = load(path, os.environ, cwd=Path.cwd(), strict=False).config
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    complaint = _complaint(config, arguments.name)
    if complaint is not None:
        sys.stderr.write(f"{config.source}: {complaint}\n")
        return 2
    try:
        there = reset_reference(config.store.path, arguments.name)
    except LedgerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments.json:
        text = json.dumps({"target": arguments.name, "forgotten": there})
    else:
        done = "forgotten; the next good answer is taken" if there else "there is none yet"
        text = f"reference of {arguments.name}: {done}"
    put(f"{text}\n")
    return 0


def _complaint(config: Config, name: str) -> str | None:
    target = next((each for each in config.targets if each.name == name), None)
    if target is None:
        return f'no target is called "{name}"'
    if target.operation is not Operation.EMBEDDINGS:
        return f'"{name}" is of operation {target.operation}, which has no vectors'
    return None
