"""The ledger's drift: known values and events."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregator.drift import DRIFT, events_since, known_values, save_sightings
from aggregator.ledger import Ledger
from probes.drift import KNOWN_LIMIT, DriftKind, Sighting


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    ledger = Ledger.open(tmp_path / "a.db", (DRIFT,), inline=True)
    yield ledger
    await ledger.close()


def _sighting(after: str, at: float, before: str | None = None, model: str = "m") -> Sighting:
    return Sighting("t", model, DriftKind.FINGERPRINT, before, after, at)


async def test_values_come_back_in_their_order(ledger: Ledger) -> None:
    """The newest one last, each once."""
    sightings = [_sighting("a", 1.0), _sighting("b", 2.0, "a"), _sighting("a", 3.0, "b")]
    await ledger.write(lambda c: save_sightings(c, sightings))
    found = await ledger.read(known_values)
    assert found == [_sighting("b", 2.0), _sighting("a", 3.0)]


async def test_values_of_a_series_are_bounded(ledger: Ledger) -> None:
    """The newest stay, and another target's are not touched."""
    other = Sighting("other", "m", DriftKind.FINGERPRINT, None, "a", 0.0)
    many = [_sighting(str(at), float(at)) for at in range(KNOWN_LIMIT + 5)]
    await ledger.write(lambda c: save_sightings(c, [other, *many]))
    assert await ledger.read(known_values) == [other, *many[5:]]


async def test_another_model_forgets_the_values_of_the_one_before(ledger: Ledger) -> None:
    """They belong to the model that was asked."""
    await ledger.write(lambda c: save_sightings(c, [_sighting("a", 1.0)]))
    await ledger.write(lambda c: save_sightings(c, [_sighting("b", 2.0, model="n")]))
    assert await ledger.read(known_values) == [_sighting("b", 2.0, model="n")]


async def test_only_changes_are_events(ledger: Ledger) -> None:
    """Where a series begins, nothing has changed."""
    sightings = [_sighting("a", 1.0), _sighting("b", 2.0, "a"), _sighting("c", 3.0, "b")]
    await ledger.write(lambda c: save_sightings(c, sightings))
    found = await ledger.read(lambda c: events_since(c, 3.0))
    assert [(each.before, each.after, each.at) for each in found] == [("b", "c", 3.0)]
