"""Figures of a report: availabilities, error budget, and what is unknown."""

import pytest

from aggregator.rollup.bucket import Attempt, Bucket
from monitor.report.figures import ErrorBudget, Percentiles, error_budget, figures, whole
from probes.result import Fault, SkipReason, Verdict


def bucket(*outcomes: tuple[Verdict, Fault], latency_s: float | None = 1.0) -> Bucket:
    """Return a bucket of attempts."""
    made = Bucket()
    for verdict, fault in outcomes:
        values = (latency_s, None, None, None)
        made.add(Attempt(True, verdict, fault, False, values, (2, 3, None), None))
    return made


OK = (Verdict.OK, Fault.NONE)
BROKEN = (Verdict.SERVER_ERROR, Fault.PROVIDER)
OURS = (Verdict.MONITOR_ERROR, Fault.MONITOR)


def test_only_the_vendors_failures_count_against_the_vendor() -> None:
    """Everybody's count against all; the monitor's own leave a slot without a result."""
    throttled = (Verdict.THROTTLED, Fault.ACCOUNT)
    found = figures(bucket(OK, OK, BROKEN, throttled, OURS), 60)
    assert (found.vendor_availability, found.availability) == (0.75, 0.5)
    assert (found.results, found.due, found.throttled) == (4, 5, 1)
    assert found.failures == {"provider": 1, "account": 1}
    assert (found.input_tokens, found.output_tokens, found.cost_usd) == (10, 15, None)


def test_nothing_measured_is_unknown_not_available() -> None:
    """A slot that was missed says nothing about the vendor."""
    missed = Bucket()
    missed.skip(SkipReason.LATE)
    found = figures(missed, 60)
    assert (found.vendor_availability, found.availability, found.due) == (None, None, 1)
    assert found.latency == Percentiles()


def test_a_percentile_beyond_a_deadline_is_a_lower_bound() -> None:
    """And one with too few samples is unknown."""
    made = bucket(*[OK] * 9)
    made.merge(bucket(*[(Verdict.TIMEOUT, Fault.PROVIDER)] * 9, latency_s=30.0))
    latency = figures(made, 60).latency
    assert latency.p50 is not None
    assert latency.p95 is not None
    assert (latency.p50.lower_bound, latency.p95.lower_bound, latency.p99) == (False, True, None)


@pytest.mark.parametrize(
    ("objective", "budget"),
    [
        (None, None),
        (0.5, ErrorBudget(2.0, 1, 0.5)),
        (0.875, ErrorBudget(0.5, 1, -1.0)),
        (1.0, ErrorBudget(0.0, 1, None)),
    ],
)
def test_an_objective_allows_a_share_of_failures(
    objective: float | None, budget: ErrorBudget | None
) -> None:
    """What is left is negative when overspent, and undefined when nothing was allowed."""
    assert error_budget(figures(bucket(OK, OK, OK, BROKEN), 60), objective) == budget


def test_no_result_spends_nothing() -> None:
    """There is no budget of nothing."""
    assert error_budget(figures(Bucket(), 60), 0.99) is None


def test_buckets_are_taken_together_without_being_changed() -> None:
    """The total is a new one."""
    one, other = bucket(OK), bucket(BROKEN)
    assert figures(whole([one, other]), 60).results == 2
    assert figures(one, 60).results == 1
