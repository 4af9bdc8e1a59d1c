"""Ledgers of earlier versions, with rows in every table."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aggregator.ledger_file import Schema, open_writer, take
from monitor.daemon import SCHEMAS

SAID: Final = MappingProxyType(
    {
        "attempt": 1,
        "verdict": "ok",
        "fault": "none",
        "operation": "chat",
        "stamps": "kernel",
        "reason": "late",
        "state": "pending",
        "stream": "results",
    }
)
"""Words that are not free."""
OF_PROBES: Final = ("results", "skips")
FEW: Final = MappingProxyType({"evaluation": 1, "shipped": 1, "heard_upto": 1})
"""Tables with a limited number of rows."""
ROWS: Final = 3

Table = tuple[tuple[str, ...], list[tuple[object, ...]]]
"""Columns and rows."""


_WITH_RESULTS: Final = MappingProxyType({"spool": (1, 1, 1, 1, 2)})
"""Which version of another schema there was with each of the results': its triggers know theirs."""


def all_at(version: int) -> list[Schema]:
    """Return all schemas, each no further than a version."""
    found = []
    for schema in SCHEMAS:
        ours = _WITH_RESULTS.get(schema.name, ())
        newest = ours[version - 1] if version <= len(ours) else version
        found.append(Schema(schema.name, schema.migrations[:newest]))
    return found


def make(path: Path, schemas: Sequence[Schema]) -> None:
    """Make a ledger with these tables."""
    os.close(take(path))
    open_writer(path, schemas).close()


def tables(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all tables of ours."""
    return [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " AND name != 'schema_version' ORDER BY name"
        )
    ]


def fill(connection: sqlite3.Connection, table: str, numbers: Iterable[int]) -> None:
    """Write rows that have a value wherever the table of that version wants one."""
    about = connection.execute(f"PRAGMA table_info({table})").fetchall()
    keys = [kind for _, _, kind, _, _, key in about if key]
    columns = [
        (name, kind)
        for _, name, kind, needed, default, key in about
        if (needed and default is None and not key) or (key and keys != ["INTEGER"])
    ]
    names = ", ".join(name for name, _ in columns)
    connection.executemany(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})",
        ([_value(table, *column, number) for column in columns] for number in numbers),
    )


def _value(table: str, name: str, kind: str, number: int) -> object:
    if name in SAID:
        return SAID[name]
    if table in OF_PROBES and name in ("target", "location"):
        return {"target": "chat", "location": "here"}[name]
    return {"TEXT": f"{name} {number}", "BLOB": b"%d" % number}.get(kind, number)


def fill_all(path: Path, rows: int = ROWS) -> None:
    """Write rows into every table."""
    with closing(sqlite3.connect(path)) as connection:
        for table in tables(connection):
            fill(connection, table, range(min(rows, FEW.get(table, rows))))
        connection.commit()


def contents(path: Path) -> dict[str, Table]:
    """Return what every table holds."""
    with closing(sqlite3.connect(path)) as connection:
        return {table: held(connection, table) for table in tables(connection)}


def held(connection: sqlite3.Connection, table: str, columns: Sequence[str] = ("*",)) -> Table:
    """Return what one table holds in some columns."""
    found = connection.execute(f"SELECT {', '.join(columns)} FROM {table}")
    names = tuple(name for name, *_ in found.description)
    return names, found.fetchall()
