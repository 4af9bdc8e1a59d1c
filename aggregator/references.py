"""The ledger's table of reference vectors: what each target's embedding was when it was first good.

A reference belongs to what was asked (model, text, size), of which a digest stands beside it: under
another question the vector is another, and that is no drift.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from aggregator.lane import LedgerError
from aggregator.ledger_file import Schema, open_writer
from probes.target import Target

REFERENCES: Final = Schema(
    "references",
    (
        """
        CREATE TABLE reference_vectors (
            target TEXT PRIMARY KEY,
            model TEXT NOT NULL,
            asked TEXT NOT NULL, -- digest of model, text and size
            vector BLOB NOT NULL, -- 32-bit floats, in this machine's order
            taken_at REAL NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
    ),
    saved=("reference_vectors",),
)


@dataclass(frozen=True, slots=True)
class KeptReference:
    """One target's reference as the ledger has it."""

    target: str
    model: str
    asked: str
    vector: bytes
    taken_at: float
    """Wall time of the probe it is from."""


def asked_of(target: Target) -> str:
    """Return the digest of what a target's embeddings depend on."""
    return _digest(target.model, target.prompt, target.dimensions)


@lru_cache(maxsize=16_384)
def _digest(model: str, prompt: str, dimensions: int | None) -> str:
    parts = "\0".join((model, prompt, str(dimensions))).encode("utf-8", "surrogatepass")
    return hashlib.blake2s(parts, digest_size=16).hexdigest()


def save_references(connection: sqlite3.Connection, kept: Iterable[KeptReference]) -> None:
    """Keep references, each in place of its target's former one."""
    connection.executemany(
        "INSERT OR REPLACE INTO reference_vectors VALUES (?, ?, ?, ?, ?)",
        [(one.target, one.model, one.asked, one.vector, one.taken_at) for one in kept],
    )


def load_references(connection: sqlite3.Connection) -> list[KeptReference]:
    """Return every reference."""
    rows = connection.execute(
        "SELECT target, model, asked, vector, taken_at FROM reference_vectors"
    )
    return [KeptReference(*row) for row in rows]


def taken_at(connection: sqlite3.Connection) -> dict[str, float]:
    """Return when each target's reference was taken."""
    return dict(connection.execute("SELECT target, taken_at FROM reference_vectors"))


def reset_reference(path: Path, target: str) -> bool:
    """Forget a target's reference, whether or not a daemon has the ledger; say if there was one.

    The daemon notices within a minute, and takes the next good answer as the reference. Raises
    LedgerError when there is no ledger, or it cannot be written.
    """
    if not path.is_file():
        raise LedgerError(f"{path}: there is no ledger yet")
    connection = open_writer(path, (REFERENCES,))
    try:
        cursor = connection.execute("DELETE FROM reference_vectors WHERE target = ?", (target,))
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: cannot forget the reference: {error}") from error
    else:
        return cursor.rowcount > 0
    finally:
        connection.close()
