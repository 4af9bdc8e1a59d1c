"""What a summary derives from its counts."""

import pytest

from aggregator.summary import Summary
from probes.result import Fault, Verdict


def test_empty_summary_knows_nothing() -> None:
    """Without results there is no rate of errors, without slots no coverage."""
    empty = Summary(over_s=60.0)
    assert empty.error_rate is None
    assert empty.coverage is None
    assert empty.failures == 0
    assert empty.count(Fault.PROVIDER) == 0
    assert empty.consecutive(Fault.PROVIDER) == 0


def test_rates_are_parts_of_what_they_name() -> None:
    """error_rate is of results, coverage of slots."""
    summary = Summary(over_s=60.0, n=6, missed=2, by_fault={Fault.NONE: 3, Fault.PROVIDER: 3})
    assert summary.failures == 3
    assert summary.error_rate == 0.5
    assert summary.coverage == 0.75


def test_only_misses_are_no_coverage() -> None:
    """Slots that all went without a result cover nothing."""
    assert Summary(over_s=60.0, missed=3).coverage == 0.0


def test_count_adds_faults_or_verdicts() -> None:
    """Several kinds are counted together."""
    summary = Summary(
        over_s=60.0,
        n=5,
        by_fault={Fault.PROVIDER: 2, Fault.NETWORK: 1, Fault.NONE: 2},
        by_verdict={Verdict.TIMEOUT: 2, Verdict.RESET: 1, Verdict.OK: 2},
    )
    assert summary.count(Fault.PROVIDER, Fault.NETWORK) == 3
    assert summary.count(Verdict.TIMEOUT) == 2


@pytest.mark.parametrize(
    ("recent", "run"),
    [
        ((Fault.PROVIDER, Fault.NONE), 0),
        ((Fault.NONE, Fault.PROVIDER, Fault.NETWORK), 2),
        ((Fault.PROVIDER, Fault.ACCOUNT, Fault.PROVIDER), 1),
        ((Fault.PROVIDER, Fault.PROVIDER), 2),
    ],
)
def test_consecutive_counts_back_from_the_newest(recent: tuple[Fault, ...], run: int) -> None:
    """A run ends at the first other fault, seen from now."""
    summary = Summary(over_s=60.0, recent_faults=recent)
    assert summary.consecutive(Fault.PROVIDER, Fault.NETWORK) == run
