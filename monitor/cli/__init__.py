"""The command line. What goes wrong is one line on stderr, and an exit code (`EXIT_CODES`)."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from io import TextIOWrapper
from typing import Final

from monitor.cli.commands import COMMANDS, EXIT_CODES, command_parser, parsers
from monitor.cli.output import words

__all__ = ["COMMANDS", "EXIT_CODES", "main", "parsers"]

FAILED: Final = 1
MISTAKEN: Final = 2
INTERRUPTED: Final = 130
"""What a shell says of a command that Ctrl-C ended: 128 + SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    What a command did not expect of a file or a pipe is told here: a full disk, a reader that went
    away, a file that may not be read.
    """
    if sys.stderr is None:  # closed before the start: the next file that is opened would be it
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - to the end
    if sys.stdin is None:  # likewise: whoever reads it gets its end
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - to the end
    if isinstance(sys.stdout, TextIOWrapper):
        # Names and providers' words may hold what the terminal's encoding has no sign for.
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv))
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _give_up_stdout()
        if not isinstance(error, BrokenPipeError):  # its reader has seen enough
            with suppress(OSError):  # nobody is left to be told
                sys.stderr.write(f"sonde: {words(error)}\n")
        return FAILED


def _give_up_stdout() -> None:
    """Let nothing more be written: what its buffer holds would fail again at the end."""
    with suppress(OSError, AttributeError, ValueError):  # a test's, or none at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["help"]:
        arguments = [*(word for word in arguments if word != "help"), "--help"]
    name = next(iter(arguments), "")
    chosen = [command for command in COMMANDS if command.name == name]
    if not chosen and name and not name.startswith("-"):
        sys.stderr.write(f"{unknown(name)}\n")
        return MISTAKEN
    parser = command_parser(chosen)
    found = parser.parse_args(arguments)
    if not chosen:
        parser.print_help()
        return MISTAKEN
    code: int = found.run_command(found)
    return code


def unknown(name: str) -> str:
    """Say that there is no such command, and which one may have been meant."""
    close = get_close_matches(name, [command.name for command in COMMANDS], n=1)
    meant = f" did you mean {close[0]!r}?" if close else ""
    return f"sonde: no command {name!r};{meant} `sonde --help` lists them"
