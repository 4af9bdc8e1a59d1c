"""Print a script that completes Sonde's commands and options in your shell.

examples:
  eval "$(sonde completion bash)"                            in this shell
  sonde completion bash > ~/.local/share/bash-completion/completions/sonde
  sonde completion zsh > "${fpath[1]}/_sonde"
  sonde completion fish > ~/.config/fish/completions/sonde.fish

The script is complete in itself: Sonde is not run while you type. Print it anew after an upgrade.
"""

import argparse
from pathlib import Path
from typing import Final

import shtab

from monitor.cli.commands import COMMANDS, actions, command_parser
from monitor.cli.output import put

SHELLS: Final = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("shell", choices=SHELLS, help="whose words the script is in")


def run(arguments: argparse.Namespace) -> int:
    """Print the script; 0: printed."""
    put(script(arguments.shell) + "\n")
    return 0


def script(shell: str) -> str:
    """Return the completion script for a shell, made of every command's parser."""
    parser = command_parser(COMMANDS)
    _mark_files(parser)
    text: str = shtab.complete(parser, shell=shell)
    return text


def _mark_files(parser: argparse.ArgumentParser) -> None:
    """Say of every argument that is a path that names of files complete it."""
    for action in parser._actions:  # noqa: SLF001 - argparse lists them nowhere else
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined] # what shtab looks for
    for below in actions(parser).values():
        _mark_files(below)
