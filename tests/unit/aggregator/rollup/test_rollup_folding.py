"""Committed rows to minutes: each once, in its own minute, by the rules of windows."""

import sqlite3
from collections.abc import Iterator

import pytest

from aggregator.rollup.bucket import Sum
from aggregator.rollup.folding import LATEST, Folded, fold
from aggregator.rollup.table import points
from probes.result import Failing, Fault, SkipReason, Verdict
from tests.unit.aggregator.rollup.buckets import (
    commit,
    fold_all,
    skip,
    stored,
    tables,
    take,
    whole,
)
from tests.unit.aggregator.samples import result, stream, timeout


@pytest.fixture
def ledger() -> Iterator[sqlite3.Connection]:
    """Open an empty ledger."""
    with tables() as connection:
        yield connection


def test_results_and_skips_go_to_their_minutes(ledger: sqlite3.Connection) -> None:
    """What began at 59.9 s is in the first minute, what began at 60 s in the second."""
    commit(ledger, result(slot=1, at=59.9), result(slot=2, at=60.0), result(slot=3, at=61.0))
    skip(ledger, 119.0)
    assert fold(ledger, 100) == Folded(3)
    assert fold(ledger, 100) == Folded(0)
    said = [(p.at, p.summary.n, p.summary.missed) for p in points(ledger, "chat", 0, 600, 60)]
    assert said == [(0, 1, 0), (60, 2, 1)]


def test_every_row_is_folded_once(ledger: sqlite3.Connection) -> None:
    """The cursor stands on the newest row that is in a bucket, of results and of skips."""
    for number in range(25):
        commit(ledger, result(slot=number, at=float(number)))
        skip(ledger, float(number))
        if number % 4 == 0:
            fold_all(ledger, limit=3)
    fold_all(ledger, limit=3)
    (only,) = points(ledger, "chat", 0, 60, 60)
    assert (only.summary.n, only.summary.missed) == (25, 25)


def test_imported_results_are_folded_once(ledger: sqlite3.Connection) -> None:
    """Numbers below 0 go downwards; whenever they come, each is in its minute once."""
    for number in range(20):
        take(ledger, result(slot=100 + number, at=float(number)))
        commit(ledger, result(slot=number, at=float(number)))
        if number % 4 == 0:
            fold_all(ledger, limit=3)
    fold_all(ledger, limit=3)
    assert whole(points(ledger, "chat", 0, 60, 60)).attempts == 40


def test_an_import_holds_no_results_up(ledger: sqlite3.Connection) -> None:
    """It gets what room they leave in a step, and is finished before there is nothing left."""
    take(ledger, *(result(slot=100 + n, at=600.0 + n) for n in range(5)))
    commit(ledger, *(result(slot=n, at=float(n)) for n in range(5)))
    seen = []
    for _ in range(4):
        rows = fold(ledger, 3).rows
        minutes = (points(ledger, "chat", at, at + 60, 60) for at in (0, 600))
        seen.append((rows, *(sum(point.bucket.attempts for point in each) for each in minutes)))
    assert seen == [(3, 3, 0), (3, 5, 1), (3, 5, 4), (1, 5, 5)]


def test_an_undone_step_is_done_again(ledger: sqlite3.Connection) -> None:
    """Buckets and cursor are of one transaction: without its commit neither has moved."""
    commit(ledger, result())
    ledger.execute("BEGIN")
    assert fold(ledger, 100).rows == 1
    ledger.execute("ROLLBACK")
    assert stored(ledger) == []
    assert fold(ledger, 100).rows == 1
    assert whole(points(ledger, "chat", 0, 60, 60)).attempts == 1


def test_targets_and_locations_are_apart(ledger: sqlite3.Connection) -> None:
    """Each has its own buckets; locations can be read alone or together."""
    commit(ledger, result(), result(target="other"), result(location="there"))
    fold_all(ledger)
    read = [points(ledger, "chat", 0, 60, 60, where) for where in (None, "here", "there", "no")]
    assert [[point.bucket.attempts for point in found] for found in read] == [[2], [1], [1], []]


def test_figures_are_those_that_windows_count(ledger: sqlite3.Connection) -> None:
    """No latency of an error that came back at once, none that we spoiled; timeouts are marked."""
    commit(
        ledger,
        stream(0.5, 1.5, 21, slot=1),
        timeout(30.0, slot=2),
        result(slot=3, verdict=Verdict.SERVER_ERROR, fault=Fault.PROVIDER),
        result(slot=4, latency_tainted=True, total_s=99.0),
        stream(0.1, 2.0, 11, slot=5, stream_tainted=True),
        result(slot=6, attempt=2, total_s=77.0),
        result(slot=7, verdict=Verdict.MONITOR_ERROR, fault=Fault.MONITOR),
    )
    fold_all(ledger)
    (only,) = points(ledger, "chat", 0, 60, 60)
    said = only.summary
    assert (said.n, said.missed, said.tainted, only.bucket.sums[Sum.CONFIRMING]) == (5, 1, 2, 1)
    assert said.latency is not None
    assert (said.latency.n, said.latency.max) == (3, pytest.approx(30.0))
    assert said.latency.mean == pytest.approx((1.5 + 30.0 + 2.5) / 3)
    assert said.first_token is not None
    assert (said.first_token.n, said.first_token.max) == (1, pytest.approx(0.5))
    assert said.inter_token is not None
    assert said.inter_token.max == pytest.approx(0.05)
    assert said.tokens_per_s is not None
    assert said.tokens_per_s.max == pytest.approx(21.0)


def test_a_refused_slot_is_a_failure(ledger: sqlite3.Connection) -> None:
    """As what it counts as, without a figure."""
    skip(ledger, 1.0, SkipReason.BREAKER, Failing(Verdict.AUTH, Fault.ACCOUNT))
    fold_all(ledger)
    (only,) = points(ledger, "chat", 0, 60, 60)
    assert (only.summary.by_fault, only.summary.latency) == ({Fault.ACCOUNT: 1}, None)


def test_what_has_no_place_is_left_out_and_counted(ledger: sqlite3.Connection) -> None:
    """Words of a newer version, and times that no calendar has, stop nothing."""
    commit(ledger, *(result(slot=n, at=at) for n, at in enumerate((-1.0, LATEST, 5.0, 6.0))))
    ledger.execute("UPDATE results SET verdict = 'bewitched' WHERE slot = 2")
    for at in (-1.0, 1.0, 2.0):
        skip(ledger, at)
    ledger.execute("UPDATE skips SET reason = 'bewitched' WHERE at = 1")
    assert fold_all(ledger) == 5
    (only,) = points(ledger, "chat", 0, 60, 60)
    assert (only.summary.n, only.summary.missed) == (1, 1)
