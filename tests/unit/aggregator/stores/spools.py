"""Ledgers with a spool, for tests."""

import sqlite3

from aggregator.results import RESULTS, insert_result, insert_results
from aggregator.stores.delivery import Destination
from aggregator.stores.spool import SPOOL, Balance, Stream, balances
from tests.unit.aggregator.samples import result

HERE = Destination("http://influx:8086", "o", "b")
ELSEWHERE = Destination("http://influx:8086", "o", "other")


def in_memory() -> sqlite3.Connection:
    """Return a ledger with a spool that is in no file."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for schema in (RESULTS, SPOOL):
        connection.executescript(";".join(schema.migrations))
    return connection


def fill(connection: sqlite3.Connection, slots: range) -> None:
    """Record one result for each slot, sent at the slot's number of seconds."""
    insert_results(connection, [result(slot=slot, at=float(slot)) for slot in slots])


def hear(connection: sqlite3.Connection, slots: range) -> None:
    """Record one result of another replica for each slot."""
    for slot in slots:
        insert_result(connection, result(slot=slot, at=float(slot)), "other")


def of_results(connection: sqlite3.Connection) -> Balance:
    return balances(connection)[Stream.RESULTS]


def of_windows(connection: sqlite3.Connection) -> Balance:
    return balances(connection)[Stream.WINDOWS]


def really_pending(connection: sqlite3.Connection) -> int:
    """Count the results of our own behind the cursor, row by row."""
    (rows,) = connection.execute(
        "SELECT count(*) FROM results, shipped"
        " WHERE stream = 'results' AND id > acknowledged AND heard_from = ''"
    ).fetchone()
    return int(rows)
