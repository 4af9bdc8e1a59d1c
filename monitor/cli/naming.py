"""How a command is told which configuration it works with."""

import argparse
from collections.abc import Sequence
from pathlib import Path


class _Said(argparse.Action):
    """Keeps what was said; a word that is absent leaves what an option said."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        _option: str | None = None,
    ) -> None:
        if values is not None:
            setattr(namespace, self.dest, values)


def add_config(parser: argparse.ArgumentParser, text: str = "default: as sonde run") -> None:
    """Take the configuration as CONFIG or as `--config FILE`; `arguments.file` is None for neither.

    People know the one from `sonde run` and the other from commands whose first word is a target.
    """
    either = parser.add_mutually_exclusive_group()
    either.add_argument("file", nargs="?", type=Path, metavar="CONFIG", action=_Said, help=text)
    either.add_argument(
        "--config", dest="file", type=Path, metavar="FILE", help="the same, by name"
    )
