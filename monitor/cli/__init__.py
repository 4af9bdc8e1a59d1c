"""The command line. Exit codes: 0 done, 1 failed, 2 the command or configuration is wrong."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from typing import Final

DESCRIPTION: Final = """\
Watches LLM APIs from the outside and says whose fault it is.

  sonde demo              see a simulated provider fail and recover, no account needed
  OPENAI_API_KEY=… sonde run
                          watch OpenAI with default targets and rules
  sonde check sonde.yaml  validate a configuration and print what would run
  sonde check --connect   then write to the configured InfluxDB and read it back
  sonde probe gpt-chat    send one request now, and see where its time goes
  sonde history gpt-chat --since 6h
                          a target's last six hours, minute by minute
"""
EPILOG: Final = "Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong."


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand. Its module has `add_arguments(parser)` and `run(arguments) -> int`.

    And `EPILOG` where its exit codes mean more than those of the others.
    """

    name: str
    module: str
    help: str


COMMANDS: Final = (
    Command("run", "monitor.cli.run", "monitor until stopped"),
    Command("demo", "monitor.cli.demo", "watch a simulated provider fail and recover"),
    Command("check", "monitor.cli.check", "validate a configuration and print what would run"),
    Command("probe", "monitor.cli.probe", "probe one target once, and draw where its time went"),
    Command("notify", "monitor.cli.notify", "send a test notification through a channel"),
    Command("silence", "monitor.cli.silence", "keep alerts quiet for a while, and say why"),
    Command("alerts", "monitor.cli.alerts", "list alerts, and why people were told, or not"),
    Command("rules", "monitor.cli.rules", "test rules, and try them on recorded results"),
    Command("history", "monitor.cli.history", "show a target's past, minute by minute"),
    Command("reference", "monitor.cli.reference", "take a target's reference vector anew"),
    Command("report", "monitor.cli.report", "write a report to send to a vendor"),
    Command("export", "monitor.cli.export", "write results to Parquet, CSV or line protocol"),
    Command("import", "monitor.cli.import_", "take exported results into the ledger"),
)


INTERRUPTED: Final = 130
"""What a shell says of a command that Ctrl-C ended: 128 + SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Names and providers' words may hold what the terminal's encoding has no sign for.
        sys.stdout.reconfigure(errors="replace")
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(arguments: list[str]) -> int:
    command = next((c for c in COMMANDS if c.name in arguments[:1]), None)
    parser = _parser()
    if command is None:
        parser.parse_args(arguments)
        parser.print_help()
        return 2
    # Only the chosen command is imported: the openai SDK alone takes a second.
    module = import_module(command.module)
    own = argparse.ArgumentParser(
        prog=f"sonde {command.name}",
        description=module.__doc__,
        epilog=getattr(module, "EPILOG", EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(own)
    code: int = module.run(own.parse_args(arguments[1:]))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sonde",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sonde {version('sonde')}")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for command in COMMANDS:
        subparsers.add_parser(command.name, help=command.help, add_help=False)
    return parser
