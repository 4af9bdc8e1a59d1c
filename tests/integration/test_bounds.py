"""Bounds that take thousands of things to be reached."""

from contextlib import closing
from pathlib import Path

from aggregator.drift import DRIFT, EVENTS_KEPT, events_since, save_sightings
from aggregator.ledger import Ledger
from aggregator.stores.spool import COUNTED_ROWS, begin, pending_results, settle
from probes.drift import DriftKind, Sighting
from tests.unit.aggregator.stores.spools import HERE, fill, in_memory, of_results, really_pending
from tests.unit.monitor.config.configtexts import SMALL, refusal


def test_the_number_of_targets_is_bounded(tmp_path: Path) -> None:
    """A short text must not expand to more than one process can probe."""
    models = ", ".join(f"m{number}" for number in range(1000))
    rows = "".join(
        f"  - {{name: 'a{number}-{{model}}', provider: openai, models: [{models}]}}\n"
        for number in range(11)
    )
    text = SMALL.split("targets:")[0] + "targets:\n" + rows
    assert refusal(tmp_path, text).endswith("11000 targets; at most 10000 are possible")


async def test_drift_events_are_bounded(tmp_path: Path) -> None:
    """The oldest go first."""
    many = [
        Sighting("t", "m", DriftKind.FINGERPRINT, "a", "b", float(at))
        for at in range(EVENTS_KEPT + 5)
    ]
    ledger = Ledger.open(tmp_path / "a.db", (DRIFT,), inline=True)
    try:
        await ledger.write(lambda c: save_sightings(c, many))
        found = await ledger.read(lambda c: events_since(c, 0.0))
    finally:
        await ledger.close()
    assert (len(found), found[0].at) == (EVENTS_KEPT, 5.0)


def test_a_long_queue_is_not_counted_row_by_row() -> None:
    """Beyond COUNTED_ROWS its length is what the other terms leave: looking costs no more."""
    with closing(in_memory()) as ledger:
        begin(ledger, HERE)
        fill(ledger, range(1, COUNTED_ROWS + 6))
        settle(ledger, pending_results(ledger, None, 3), [], 0, 0.0)
        found = of_results(ledger)
        assert found.pending == COUNTED_ROWS + 2 == really_pending(ledger)
        ledger.execute("UPDATE shipped SET produced = produced + 1 WHERE stream = 'results'")
        assert of_results(ledger).pending == COUNTED_ROWS + 3
        settle(ledger, pending_results(ledger, None, 3), [], 0, 0.0)
        assert of_results(ledger).pending == COUNTED_ROWS - 1 == really_pending(ledger)
