"""Slots without a probe: what each reason makes of them in windows and in the ledger."""

import sqlite3

import pytest

from aggregator.results import RESULTS, SkippedSlot, insert_skip, replay
from aggregator.window import HELD_BACK, Windows
from probes.result import Failing, Fault, SkipReason, Verdict
from probes.target import Slot
from tests.unit.aggregator.samples import result, timeout

HUNG = Failing(Verdict.TIMEOUT, Fault.PROVIDER)
MISSING = set(SkipReason) - HELD_BACK - {SkipReason.BREAKER}


def test_a_refused_slot_is_a_failure_like_the_one_that_opened_the_breaker() -> None:
    """It counts in every rate and run, and as covered; it has no latency and no cost."""
    windows = Windows(1000.0)
    windows.ingest(result(total_s=2.0, cost_usd=0.5), 0.0)
    windows.skipped("chat", SkipReason.BREAKER, 60.0, HUNG)
    windows.skipped("chat", SkipReason.BREAKER, 120.0, HUNG)
    summary = windows.summary(("chat",), 900.0, 120.0)
    assert (summary.n, summary.failures, summary.coverage) == (3, 2, 1.0)
    assert summary.consecutive(Fault.PROVIDER) == 2
    assert summary.count(Verdict.TIMEOUT) == 2
    assert summary.latency is not None
    assert (summary.latency.n, summary.latency.censored_from) == (1, None)
    assert summary.cost_usd == 0.5
    assert summary.tainted == 0


def test_real_timeouts_beside_refused_slots_stay_lower_bounds() -> None:
    """What was measured is not blurred by what was not."""
    windows = Windows(1000.0)
    windows.ingest(timeout(30.0), 0.0)
    windows.refused("chat", HUNG, 60.0)
    latency = windows.summary(("chat",), 900.0, 60.0).latency
    assert latency is not None
    assert (latency.n, latency.censored_from) == (1, 30.0)


def test_the_first_slot_may_be_a_refused_one() -> None:
    """After a restart in an outage: it begins the watch as a result would."""
    windows = Windows(1000.0)
    windows.refused("chat", HUNG, 0.0)
    assert windows.summary(("chat",), 900.0, 60.0).rate_per_min == 1.0


@pytest.mark.parametrize("reason", sorted(HELD_BACK))
def test_what_we_held_back_was_never_due(reason: SkipReason) -> None:
    """Neither a failure nor missing: a budget or a limit is no outage."""
    windows = Windows(1000.0)
    windows.skipped("chat", reason, 60.0)
    summary = windows.summary(("chat",), 900.0, 60.0)
    assert (summary.n, summary.missed, summary.coverage) == (0, 0, None)


@pytest.mark.parametrize("reason", sorted({*MISSING, SkipReason.BREAKER}))
def test_every_other_slot_is_missing(reason: SkipReason) -> None:
    """Also one of a breaker that closed just now: nothing says what it would have found."""
    windows = Windows(1000.0)
    windows.skipped("chat", reason, 60.0)
    assert windows.summary(("chat",), 900.0, 60.0).missed == 1


def test_a_time_that_is_none_is_rejected() -> None:
    """As a result's."""
    windows = Windows(1000.0)
    windows.refused("chat", HUNG, float("nan"))
    assert (windows.rejected, windows.summary(("chat",), 900.0, 60.0).n) == (1, 0)


@pytest.mark.parametrize("failing", [None, HUNG])
def test_the_ledger_gives_back_what_a_skipped_slot_counts_as(failing: Failing | None) -> None:
    """So that a restart in an outage does not turn failures into gaps."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.executescript("".join(RESULTS.migrations))
    about = {"target": "chat", "location": "here", "slot": Slot(1, 59.0), "at": 60.0}
    insert_skip(connection, **about, reason=SkipReason.BREAKER, failing=failing)  # type: ignore[arg-type] # of several types
    assert list(replay(connection, 0.0, 100.0)) == [
        SkippedSlot("chat", "here", Slot(1, 59.0), SkipReason.BREAKER, 60.0, failing)
    ]
    connection.close()
