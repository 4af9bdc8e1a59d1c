"""Which History is asked: the configured one, opened for as long as it takes."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from aggregator.ledger import LedgerError
from aggregator.ledger_file import open_reader
from aggregator.stores.history import History, HistoryError
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxql import Influxql
from aggregator.stores.ledger_history import LedgerHistory, Read
from monitor.config.values import Config, HistoryStore

T = TypeVar("T")


@asynccontextmanager
async def open_history(
    config: Config, store: HistoryStore | None = None, read: Read | None = None
) -> AsyncIterator[History]:
    """Give the configured history, or that of `store`, and let go of it at the end.

    `read` is the running daemon's `Ledger.read`. None: a command asks, and opens the ledger's file
    for itself, read only; a daemon may have it meanwhile. Raises LedgerError for a ledger that
    cannot be read, HistoryError for what is not configured; questions raise them too.
    """
    asked = config.store.history if store is None else store
    if asked is HistoryStore.INFLUXDB:
        influxdb = config.store.influxdb
        if influxdb is None:
            raise HistoryError("store.influxdb: not configured")
        influxql = Influxql(influxdb.destination, influxdb.token, influxdb.papers)
        try:
            yield InfluxdbHistory(influxql, config.location)
        finally:
            await influxql.close()
    elif read is not None:
        yield LedgerHistory(read, config.location)
    else:
        with _reader(config.store.path) as own:
            yield LedgerHistory(own, config.location)


@contextmanager
def _reader(path: Path) -> Iterator[Read]:
    """Open a ledger's file for reading; the loop waits for it, which a command's may."""
    if not path.exists():
        raise LedgerError(f"{path} is not there: `sonde run` makes it")
    connection = open_reader(path)

    async def read(work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection.execute("BEGIN")  # one snapshot, while a daemon may be rolling up
            try:
                return work(connection)
            finally:
                connection.rollback()
        except sqlite3.Error as error:
            raise LedgerError(_unread(path, error)) from error

    try:
        yield read
    finally:
        connection.close()


def _unread(path: Path, error: sqlite3.Error) -> str:
    if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a table or a column is not there
        return f"{path} is an older version's ({error}): `sonde run` brings it up to this one"
    return f"{path} cannot be read: {error}"
