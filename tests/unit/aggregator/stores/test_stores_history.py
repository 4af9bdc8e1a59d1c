"""What is read from buckets and outcomes, without any store."""

import pytest

from aggregator.rollup.bucket import Attempt, Bucket, Point
from aggregator.stores.history import (
    EVIDENCE,
    MOST_RESULTS,
    MOST_STEPS,
    HistoryError,
    Outcome,
    Trouble,
    Uptime,
    step_for,
    troubles,
    uptime,
    whole,
)
from aggregator.summary import Summary
from probes.result import Fault, Verdict

OK = Attempt(True, Verdict.OK, Fault.NONE, False, (1.0, None, None, None), (None,) * 3, None)


def step(at: int, n: int) -> Point:
    bucket = Bucket()
    for _ in range(n):
        bucket.add(OK)
    return Point(at, 60, bucket)


def test_steps_together_are_one_stretch() -> None:
    """Its rate is that of all of it, and the steps stay what they were."""
    found = [step(0, 3), step(60, 5)]
    together = whole(found, 0, 240).summary
    assert (together.n, together.rate_per_min, together.over_s) == (8, 2.0, 240)
    assert [point.summary.n for point in found] == [3, 5]
    assert whole([], 5, 5).summary.n == 0


@pytest.mark.parametrize(
    ("over_s", "step_s"),
    [
        (1, 60),
        (MOST_STEPS * 60, 60),
        (MOST_STEPS * 60 + 1, 300),
        (86_400, 900),
        (30 * 86_400, 86_400),
        (3_650 * 86_400, 86_400),
    ],
)
def test_the_step_is_the_finest_that_can_be_looked_through(over_s: int, step_s: int) -> None:
    """However long it is, days are the coarsest."""
    assert step_for(1_000, 1_000 + over_s) == step_s


def test_uptime_is_the_providers_and_all() -> None:
    """What failed on the way to the provider says nothing about it, and missed slots are due."""
    faults = {Fault.NONE: 6, Fault.PROVIDER: 2, Fault.NETWORK: 4}
    summary = Summary(over_s=60, n=12, missed=3, by_fault=faults)
    assert uptime(summary, missed=True) == Uptime(12, 3, 0.5, 0.75)
    assert uptime(summary, missed=True).due == 15
    assert uptime(summary, missed=False).due is None


def test_no_result_is_no_uptime() -> None:
    """Unknown, not 0 and not 1; while the network is down the provider's is unknown too."""
    assert uptime(Summary(over_s=60), missed=True) == Uptime(0, 0, None, None)
    lost = Summary(over_s=60, n=2, by_fault={Fault.NETWORK: 2})
    assert uptime(lost, missed=True) == Uptime(2, 0, 0.0, None)


def test_failures_in_a_row_are_one_trouble() -> None:
    """By fault; the last is open until a result says otherwise."""
    faults = [Fault.NONE, Fault.PROVIDER, Fault.PROVIDER, Fault.NETWORK, Fault.NONE, Fault.ACCOUNT]
    assert list(troubles(Outcome(n, fault) for n, fault in enumerate(faults))) == [
        Trouble(Fault.PROVIDER, 1, 3, 2),
        Trouble(Fault.NETWORK, 3, 4, 1),
        Trouble(Fault.ACCOUNT, 5, None, 1),
    ]
    assert list(troubles([])) == []


def test_the_newest_request_ids_are_the_evidence() -> None:
    """Those of another trouble, and answers without one, are not."""
    faults = [Fault.NETWORK, *[Fault.PROVIDER] * 9]
    first, second = troubles(
        Outcome(n, fault, f"r{n}" * (n != 8)) for n, fault in enumerate(faults)
    )
    assert first.request_ids == ("r0",)
    assert second.request_ids == ("r4", "r5", "r6", "r7", "r9")
    assert len(second.request_ids) == EVIDENCE


def test_too_many_are_refused() -> None:
    """A half answer would look like a whole one."""
    with pytest.raises(HistoryError, match="ask for less"):
        list(troubles([Outcome(0, Fault.NONE)] * (MOST_RESULTS + 1)))
