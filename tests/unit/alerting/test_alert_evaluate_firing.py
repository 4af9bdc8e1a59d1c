"""What ends an alert: good samples, never the want of bad ones."""

import pytest

from aggregator.summary import Summary
from alerting.evaluate import Reason, judge
from alerting.expression import parse
from alerting.rule import Rule
from probes.result import Fault, Verdict

OK, BAD, ACCOUNT = Fault.NONE, Fault.PROVIDER, Fault.ACCOUNT
GOES_ON, WITHIN = (None, Reason.STILL_FAILING), (False, Reason.WITHIN)


def rule(when: str, min_failures: int = 0) -> Rule:
    return Rule(name="R", when=parse(when), over_s=900.0, min_failures=min_failures)


def window(*faults: Fault, verdict: Verdict | None = None) -> Summary:
    """A window of these results, oldest first; those that are not ok have this verdict."""
    counts = {fault: faults.count(fault) for fault in faults}
    by_verdict = {} if verdict is None else {verdict: len(faults) - counts.get(OK, 0)}
    return Summary(
        over_s=900.0,
        n=len(faults),
        by_fault=counts,
        by_verdict=by_verdict,
        recent_faults=faults,
    )


def meant(checked: Rule, summary: Summary) -> tuple[bool | None, Reason]:
    """What the summary means to an alert of this rule that fires."""
    found = judge(checked, summary, firing=True)
    return found.breached, found.reason


@pytest.mark.parametrize(
    ("when", "min_failures", "faults", "expected"),
    [
        # After a gap the window holds one failure: fewer than it takes, and no recovery.
        ("error_rate(provider) > 5%", 3, (BAD,), GOES_ON),
        ("failures(account) >= 2", 0, (ACCOUNT,), GOES_ON),
        ("failures(account) > 1", 0, (ACCOUNT,), GOES_ON),
        ("failures >= 2", 0, (BAD,), GOES_ON),
        ("consecutive_failures(provider) >= 3", 0, (OK, BAD), GOES_ON),
        # Few failures are left, the newest result is good, the ratio is still high.
        ("error_rate(provider) > 5%", 3, (BAD, OK), GOES_ON),
        # The run ended on a failure of another kind: nothing good came.
        ("consecutive_failures(provider) >= 3", 0, (BAD, BAD, BAD, ACCOUNT), GOES_ON),
        ("failures(account) >= 2", 0, (ACCOUNT, BAD), GOES_ON),
        ("failures(account) >= 2", 0, (BAD,), GOES_ON),
        ("failures(account) >= 2", 0, (BAD, BAD), GOES_ON),
        # A window full of another kind has none of the rule's own left: it is over, or hidden.
        ("failures(account) >= 2", 0, (BAD, BAD, BAD), WITHIN),
        ("consecutive_failures(provider) >= 3", 0, (ACCOUNT, ACCOUNT, ACCOUNT), WITHIN),
        # Over: the newest is good and the condition is false on its own account.
        ("error_rate(provider) > 5%", 3, (OK, OK), WITHIN),
        ("failures(account) >= 2", 0, (ACCOUNT, OK), WITHIN),
        ("failures >= 2", 0, (BAD, OK), WITHIN),
        ("failures >= 2", 0, (OK,), WITHIN),
        # Still true, and not about failures at all.
        ("failures(account) >= 1", 0, (ACCOUNT,), (True, Reason.BREACHED)),
        ("samples > 5", 0, (BAD,), WITHIN),
        # Turned round, many failures are the good side.
        ("failures < 1", 0, (BAD,), WITHIN),
    ],
)
def test_what_an_evaluation_means_to_a_firing_alert(
    when: str,
    min_failures: int,
    faults: tuple[Fault, ...],
    expected: tuple[bool | None, Reason],
) -> None:
    """A firing alert ends on evidence of recovery; thin evidence leaves it as it is."""
    assert meant(rule(when, min_failures), window(*faults)) == expected


@pytest.mark.parametrize(
    ("faults", "verdict", "expected"),
    [
        ((BAD,), Verdict.SERVER_ERROR, GOES_ON),
        ((OK, OK, OK, BAD), Verdict.SERVER_ERROR, GOES_ON),
        ((BAD,), Verdict.OVERLOADED, GOES_ON),
        ((BAD, BAD, BAD), Verdict.OVERLOADED, WITHIN),
        ((BAD, OK), Verdict.SERVER_ERROR, WITHIN),
    ],
)
def test_rules_about_verdicts_end_no_sooner(
    faults: tuple[Fault, ...], verdict: Verdict, expected: tuple[bool | None, Reason]
) -> None:
    """A rule that counts verdicts holds on to a bad newest sample as one about faults does."""
    assert meant(rule("failures(server_error) >= 2"), window(*faults, verdict=verdict)) == expected


def test_an_old_window_without_recent_results_is_judged_as_it_is() -> None:
    """A summary that knows no newest result gives no reason to hold on."""
    summary = Summary(over_s=900.0, n=1, by_fault={OK: 1})
    assert meant(rule("failures(account) >= 2"), summary) == WITHIN
