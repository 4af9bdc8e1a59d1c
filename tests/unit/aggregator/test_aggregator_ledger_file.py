"""What is taken for a ledger, how its tables come up, and what is refused untouched."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from aggregator.ledger import Ledger, LedgerError, Schema
from aggregator.ledger_file import CHECKED_BYTES, _set_up, open_reader

FIRST = "CREATE TABLE things (n INTEGER); INSERT INTO things VALUES (1);"
SECOND = "ALTER TABLE things ADD COLUMN name TEXT; UPDATE things SET name = 'a;b';"


def opened(path: Path, *migrations: str, name: str = "things") -> None:
    """Open a ledger with these migrations and close it."""
    ledger = Ledger.open(path, [Schema(name, migrations)], inline=True)
    asyncio.run(ledger.close())


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask a closed ledger."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_file_and_directory_are_for_us_alone(tmp_path: Path) -> None:
    """Missing directories are made; nobody else may read prompts' results."""
    path = tmp_path / "state" / "deep" / "ledger.db"
    opened(path, FIRST)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(f"{path}.lock").stat().st_mode) == 0o600


def test_odd_names_are_names(tmp_path: Path) -> None:
    """A path with characters that mean something in a URI is only a path."""
    path = tmp_path / "a?mode=memory#b%20 ü.db"
    opened(path, FIRST)
    assert path.stat().st_size > 0


def test_settings_of_the_file(tmp_path: Path) -> None:
    """It is marked as ours, write-ahead logged, and gives pages back when pruned."""
    path = tmp_path / "ledger.db"
    opened(path, FIRST)
    assert query(path, "PRAGMA application_id") == [(0x534F4E44,)]
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert query(path, "PRAGMA auto_vacuum") == [(2,)]


async def test_settings_of_the_connections(tmp_path: Path) -> None:
    """Commits reach the disk, foreign keys hold, patience with other readers is bounded."""
    ledger = Ledger.open(tmp_path / "ledger.db", [], inline=True)

    def settings(connection: sqlite3.Connection) -> list[int]:
        names = ("synchronous", "foreign_keys", "busy_timeout")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await ledger.write(settings) == [2, 1, 5000]
    await ledger.close()


def test_migrations_run_once_and_in_order(tmp_path: Path) -> None:
    """Each script runs once; a later version brings a file of an earlier one up."""
    path = tmp_path / "ledger.db"
    opened(path, FIRST)
    opened(path, FIRST)
    assert query(path, "SELECT * FROM things") == [(1,)]
    opened(path, FIRST, SECOND)
    opened(path, FIRST, SECOND)
    assert query(path, "SELECT * FROM things") == [(1, "a;b")]
    assert query(path, "SELECT * FROM schema_version") == [("things", 2)]


def test_packages_count_their_versions_apart(tmp_path: Path) -> None:
    """One package's tables can be ahead of another's."""
    path = tmp_path / "ledger.db"
    opened(path, FIRST, SECOND)
    opened(path, "CREATE TABLE other (x);", name="other")
    assert query(path, "SELECT * FROM schema_version") == [("things", 2), ("other", 1)]


def test_a_failing_migration_changes_nothing(tmp_path: Path) -> None:
    """A script that fails half-way is undone, and the version stays what it was."""
    path = tmp_path / "ledger.db"
    opened(path, FIRST)
    with pytest.raises(LedgerError, match="cannot bring the things tables to version 2"):
        opened(path, FIRST, "DELETE FROM things; INSERT INTO nowhere VALUES (1);")
    assert query(path, "SELECT * FROM things") == [(1,)]
    opened(path, FIRST, SECOND)


@pytest.mark.parametrize("script", ["CREATE TABLE a (x)", "CREATE TABLE a (x); SELECT ';"])
def test_an_unfinished_script_is_a_mistake(tmp_path: Path, script: str) -> None:
    """A statement without its end would silently not run: it is refused."""
    with pytest.raises(ValueError, match="middle of a statement"):
        opened(tmp_path / "ledger.db", script)


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    """A file of a later version is left as it is, also by packages that would migrate."""
    path = tmp_path / "ledger.db"
    opened(path, FIRST, SECOND)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"newer Sonde: its things tables are at version 2"):
        Ledger.open(path, [Schema("other", ("CREATE TABLE b (x);",)), Schema("things", (FIRST,))])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database at all\n", b"\0" * 4096, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_another_file_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    """A file that is no database is never overwritten, only named."""
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"ledger\.db is not a Sonde ledger; move it away"):
        opened(path, FIRST)
    assert path.read_bytes() == content


@pytest.mark.parametrize("mark", [0, 1234])
def test_another_programs_database_is_refused_untouched(tmp_path: Path, mark: int) -> None:
    """A database of another program is recognised, with its own mark or with none."""
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.execute(f"PRAGMA application_id = {mark}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="is not a Sonde ledger"):
        opened(path, FIRST)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    """What a kill in the first moment leaves behind is a ledger all the same."""
    path = tmp_path / "ledger.db"
    path.touch()
    opened(path, FIRST)
    assert query(path, "SELECT * FROM things") == [(1,)]


@pytest.mark.parametrize("place", ["taken/ledger.db", "taken"])
def test_an_impossible_place_is_named(tmp_path: Path, place: str) -> None:
    """A file where a directory should be, or the other way round, is told with the path."""
    if "/" in place:
        (tmp_path / "taken").touch()
    else:
        (tmp_path / "taken").mkdir()
    with pytest.raises(LedgerError, match=f"{place}: cannot keep a ledger there"):
        opened(tmp_path / place, FIRST)


def test_a_missing_file_is_not_made_by_reading(tmp_path: Path) -> None:
    """The reading side makes no file; it says that it cannot open it."""
    path = tmp_path / "ledger.db"
    with pytest.raises(LedgerError, match="cannot open the ledger: unable to open"):
        open_reader(path)
    assert not path.exists()


def test_a_place_without_write_ahead_log_is_refused(tmp_path: Path) -> None:
    """Where no write-ahead log can be, reads and writes would block each other: it is told."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(LedgerError, match=r"cannot hold a write-ahead log \(memory\)"):
        _set_up(connection, tmp_path)
    connection.close()


async def test_damage_in_a_large_file_shows_when_read(tmp_path: Path) -> None:
    """A large file is not walked when opened; a read of a ruined page is a LedgerError."""
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(path, [Schema("things", (FIRST,))], inline=True)
    await ledger.write(lambda c: c.execute("INSERT INTO things VALUES (2)"))
    await ledger.write(lambda c: c.execute("CREATE TABLE large (x BLOB)"))
    await ledger.write(lambda c: c.execute(f"INSERT INTO large VALUES (zeroblob({CHECKED_BYTES}))"))
    (page,) = await ledger.read(
        lambda c: c.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'things'").fetchone()
    )
    await ledger.close()
    with path.open("r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\xa5" * 4096)
    ledger = Ledger.open(path, [Schema("things", (FIRST,))], inline=True)
    with pytest.raises(LedgerError, match="not read: database disk image is malformed"):
        await ledger.read(lambda c: c.execute("SELECT * FROM things").fetchall())
    await ledger.close()


def test_a_ledger_is_taken_once(tmp_path: Path) -> None:
    """Whoever comes second is told which file is in use; once closed it can be taken."""
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(path, [], inline=True)
    with pytest.raises(LedgerError, match=r"ledger\.db is in use by another Sonde process"):
        Ledger.open(path, [], inline=True)
    asyncio.run(ledger.close())
    opened(path, FIRST)


def test_a_refused_file_is_let_go(tmp_path: Path) -> None:
    """After a refusal nothing is held: the owner can move the file and try again."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"garbage")
    held = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(LedgerError):
        opened(path, FIRST)
    assert len(list(Path("/proc/self/fd").iterdir())) == held
    path.rename(tmp_path / "elsewhere")
    opened(path, FIRST)
