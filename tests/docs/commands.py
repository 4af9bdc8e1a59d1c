"""docs/cli.md: every command as its own --help has it, from the parsers."""

import argparse
import os
import re
from collections.abc import Iterator
from typing import Final
from unittest.mock import patch

from monitor.cli import EXIT_CODES, parsers
from monitor.cli.commands import DESCRIPTION, actions

WIDTH: Final = "100"
"""Columns: a help is wrapped to the terminal, and a page has none."""
HEAD: Final = """\
# Command line

What `sonde help COMMAND` prints, written from the parsers by `make docs-reference`.

| exit code | meaning |
|---|---|
"""
_BLANK: Final = re.compile(r"\n{3,}")


def page() -> str:
    """Return the page."""
    with patch.dict(os.environ, {"COLUMNS": WIDTH}):
        helps = [f"## {parser.prog}\n\n{_block(parser.format_help())}" for parser in every()]
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    return "\n".join([HEAD + codes, _block(DESCRIPTION), *helps])


def every() -> Iterator[argparse.ArgumentParser]:
    """Yield each command's parser, and behind it those of its actions."""
    for parser in parsers().values():
        yield parser
        yield from actions(parser).values()


def _block(text: str) -> str:
    return f"```text\n{_BLANK.sub(chr(10) * 2, text.strip())}\n```\n"
