"""References in memory and in the ledger: one truth, whoever changes it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.references import REFERENCES, load_references, reset_reference
from monitor.references import KeptReferences
from tests.unit.aggregator.samples import embedding_target


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "a.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    ledger = Ledger.open(path, (REFERENCES,), inline=True)
    yield ledger
    await ledger.close()


async def test_a_reference_outlives_the_process(ledger: Ledger) -> None:
    """It is there at once, in the ledger after a moment, and in the next process."""
    first = KeptReferences(ledger, lambda: 7.0)
    assert first.get(embedding_target()) is None
    first.offer(embedding_target(), (0.6, 0.8))
    kept = first.get(embedding_target())
    assert kept is not None
    await first.settle()
    second = KeptReferences(ledger, lambda: 9.0)
    await second.restore()
    assert second.get(embedding_target()) == kept
    (row,) = await ledger.read(load_references)
    assert (row.target, row.model, row.taken_at) == ("a", "m", 7.0)


async def test_another_question_has_no_reference_yet(ledger: Ledger) -> None:
    """A model changed in the configuration is no drift: its own vector is taken."""
    references = KeptReferences(ledger, lambda: 7.0)
    references.offer(embedding_target(), (1.0, 0.0))
    changed = embedding_target(model="n")
    assert references.get(changed) is None
    references.offer(changed, (0.0, 1.0))
    await references.settle()
    assert references.get(embedding_target()) is None
    assert references.get(changed) is not None
    assert [row.model for row in await ledger.read(load_references)] == ["n"]


async def test_a_reset_is_noticed_and_taken_anew(ledger: Ledger, path: Path) -> None:
    """The command changes the ledger; memory follows, and the next good answer is taken."""
    references = KeptReferences(ledger, lambda: 7.0)
    references.offer(embedding_target(), (1.0, 0.0))
    await references.settle()
    assert reset_reference(path, "a")
    assert references.get(embedding_target()) is not None
    await references.settle()
    assert references.get(embedding_target()) is None
    references.offer(embedding_target(), (0.0, 1.0))
    await references.settle()
    assert references.get(embedding_target()) is not None


async def test_what_is_not_saved_yet_is_no_reset(ledger: Ledger, path: Path) -> None:
    """A reference that was offered since the last look stays."""
    references = KeptReferences(ledger, lambda: 7.0)
    references.offer(embedding_target(), (1.0, 0.0))
    assert not reset_reference(path, "a")
    await references.settle()
    assert references.get(embedding_target()) is not None


async def test_a_vector_without_direction_is_not_taken(ledger: Ledger) -> None:
    """Nothing could be compared with it."""
    references = KeptReferences(ledger, lambda: 7.0)
    references.offer(embedding_target(), (0.0, 0.0))
    assert references.get(embedding_target()) is None


async def test_a_damaged_row_is_as_good_as_none(ledger: Ledger) -> None:
    """It costs the reference, not the start."""
    await ledger.write(
        lambda c: c.execute("INSERT INTO reference_vectors VALUES ('a', 'm', 'x', x'00', 1.0)")
    )
    references = KeptReferences(ledger, lambda: 7.0)
    await references.restore()
    assert references.get(embedding_target()) is None
