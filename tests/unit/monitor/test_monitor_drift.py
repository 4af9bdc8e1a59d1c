"""Drift as people hear of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.drift import DRIFT, events_since
from aggregator.ledger import Ledger
from alerting.metric import Fact
from monitor.clock import Clock
from monitor.drift import QUEUE_LIMIT, RECENT_S, DriftWatch
from monitor.metrics import Metrics
from probes.result import Fault, Operation, ProbeResult, Verdict

START = 1_763_000_000.0


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    ledger = Ledger.open(tmp_path / "a.db", (DRIFT,), inline=True)
    yield ledger
    await ledger.close()


class Watching:
    """A watch with its clock and its metrics."""

    def __init__(self, ledger: Ledger, at: float = START) -> None:
        self.now = at
        self.metrics = Metrics("here", "1")
        clock = Clock(lambda: self.now, lambda: self.now)
        self.watch = DriftWatch(ledger, self.metrics, clock)

    def see(self, fingerprint: str, target: str = "t") -> None:
        """Take in a result."""
        self.watch.observe(
            ProbeResult(
                target=target,
                provider="p",
                model="m",
                operation=Operation.CHAT,
                location="here",
                slot=1,
                slot_at=self.now,
                at=self.now,
                verdict=Verdict.OK,
                fault=Fault.NONE,
                total_s=1.0,
                fingerprint=fingerprint,
            )
        )

    def facts(self) -> dict[str, float]:
        """Return the events of each target that rules see."""
        found = list(self.watch.facts(self.now))
        assert {fact for fact, _, _ in found} <= {Fact.DRIFT_EVENTS}
        return {target: value for _, target, value in found}

    def counted(self, name: str, **labels: str) -> float | None:
        """Return a counter."""
        return self.metrics.registry.get_sample_value(name, labels)


async def test_an_event_is_told_once_and_counted(ledger: Ledger) -> None:
    """In the log, in a metric and as a fact; going back to what is known is nothing."""
    watching = Watching(ledger)
    with capture_logs() as logs:
        for fingerprint in ("a", "b", "a", "b"):
            watching.see(fingerprint)
    (told,) = [entry for entry in logs if entry["event"] == "drift.detected"]
    assert (told["target"], told["kind"], told["before"], told["after"]) == (
        "t",
        "fingerprint",
        "a",
        "b",
    )
    counted = watching.counted("sonde_drift_events_total", target="t", kind="fingerprint")
    assert counted == 1.0
    assert watching.facts() == {"t": 1.0}


async def test_a_target_without_a_result_is_not_known(ledger: Ledger) -> None:
    """One without an event has had none; one that never answered, who knows."""
    watching = Watching(ledger)
    watching.see("a")
    assert watching.facts() == {"t": 0.0}


async def test_events_count_for_an_hour(ledger: Ledger) -> None:
    """Then rules are quiet again."""
    watching = Watching(ledger)
    watching.see("a")
    watching.see("b")
    watching.now += RECENT_S
    assert watching.facts() == {"t": 1.0}
    watching.now += 1.0
    assert watching.facts() == {"t": 0.0}


async def test_a_restart_forgets_nothing(ledger: Ledger) -> None:
    """Events of the last hour count on, and known values are no news."""
    before = Watching(ledger)
    for fingerprint in ("a", "b"):
        before.see(fingerprint)
    await before.watch.keep()
    assert len(await ledger.read(lambda c: events_since(c, 0.0))) == 1
    after = Watching(ledger, START + 60.0)
    await after.watch.restore()
    assert after.facts() == {"t": 1.0}
    for fingerprint in ("b", "a", "b"):
        after.see(fingerprint)
    assert after.facts() == {"t": 1.0}


async def test_a_ledger_that_cannot_keep_up_loses_rows_and_says_so(ledger: Ledger) -> None:
    """What is beyond the queue is told all the same, and counted as not kept."""
    watching = Watching(ledger)
    for number in range(QUEUE_LIMIT + 3):
        watching.see("a", target=f"t{number}")
    assert watching.counted("sonde_drift_unrecorded_total") == 3.0


async def test_a_broken_disk_is_counted(ledger: Ledger) -> None:
    """Drift goes on being seen."""
    watching = Watching(ledger)
    await ledger.close()
    watching.see("a")
    with capture_logs() as logs:
        await watching.watch.keep()
    assert [entry["event"] for entry in logs] == ["drift.not_saved"]
    assert watching.counted("sonde_drift_unrecorded_total") == 1.0
