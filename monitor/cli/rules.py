"""Try rules before they wake anybody: on results written down for a test, or on recorded ones.

examples:
  sonde rules test rules_test.yaml              expected alerts against those that come
  sonde rules backtest --since 30d              what the rules would have done, by rule
  sonde rules backtest --compare changed.yaml   and what other rules would have done instead
  sonde rules backtest --rule HighLatency --target 'gpt-*' --json
  sonde rules export --prometheus               the rules as Prometheus reads them
"""

import argparse
from collections.abc import Sequence
from typing import Final, Protocol

from monitor.cli import rules_backtest, rules_export, rules_test


class _Subcommand(Protocol):
    """A module of one subcommand; its docstring is its description."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, arguments: argparse.Namespace, /) -> int: ...


SUBCOMMANDS: Final[Sequence[tuple[str, str, _Subcommand]]] = (
    ("test", "expected alerts, for results written down", rules_test),
    ("backtest", "what rules would have done over recorded results", rules_backtest),
    ("export", "rules as Prometheus reads them", rules_export),
)

EPILOG: Final = "Exit codes: 0 as expected, 1 a test failed or no answer, 2 a mistake in a file."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text, module in SUBCOMMANDS:
        own = subparsers.add_parser(
            name,
            help=text,
            description=module.__doc__,
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(own)
        own.set_defaults(run_subcommand=module.run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    code: int = arguments.run_subcommand(arguments)
    return code
