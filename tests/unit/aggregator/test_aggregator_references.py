"""The ledger's reference vectors."""

from pathlib import Path

import pytest

from aggregator.ledger import Ledger, LedgerError
from aggregator.references import (
    REFERENCES,
    KeptReference,
    asked_of,
    load_references,
    reset_reference,
    save_references,
    taken_at,
)
from tests.unit.aggregator.samples import embedding_target


def _kept(target: str = "a", at: float = 5.0) -> KeptReference:
    return KeptReference(target, "m", "digest", b"\0\0\x80?", at)


async def test_a_target_has_one_reference(tmp_path: Path) -> None:
    """A new one takes the place of the old."""
    ledger = Ledger.open(tmp_path / "a.db", (REFERENCES,), inline=True)
    await ledger.write(lambda c: save_references(c, [_kept(at=1.0), _kept("b"), _kept(at=2.0)]))
    assert await ledger.read(load_references) == [_kept(at=2.0), _kept("b")]
    assert await ledger.read(taken_at) == {"a": 2.0, "b": 5.0}
    await ledger.close()


async def test_a_reference_is_forgotten_while_a_daemon_has_the_ledger(tmp_path: Path) -> None:
    """The command works beside the daemon's lock, and says whether there was anything."""
    path = tmp_path / "a.db"
    ledger = Ledger.open(path, (REFERENCES,), inline=True)
    await ledger.write(lambda c: save_references(c, [_kept(), _kept("b")]))
    assert reset_reference(path, "a")
    assert not reset_reference(path, "a")
    assert await ledger.read(taken_at) == {"b": 5.0}
    await ledger.close()


def test_there_must_be_a_ledger(tmp_path: Path) -> None:
    """None is made, and no other file is touched."""
    with pytest.raises(LedgerError, match="there is no ledger yet"):
        reset_reference(tmp_path / "a.db", "a")
    (tmp_path / "b.db").write_text("something else entirely")
    with pytest.raises(LedgerError, match="not a Sonde ledger"):
        reset_reference(tmp_path / "b.db", "a")


@pytest.mark.parametrize("changes", [{"model": "n"}, {"prompt": "y"}, {"dimensions": 3}])
def test_a_reference_belongs_to_what_was_asked(changes: dict[str, object]) -> None:
    """Model, text and size: with another of them the vector is another."""
    assert asked_of(embedding_target()) == asked_of(embedding_target(name="b", interval_s=5.0))
    assert asked_of(embedding_target()) != asked_of(embedding_target(**changes))
