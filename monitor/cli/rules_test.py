"""Test rules: results written down, virtual time, and the alerts that are to come of them.

examples:
  sonde rules test rules_test.yaml        one line a test; exits 1 when one fails
  sonde rules test tests/*.yaml --json    several files, for scripts

What stands in a file is in docs/testing-rules.md. Nothing is probed and nobody is notified.
"""

import argparse
import json
import sys
from pathlib import Path

from monitor.cli.output import put
from monitor.cli.progress import waiting
from monitor.config.errors import ConfigError
from monitor.rules_test.reading import read_plan
from monitor.rules_test.running import run as run_case
from monitor.rules_test.words import as_json, lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="of tests")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run every test; 0: all passed; 1: one failed; 2: a file cannot be used."""
    try:
        plans = [read_plan(path, Path.cwd()) for path in arguments.files]
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with waiting("testing rules"):
        done = [(plan, [run_case(case, plan.config) for case in plan.cases]) for plan in plans]
    if arguments.json:
        text = json.dumps([as_json(plan.source, found) for plan, found in done], indent=2)
    else:
        text = "\n".join(line for plan, found in done for line in lines(plan.source, found))
    put(f"{text}\n")
    return 1 if any(each.complaints for _, found in done for each in found) else 0
