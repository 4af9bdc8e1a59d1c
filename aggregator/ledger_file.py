"""The ledger's file: taking it for this process, telling it from other files, bringing it up.

Nothing here ever overwrites a file that is not a ledger of ours, or one that is damaged: it says
which of the two it is. What a daemon does about damage is in `aggregator.ledger_damage`.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aggregator.lane import LedgerError

APPLICATION_ID: Final = 0x534F4E44
"""`SOND`: tells our files from any other SQLite database.
https://www.sqlite.org/pragma.html#pragma_application_id"""

CHECKED_BYTES: Final = 32 * 1024**2
"""Files up to this size are checked page by page when opened; in a larger one, where that would
delay the start by seconds, damage shows when the damaged page is read."""

WAL_KEPT_BYTES: Final = 64 * 1024**2
"""A write-ahead log that grew beyond this is cut back after its checkpoint."""

BUSY_TIMEOUT_S: Final = 5.0
"""Patience with a foreign reader's lock (a backup, the sqlite3 shell)."""


class DamagedError(LedgerError):
    """The file is a ledger of ours, and damaged."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One package's tables: SQL scripts, the n-th of which brings version n - 1 to version n.

    A script that has been released is never changed, only followed by another.
    """

    name: str
    migrations: tuple[str, ...]
    saved: tuple[str, ...] = ()
    """What is worth saving from a damaged file, and small: tables, each with a WHERE at most."""


def take(path: Path) -> int:
    """Take the ledger for this process and make sure its file is there; return the lock to close.

    The lock is advisory and on a file beside the ledger, because SQLite's own locks come and go
    with transactions and would let two daemons alternate. The kernel drops it when we die.
    Raises LedgerError when another process has it, or the place cannot be used.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LedgerError(f"{path}: cannot keep a ledger there: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        make_file(path)
    except BlockingIOError as error:
        os.close(lock)
        raise LedgerError(f"{path} is in use by another Sonde process") from error
    except OSError as error:
        os.close(lock)
        raise LedgerError(f"{path}: cannot keep a ledger there: {error.strerror}") from error
    return lock


def make_file(path: Path) -> None:
    """Make an empty file for this user alone, if there is none; raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def open_writer(
    path: Path, schemas: Sequence[Schema], *, thorough: bool = False
) -> sqlite3.Connection:
    """Open the file for writing, its tables brought to the newest version.

    `thorough` looks at every page and every index of a file of any size. Raises LedgerError, and
    DamagedError for a file of ours that is damaged.
    """
    _not_emptied(path)
    connection = _connect(path, "rw")
    try:
        if _recognise(connection, path):
            _not_newer(connection, path, schemas)
            _check(connection, path, thorough)
        _set_up(connection, path)
        _migrate(connection, path, schemas)
    except sqlite3.Error as error:
        connection.close()
        raise _unreadable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading only; raises LedgerError."""
    return _connect(path, "ro")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Read a ledger that may be another process's.

    Raises LedgerError when it is not there, and as `explained` does.
    """
    if not path.exists():
        raise LedgerError(f"{path} is not there: `sonde run` makes it")
    with closing(open_reader(path)) as connection, explained(path):
        yield connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise LedgerError, in words for people, for what SQLite finds wrong in reading meanwhile."""
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerError(_unread(path, error)) from error


def _unread(path: Path, error: sqlite3.Error) -> str:
    if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # a table or a column is not there
        return f"{path} is an older version's ({error}): `sonde run` brings it up to this one"
    return f"{path} cannot be read: {error}"


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,  # transactions are begun and ended by the ledger alone
            check_same_thread=False,  # opened here, then used by one thread of its own
            cached_statements=256,
        )
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error


def of_damage(error: BaseException | None) -> bool:
    """Say whether an error of SQLite's tells of a damaged file."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _unreadable(path: Path, error: sqlite3.Error) -> LedgerError:
    if not of_damage(error):
        return LedgerError(f"{path}: cannot open the ledger: {error}")
    if _says_ours(path):
        return DamagedError(f"{path} is damaged ({error})")
    return LedgerError(f"{path} is not a Sonde ledger; move it away")


def _says_ours(path: Path) -> bool:
    """Look for our mark where a header has it, in a file that SQLite makes nothing of.

    https://www.sqlite.org/fileformat2.html#application_id
    """
    with path.open("rb") as file:
        return file.read(72)[68:] == APPLICATION_ID.to_bytes(4)


def _not_emptied(path: Path) -> None:
    """Find a file that lost all it had, before SQLite takes it for new and deletes its log.

    A new ledger is never empty and logged: it is marked as ours before it is given a log.
    """
    log = Path(f"{path}-wal")
    if path.is_file() and path.stat().st_size == 0 and log.is_file() and log.stat().st_size:
        raise DamagedError(f"{path} is damaged (it is empty, its write-ahead log is not)")


def _recognise(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether the file is a ledger; refuse what is not ours, and mark a new file as ours."""
    identity = _number(connection, "PRAGMA application_id")
    if identity == APPLICATION_ID:
        return True
    if identity != 0 or _number(connection, "SELECT count(*) FROM sqlite_schema"):
        raise LedgerError(f"{path} is not a Sonde ledger; move it away")
    # Only a database without tables can still choose this, and only outside WAL mode.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    return False


def _check(connection: sqlite3.Connection, path: Path, thorough: bool) -> None:
    if not thorough and path.stat().st_size > CHECKED_BYTES:
        return
    how = "integrity_check" if thorough else "quick_check"
    findings = [line for (line,) in connection.execute(f"PRAGMA {how}(1)")]
    if findings != ["ok"]:
        raise DamagedError(f"{path} is damaged ({findings[0].splitlines()[-1]})")


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise LedgerError(f"{path}: this file system cannot hold a write-ahead log ({mode})")
    for statement in (
        "PRAGMA synchronous = FULL",  # an acknowledged write survives the power failing
        "PRAGMA foreign_keys = ON",
        f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}",
    ):
        connection.execute(statement).fetchall()


def _versions(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT name, version FROM schema_version"))


def _not_newer(connection: sqlite3.Connection, path: Path, schemas: Sequence[Schema]) -> None:
    """Refuse a newer version's file, damaged or not; before it is looked at or written to."""
    if not _number(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'"):
        return  # a kill in the first moment
    versions = _versions(connection)
    for schema in schemas:
        if versions.get(schema.name, 0) > len(schema.migrations):
            raise LedgerError(
                f"{path} was written by a newer Sonde: its {schema.name} tables are at version"
                f" {versions[schema.name]}, this one knows {len(schema.migrations)};"
                " run the newer one, or keep another file"
            )


def _migrate(connection: sqlite3.Connection, path: Path, schemas: Sequence[Schema]) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version"
        " (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"
    )
    versions = _versions(connection)
    for schema in schemas:
        for version in range(versions.get(schema.name, 0), len(schema.migrations)):
            _apply(connection, path, schema, version)


def _apply(connection: sqlite3.Connection, path: Path, schema: Schema, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(schema.migrations[version]):
            connection.execute(statement)
        connection.execute(
            "INSERT OR REPLACE INTO schema_version VALUES (?, ?)", (schema.name, version + 1)
        )
        connection.commit()
    except sqlite3.Error as error:
        connection.rollback()
        if of_damage(error):
            raise
        step = f"{schema.name} tables to version {version + 1}"
        raise LedgerError(f"{path}: cannot bring the {step}: {error}") from error


def _statements(script: str) -> Iterator[str]:
    """Split a script; sqlite3's own executescript would commit before it begins."""
    statement = ""
    for piece in script.split(";")[:-1]:
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if (statement + script.rpartition(";")[2]).strip():
        raise ValueError(f"a migration ends in the middle of a statement: {statement[:60]!r}")


def _number(connection: sqlite3.Connection, query: str) -> int:
    (value,) = connection.execute(query).fetchone()
    return int(value)
