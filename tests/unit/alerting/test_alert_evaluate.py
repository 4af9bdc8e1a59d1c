"""One rule against one summary: true, false, unknown, and the reason."""

from math import inf, nan

import pytest

from aggregator.summary import Distribution, Summary
from alerting.evaluate import Evaluation, Reason, evaluate, judge
from alerting.expression import parse
from alerting.rule import Rule, subjects
from probes.result import Fault, Verdict
from tests.unit.alerting.windows import distribution


def rule(when: str, *, min_samples: int = 0, min_failures: int = 0) -> Rule:
    """Return a rule with this condition."""
    return Rule(
        name="R",
        when=parse(when),
        over_s=900.0,
        min_samples=min_samples,
        min_failures=min_failures,
    )


def outcome(when: Rule | str, summary: Summary) -> tuple[bool | None, Reason]:
    """Return what a rule (or a rule of this condition) says, and why."""
    evaluation = evaluate(rule(when) if isinstance(when, str) else when, summary)
    return evaluation.breached, evaluation.reason


BUSY = Summary(
    over_s=900.0,
    n=20,
    missed=5,
    by_fault={Fault.NONE: 14, Fault.PROVIDER: 3, Fault.ACCOUNT: 2, Fault.REQUEST: 1},
    by_verdict={Verdict.OK: 14, Verdict.SERVER_ERROR: 3, Verdict.AUTH: 2, Verdict.REFUSED: 1},
    latency=distribution([1.0] * 13 + [8.0]),
    first_token=distribution([0.25] * 14),
    inter_token=distribution([0.02] * 14),
    tokens_per_s=distribution([50.0] * 14),
    rate_per_min=1.5,
    recent_faults=(Fault.NONE, Fault.ACCOUNT, Fault.PROVIDER, Fault.PROVIDER),
)


@pytest.mark.parametrize(
    ("when", "value"),
    [
        ("latency.p50 > 0s", 1.0),
        ("latency.p95 > 0s", 1.0),
        ("latency.mean > 0s", 1.5),
        ("latency.max > 0s", 8.0),
        ("first_token.p50 > 0s", 0.25),
        ("inter_token.p50 > 0s", 0.02),
        ("tokens_per_s.p50 > 0", 50.0),
        ("error_rate > 0", 0.3),
        ("error_rate(provider) > 0", 0.15),
        ("error_rate(provider, account) > 0", 0.25),
        ("error_rate(auth, refused) > 0", 0.15),
        ("failures > 0", 6.0),
        ("failures(account) > 0", 2.0),
        ("failures(server_error) > 0", 3.0),
        ("consecutive_failures > 0", 3.0),
        ("consecutive_failures(provider) > 0", 2.0),
        ("consecutive_failures(provider, account) > 0", 3.0),
        ("samples > 0", 20.0),
        ("rate > 0", 1.5),
        ("coverage > 0", 0.8),
    ],
)
def test_takes_the_number_the_metric_names(when: str, value: float) -> None:
    """Each metric reads its own figure of the summary."""
    assert evaluate(rule(when), BUSY) == Evaluation(
        True, pytest.approx(value), lower_bound=False, reason=Reason.BREACHED
    )


def test_a_spread_is_read() -> None:
    """`std` is the population's standard deviation."""
    summary = Summary(over_s=900.0, n=2, latency=distribution([1.0, 3.0]))
    assert evaluate(rule("latency.std >= 1s"), summary).value == pytest.approx(1.0)


def test_within_is_false() -> None:
    """A value on the right side of the threshold says false, and keeps the value for the page."""
    assert evaluate(rule("failures > 6"), BUSY) == Evaluation(
        False, 6.0, lower_bound=False, reason=Reason.WITHIN
    )


@pytest.mark.parametrize(
    "when",
    ["latency.p95 > 5s", "error_rate > 5%", "failures > 1", "samples < 3", "rate < 3"],
)
def test_an_empty_window_says_nothing(when: str) -> None:
    """No result means unknown, not healthy: an alert cannot resolve on missing data."""
    empty = Summary(over_s=900.0, missed=3, recent_faults=(Fault.PROVIDER,) * 5)
    assert evaluate(rule(when), empty) == Evaluation(
        None, None, lower_bound=False, reason=Reason.NO_DATA
    )


def test_old_failures_in_a_row_say_nothing_of_an_empty_window() -> None:
    """A run of failures from before the window is stale."""
    stale = Summary(over_s=900.0, recent_faults=(Fault.PROVIDER,) * 5)
    assert outcome("consecutive_failures(provider) >= 3", stale) == (None, Reason.NO_DATA)


def test_coverage_sees_an_empty_window() -> None:
    """Slots that fell due without any result are coverage 0; without slots it is unknown."""
    assert evaluate(rule("coverage < 50%"), Summary(over_s=900.0, missed=3)) == Evaluation(
        True, 0.0, lower_bound=False, reason=Reason.BREACHED
    )
    assert outcome("coverage < 50%", Summary(over_s=900.0)) == (None, Reason.NO_DATA)


def test_min_samples_counts_what_the_figure_is_made_of() -> None:
    """Results for a rate, latencies for a latency, due slots for coverage."""
    assert outcome(rule("error_rate > 0", min_samples=20), BUSY)[0] is True
    assert outcome(rule("error_rate > 0", min_samples=21), BUSY) == (None, Reason.TOO_FEW_SAMPLES)
    assert outcome(rule("latency.mean > 0s", min_samples=14), BUSY)[0] is True
    few = outcome(rule("latency.mean > 0s", min_samples=15), BUSY)
    assert few == (None, Reason.TOO_FEW_SAMPLES)
    assert outcome(rule("coverage > 0", min_samples=25), BUSY)[0] is True
    assert outcome(rule("coverage > 0", min_samples=26), BUSY) == (None, Reason.TOO_FEW_SAMPLES)


def test_a_percentile_the_window_cannot_state_is_unknown() -> None:
    """A p99 of fourteen samples would be their maximum under another name."""
    assert outcome("latency.p99 > 1ms", BUSY) == (None, Reason.TOO_FEW_SAMPLES)


def test_a_figure_nothing_has_is_undefined() -> None:
    """Errors that came back at once have no latency: unknown, though there are results."""
    errors = Summary(over_s=900.0, n=5, by_fault={Fault.PROVIDER: 5})
    assert outcome("latency.p95 > 5s", errors) == (None, Reason.UNDEFINED)
    assert outcome("rate < 3", errors) == (None, Reason.UNDEFINED)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_value_that_is_no_number_is_undefined(value: float) -> None:
    """Whatever got into a summary, NaN compares with nothing."""
    odd = Summary(over_s=900.0, n=5, rate_per_min=value)
    assert outcome("rate < 3", odd) == (None, Reason.UNDEFINED)


HUNG = Summary(over_s=900.0, n=6, latency=distribution([1.0] * 3 + [30.0] * 3, [30.0] * 3))


@pytest.mark.parametrize(
    ("when", "expected", "bounded"),
    [
        ("latency.p95 > 5s", (True, Reason.BREACHED), True),
        ("latency.p95 >= 30s", (True, Reason.BREACHED), True),
        ("latency.p95 > 60s", (False, Reason.WITHIN), True),
        ("latency.p95 < 60s", (None, Reason.CENSORED), True),
        ("latency.p95 < 30s", (False, Reason.WITHIN), True),
        ("latency.p95 <= 30s", (None, Reason.CENSORED), True),
        ("latency.p95 <= 29s", (False, Reason.WITHIN), True),
        ("latency.p95 == 30s", (None, Reason.CENSORED), True),
        ("latency.p95 == 29s", (False, Reason.WITHIN), True),
        ("latency.p50 < 5s", (True, Reason.BREACHED), False),
        ("latency.max < 60s", (None, Reason.CENSORED), True),
        ("latency.mean < 60s", (None, Reason.CENSORED), True),
        ("latency.mean > 15s", (True, Reason.BREACHED), True),
        ("latency.std > 1s", (True, Reason.BREACHED), True),
    ],
)
def test_a_lower_bound_proves_only_what_lies_above_it(
    when: str, expected: tuple[bool | None, Reason], bounded: bool
) -> None:
    """A timeout at its deadline is at least that long: `>` may be true, `<` may be unknown."""
    evaluation = evaluate(rule(when), HUNG)
    assert (evaluation.breached, evaluation.reason) == expected
    assert evaluation.lower_bound is bounded


def test_min_failures_counts_the_failures_the_metric_counts() -> None:
    """Account failures do not help a provider rule over its minimum."""
    assert outcome(rule("error_rate(provider) > 5%", min_failures=3), BUSY)[0] is True
    few = outcome(rule("error_rate(provider) > 5%", min_failures=4), BUSY)
    assert few == (False, Reason.TOO_FEW_FAILURES)
    assert outcome(rule("error_rate > 5%", min_failures=6), BUSY)[0] is True
    run = outcome(rule("consecutive_failures(provider) >= 1", min_failures=3), BUSY)
    assert run == (False, Reason.TOO_FEW_FAILURES)
    assert outcome(rule("coverage < 90%", min_failures=6), BUSY)[0] is True
    assert outcome(rule("coverage < 90%", min_failures=7), BUSY)[0] is False


@pytest.mark.parametrize(
    ("when", "beyond"),
    [
        ("latency.max > 2s", 3),
        ("latency.max >= 2s", 4),
        ("latency.p50 < 3s", 4),
        ("latency.p50 <= 3s", 5),
    ],
)
def test_min_failures_of_a_statistic_counts_samples_beyond_the_threshold(
    when: str, beyond: int
) -> None:
    """A latency rule can ask that more than one answer was slow."""
    summary = Summary(over_s=900.0, n=7, latency=distribution([1.0] * 3 + [2.0, 3.0, 4.0, 5.0]))
    assert outcome(rule(when, min_failures=beyond), summary)[0] is True
    few = outcome(rule(when, min_failures=beyond + 1), summary)
    assert few == (False, Reason.TOO_FEW_FAILURES)


@pytest.mark.parametrize("operator", [">", ">=", "<", "<="])
def test_min_failures_asks_nothing_of_samples_that_were_not_kept(operator: str) -> None:
    """A summary without its samples cannot be counted in: the statistic alone decides."""
    summary = Summary(over_s=900.0, n=5, latency=distribution([2.0] * 5, kept=False))
    threshold = "1s" if operator.startswith(">") else "3s"
    asked = rule(f"latency.p50 {operator} {threshold}", min_failures=99)
    assert outcome(asked, summary) == (True, Reason.BREACHED)


def test_min_failures_asks_nothing_of_an_equality() -> None:
    """No sample lies beyond an exact value."""
    summary = Summary(over_s=900.0, n=5, latency=distribution([2.0] * 5))
    assert outcome(rule("latency.p50 == 2s", min_failures=99), summary)[0] is True


def test_an_empty_distribution_never_raises() -> None:
    """A distribution of nothing, which no window makes, is answered like any other."""
    hollow = Distribution(n=0, mean=nan, std=nan, max=nan, quantiles={})
    assert outcome("latency.mean > 5s", Summary(over_s=900.0, n=1, latency=hollow))[0] is None


@pytest.mark.parametrize(
    ("when", "value", "expected"),
    [
        ("budget.used > 80%", 0.8, (False, Reason.WITHIN)),
        ("budget.used > 80%", 0.81, (True, Reason.BREACHED)),
        ("egress.failing", 1.0, (True, Reason.BREACHED)),
        ("egress.failing", 0.0, (False, Reason.WITHIN)),
        ("retirement.days < 30", -2.0, (True, Reason.BREACHED)),
    ],
)
def test_a_fact_is_compared_as_it_is(
    when: str, value: float, expected: tuple[bool, Reason]
) -> None:
    """No window, no minimum, no lower bound: the value alone decides, and is shown."""
    condition = parse(when)
    rule = Rule(name="R", when=condition, subject=subjects(condition)[0])
    found = judge(rule, value, firing=False)
    assert (found.breached, found.reason) == expected
    assert (found.value, found.lower_bound) == (value, False)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_fact_that_is_no_number_is_unknown(value: float) -> None:
    """It moves no state."""
    found = judge(Rule(name="R", when=parse("drift.events > 0")), value, firing=False)
    assert (found.breached, found.value, found.reason) == (None, None, Reason.UNDEFINED)


def test_a_window_says_nothing_of_a_fact() -> None:
    """Handed a summary all the same, such a rule does not know."""
    full = Summary(over_s=900.0, n=5, by_fault={Fault.NONE: 5})
    found = evaluate(Rule(name="R", when=parse("drift.events > 0")), full)
    assert (found.breached, found.reason) == (None, Reason.UNDEFINED)
