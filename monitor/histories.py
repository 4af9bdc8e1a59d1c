"""Which History is asked: the configured one, opened for as long as it takes."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from aggregator.ledger_file import explained, reading
from aggregator.stores.history import History, HistoryError
from aggregator.stores.influxdb_history import InfluxdbHistory
from aggregator.stores.influxql import Influxql
from aggregator.stores.ledger_history import LedgerHistory, Read
from monitor.config.values import Config, HistoryStore

T = TypeVar("T")


@asynccontextmanager
async def open_history(
    config: Config,
    store: HistoryStore | None = None,
    read: Read | None = None,
    location: str = "",
) -> AsyncIterator[History]:
    """Give the configured history, or that of `store`, and let go of it at the end.

    `location`: of which one; empty: of the configured one.
    `read` is the running daemon's `Ledger.read`. None: a command asks, and opens the ledger's file
    for itself, read only; a daemon may have it meanwhile. Raises LedgerError for a ledger that
    cannot be read, HistoryError for what is not configured; questions raise them too.
    """
    asked = config.store.history if store is None else store
    location = location or config.location
    if asked is HistoryStore.INFLUXDB:
        influxdb = config.store.influxdb
        if influxdb is None:
            raise HistoryError("store.influxdb: not configured")
        influxql = Influxql(influxdb.destination, influxdb.token, influxdb.papers)
        try:
            yield InfluxdbHistory(influxql, location)
        finally:
            await influxql.close()
    elif read is not None:
        yield LedgerHistory(read, location)
    else:
        with _reader(config.store.path) as own:
            yield LedgerHistory(own, location)


@contextmanager
def _reader(path: Path) -> Iterator[Read]:
    """Open a ledger's file for reading; the loop waits for it, which a command's may."""
    with reading(path) as connection:

        async def read(work: Callable[[sqlite3.Connection], T]) -> T:
            with explained(path):
                connection.execute("BEGIN")  # one snapshot, while a daemon may be rolling up
                try:
                    return work(connection)
                finally:
                    connection.rollback()

        yield read
