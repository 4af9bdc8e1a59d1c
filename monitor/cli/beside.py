"""The ledger of a configuration, for commands that work beside a running daemon."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from aggregator.ledger import LedgerError
from aggregator.ledger_file import Schema, open_reader, open_writer
from monitor.config.load import find_config, load
from monitor.config.values import Config

T = TypeVar("T")


def configured(file: Path | None) -> Config:
    """Return the configuration as `sonde run` would find it. Raises ConfigError."""
    path = find_config(file, Path.cwd())
    return load(path, os.environ, cwd=Path.cwd(), strict=False).config


def reading(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` on a snapshot of the ledger. Raises LedgerError."""
    _there(path)
    with closing(open_reader(path)) as connection:
        try:
            connection.execute("BEGIN")
            return work(connection)
        except sqlite3.Error as error:
            raise LedgerError(f"{path}: cannot be read: {error}") from error


def writing(path: Path, schemas: Sequence[Schema], work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` in one transaction, whether or not a daemon has the ledger. Raises LedgerError.

    What else the work raises undoes it and is raised.
    """
    _there(path)
    with closing(open_writer(path, schemas)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                return work(connection)
        except sqlite3.Error as error:
            raise LedgerError(f"{path}: cannot be written: {error}") from error


def _there(path: Path) -> None:
    if not path.is_file():
        raise LedgerError(f"{path}: there is no ledger yet")
