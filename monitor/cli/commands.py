"""Every command: its name, its module, and the parser that its help and completion come from."""

import argparse
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from monitor.cli.output import put

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

DESCRIPTION: Final = """\
Watches LLM APIs from the outside and says whose fault it is.

  sonde demo              see a simulated provider fail and recover, no account needed
  sonde init              write a configuration, from the keys that are in the environment
  sonde check             validate it, and print what would run; --connect: try its InfluxDB too
  sonde run               monitor until stopped: the page is on http://127.0.0.1:8000
  sonde top               watch a running daemon in this terminal
  sonde probe gpt-chat    send one request now, and see where its time goes
  sonde history gpt-chat  a target's last hour, minute by minute
  sonde doctor            look at this machine and the way to every host, and say what to do
  sonde help COMMAND      what a command does, with examples
"""

EXIT_CODES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "done",
        1: "failed: a check, a test, a probe, a store or a file did",
        2: "the command line or the configuration is wrong: nothing was done",
        130: "interrupted by Ctrl-C",
    }
)
"""What every command's exit code means; a command's own help says what it is there."""
EPILOG: Final = (
    "Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong,"
    " 130 interrupted."
)


WIDTH: Final = 79
"""Columns of what is written in prose: every terminal has them."""


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand. Its module has `add_arguments(parser)` and `run(arguments) -> int`.

    And `EPILOG` where its exit codes mean more than those of the others. The module's docstring is
    its help: one line, `examples:`, and what else is to be known.
    """

    name: str
    module: str
    help: str


COMMANDS: Final = (
    Command("init", "monitor.cli.init", "write a first configuration"),
    Command("check", "monitor.cli.check", "validate a configuration and print what would run"),
    Command("run", "monitor.cli.run", "monitor until stopped"),
    Command("demo", "monitor.cli.demo", "watch a simulated provider fail and recover"),
    Command("top", "monitor.cli.top", "watch a running daemon in the terminal"),
    Command("doctor", "monitor.cli.doctor", "find out what is wrong around us, and what to do"),
    Command("probe", "monitor.cli.probe", "probe one target once, and draw where its time went"),
    Command("alerts", "monitor.cli.alerts", "list alerts, and why people were told, or not"),
    Command("silence", "monitor.cli.silence", "keep alerts quiet for a while, and say why"),
    Command("notify", "monitor.cli.notify", "send a test notification through a channel"),
    Command("rules", "monitor.cli.rules", "test rules, and try them on recorded results"),
    Command("history", "monitor.cli.history", "show a target's past, minute by minute"),
    Command("report", "monitor.cli.report", "write a report to send to a vendor"),
    Command("status-page", "monitor.cli.status_page", "write the public status page as files"),
    Command("reference", "monitor.cli.reference", "take a target's reference vector anew"),
    Command("export", "monitor.cli.export", "write results to Parquet, CSV or line protocol"),
    Command("import", "monitor.cli.import_", "take exported results into the ledger"),
    Command("completion", "monitor.cli.completion", "print a script that completes in your shell"),
)


class _Parser(argparse.ArgumentParser):
    """A parser whose help either is printed or fails: argparse hides that a disk was full.

    The parsers below it are of its kind.
    """

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Print the help. Raises OSError."""
        if file is None:
            put(self.format_help())
        else:
            super().print_help(file)


class _Version(argparse.Action):
    """Print the version. What knows it takes as long to import as all else of a help together."""

    def __call__(self, parser: argparse.ArgumentParser, *_given: object) -> None:
        version = import_module("importlib.metadata").version("sonde")
        put(f"sonde {version}\n")
        parser.exit()


def command_parser(complete: Sequence[Command]) -> argparse.ArgumentParser:
    """Return the parser of the command line; only `complete` commands know their arguments.

    Their modules are imported, and the others' are not: the openai SDK alone takes a second.
    """
    parser = _Parser(
        prog="sonde",
        description=DESCRIPTION,
        epilog=_filled(EPILOG),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for command in COMMANDS:
        if command in complete:
            _add(subparsers, command)
        else:
            subparsers.add_parser(command.name, help=command.help, add_help=False)
    return parser


def parsers() -> Mapping[str, argparse.ArgumentParser]:
    """Return every command's parser, by its name. Imports all of them: 1 s or so."""
    return dict(actions(command_parser(COMMANDS)))


def actions(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Return the parsers below a parser, by their names; empty: it has none."""
    below = (each for each in parser._actions if isinstance(each.choices, dict))  # noqa: SLF001 - argparse lists them nowhere else
    return next((dict(each.choices or {}) for each in below), {})


def _add(subparsers: "argparse._SubParsersAction[_Parser]", command: Command) -> None:
    module = import_module(command.module)
    own = subparsers.add_parser(
        command.name,
        help=command.help,
        description=module.__doc__,
        epilog=_filled(getattr(module, "EPILOG", EPILOG)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(own)
    own.set_defaults(run_command=module.run)
    for each in actions(own).values():
        _explain(each, own)


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH)


def _explain(action: argparse.ArgumentParser, command: argparse.ArgumentParser) -> None:
    """Give an action that has no words of its own its command's examples of it."""
    if action.description is None:
        lines = (command.description or "").splitlines()
        own = [line for line in lines if line.startswith(f"  {action.prog} ")]
        action.description = "\n".join(("examples:", *own)) if own else None
        action.epilog = action.epilog or command.epilog
        action.formatter_class = argparse.RawDescriptionHelpFormatter
