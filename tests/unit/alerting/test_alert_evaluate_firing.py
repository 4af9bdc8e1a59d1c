"""What ends an alert: good samples, never the want of bad ones."""

import pytest

from aggregator.summary import Summary
from alerting.evaluate import Reason, evaluate, of_firing
from alerting.expression import parse
from alerting.rule import Rule
from probes.result import Fault


def rule(when: str, min_failures: int = 0) -> Rule:
    return Rule(name="R", when=parse(when), over_s=900.0, min_failures=min_failures)


def window(*faults: Fault) -> Summary:
    """A window of these results, oldest first."""
    counts = {fault: faults.count(fault) for fault in faults}
    return Summary(over_s=900.0, n=len(faults), by_fault=counts, recent_faults=faults)


OK, BAD, ACCOUNT = Fault.NONE, Fault.PROVIDER, Fault.ACCOUNT


@pytest.mark.parametrize(
    ("when", "min_failures", "faults", "breached", "reason"),
    [
        # After a gap the window holds one failure: fewer than it takes, and no recovery.
        ("error_rate(provider) > 5%", 3, (BAD,), None, Reason.STILL_FAILING),
        ("failures(account) >= 2", 0, (ACCOUNT,), None, Reason.STILL_FAILING),
        ("failures >= 2", 0, (BAD,), None, Reason.STILL_FAILING),
        ("consecutive_failures(provider) >= 3", 0, (OK, BAD), None, Reason.STILL_FAILING),
        # Few failures are left, the newest result is good, the ratio is still high.
        ("error_rate(provider) > 5%", 3, (BAD, OK), None, Reason.STILL_FAILING),
        # Over: the newest is good and the condition is false on its own account.
        ("error_rate(provider) > 5%", 3, (OK, OK), False, Reason.WITHIN),
        ("failures(account) >= 2", 0, (ACCOUNT, OK), False, Reason.WITHIN),
        ("failures >= 2", 0, (BAD, OK), False, Reason.WITHIN),
        # A failure of another kind says nothing about this one.
        ("failures(account) >= 2", 0, (ACCOUNT, BAD), False, Reason.WITHIN),
        # Still true, and not about failures at all.
        ("failures(account) >= 1", 0, (ACCOUNT,), True, Reason.BREACHED),
        ("samples > 5", 0, (BAD,), False, Reason.WITHIN),
        # Turned round, many failures are the good side.
        ("failures < 1", 0, (BAD,), False, Reason.WITHIN),
    ],
)
def test_what_an_evaluation_means_to_a_firing_alert(
    when: str, min_failures: int, faults: tuple[Fault, ...], breached: bool | None, reason: Reason
) -> None:
    """A firing alert ends on evidence of recovery; thin evidence leaves it as it is."""
    checked, summary = rule(when, min_failures), window(*faults)
    found = of_firing(checked, summary, evaluate(checked, summary))
    assert (found.breached, found.reason) == (breached, reason)


def test_an_old_window_without_recent_results_is_judged_as_it_is() -> None:
    """A summary that knows no newest result gives no reason to hold on."""
    checked = rule("failures(account) >= 2")
    summary = Summary(over_s=900.0, n=1, by_fault={OK: 1})
    assert of_firing(checked, summary, evaluate(checked, summary)).breached is False
