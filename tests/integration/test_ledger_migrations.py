"""Files of every earlier version come up to this one, with what is in them."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aggregator.ledger import Ledger, Schema
from aggregator.results import latest
from aggregator.rollup.roller import Roller
from aggregator.rollup.table import points
from monitor.daemon import SCHEMAS
from tests.integration.earlier_ledgers import ROWS, contents, fill, fill_all, held

VERSIONS = [
    (schema.name, version) for schema in SCHEMAS for version in range(len(schema.migrations))
]


def at_version(name: str, version: int) -> list[Schema]:
    """Return all schemas, one of them cut back to an earlier version, 0 being none of it."""
    cut = [
        Schema(schema.name, schema.migrations[:version]) if schema.name == name else schema
        for schema in SCHEMAS
    ]
    if name == "results":  # what watches results was no further than they were
        spool = Schema("spool", next(s for s in SCHEMAS if s.name == "spool").migrations[:1])
        spool = Schema("spool", next(s for s in SCHEMAS if s.name == "spool").migrations[:1])
        cut = [spool if schema.name == "spool" else schema for schema in cut]
    return [s for s in cut if s.migrations and (name != "results" or version or s.name == name)]


def opened(path: Path, schemas: list[Schema]) -> None:
    """Open a ledger with these tables and close it."""
    asyncio.run(Ledger.open(path, schemas, inline=True).close())


def layout(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every table's columns, and the names of indexes and triggers."""
    with closing(sqlite3.connect(path)) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            )
        ]
        said: dict[str, list[tuple[object, ...]]] = {
            name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names
        }
        said["others"] = connection.execute(
            "SELECT type, name, tbl_name FROM sqlite_schema WHERE type != 'table' ORDER BY name"
        ).fetchall()
        said["versions"] = connection.execute(
            "SELECT name, version FROM schema_version ORDER BY name"
        ).fetchall()
    return said


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_an_earlier_file_becomes_what_a_new_one_is(tmp_path: Path, name: str, version: int) -> None:
    """Whichever package was at whichever version: the same tables, indexes and triggers."""
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    opened(old, at_version(name, version))
    assert layout(old) != {}
    opened(old, list(SCHEMAS))
    opened(new, list(SCHEMAS))
    assert layout(old) == layout(new)


@pytest.mark.parametrize(("name", "version"), [each for each in VERSIONS if each != ("results", 0)])
async def test_what_an_earlier_file_holds_is_kept_and_rolled_up(
    tmp_path: Path, name: str, version: int
) -> None:
    """Its results and skips are read by this version, and are in the roll-ups after one turn."""
    path = tmp_path / "old.db"
    await Ledger.open(path, at_version(name, version), inline=True).close()
    with closing(sqlite3.connect(path)) as connection:
        for table in ("results", "skips"):
            fill(connection, table, range(ROWS))
        connection.commit()
    ledger = Ledger.open(path, SCHEMAS, inline=True)
    found = await ledger.read(lambda c: latest(c, "chat", 10))
    assert [one.slot for one in found] == list(reversed(range(ROWS)))
    assert await Roller(ledger).turn(0.0)
    (point,) = await ledger.read(lambda c: points(c, "chat", 0, 60, 60))
    assert (point.summary.n, point.summary.missed) == (ROWS, ROWS)
    await ledger.close()


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_every_row_of_every_table_is_kept(tmp_path: Path, name: str, version: int) -> None:
    """What was in a column is in it still; what was added has a value that needs none."""
    path = tmp_path / "old.db"
    opened(path, at_version(name, version))
    fill_all(path)
    before = contents(path)
    opened(path, list(SCHEMAS))
    with closing(sqlite3.connect(path)) as connection:
        assert before == {t: held(connection, t, names) for t, (names, _) in before.items()}
