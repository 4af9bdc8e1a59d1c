"""Evaluation is total: any rule, any summary, one answer."""

from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from aggregator.summary import QUANTILES, Distribution, Summary
from alerting.evaluate import Reason, evaluate, judge
from alerting.expression import Condition, Operator, parse
from alerting.metric import Count, Counted, Measure, Measured, Percentile, Plain, Statistic
from alerting.rule import Rule
from probes.result import Fault, Verdict
from tests.unit.alerting.windows import distribution

numbers = st.floats(allow_nan=True, allow_infinity=True)
counts = st.integers(0, 50)
distributions = st.builds(
    Distribution,
    n=counts,
    mean=numbers,
    std=numbers,
    max=numbers,
    quantiles=st.dictionaries(st.sampled_from(QUANTILES), numbers),
    censored_from=st.none() | numbers,
    samples=st.lists(st.floats(0, 100), max_size=9).map(lambda values: tuple(sorted(values))),
)
summaries = st.builds(
    Summary,
    over_s=st.just(900.0),
    n=counts,
    missed=counts,
    by_fault=st.dictionaries(st.sampled_from(Fault), counts).map(MappingProxyType),
    by_verdict=st.dictionaries(st.sampled_from(Verdict), counts).map(MappingProxyType),
    latency=st.none() | distributions,
    first_token=st.none() | distributions,
    inter_token=st.none() | distributions,
    tokens_per_s=st.none() | distributions,
    rate_per_min=st.none() | numbers,
    recent_faults=st.lists(st.sampled_from(Fault), max_size=9).map(tuple),
)
statistics = st.sampled_from(Statistic) | st.builds(Percentile, st.integers(500, 999))
metrics = st.one_of(
    st.builds(Measured, st.sampled_from(Measure), statistics),
    st.builds(Counted, st.sampled_from(Count), st.just(()) | st.just((Fault.PROVIDER,))),
    st.sampled_from(Plain),
)
rules = st.builds(
    Rule,
    name=st.just("R"),
    when=st.builds(Condition, metrics, st.sampled_from(Operator), st.floats(0, 100)),
    over_s=st.just(900.0),
    min_samples=st.integers(0, 20),
    min_failures=st.integers(0, 20),
)
SAYS = {
    Reason.BREACHED: True,
    Reason.WITHIN: False,
    Reason.TOO_FEW_FAILURES: False,
    Reason.NO_DATA: None,
    Reason.TOO_FEW_SAMPLES: None,
    Reason.UNDEFINED: None,
    Reason.CENSORED: None,
}


@given(rules, summaries)
def test_every_rule_answers_every_summary(rule: Rule, summary: Summary) -> None:
    """There is an answer, its reason fits it, and a decision always has the value it rests on."""
    evaluation = evaluate(rule, summary)
    assert evaluation.breached is SAYS[evaluation.reason]
    if evaluation.breached is not None:
        assert evaluation.value is not None
    if evaluation.breached:
        assert isinstance(rule.when, Condition)
        assert rule.when.operator.holds(evaluation.value or 0.0, rule.when.threshold)


@given(rules, summaries)
def test_to_a_firing_alert_only_false_may_become_unknown(rule: Rule, summary: Summary) -> None:
    """Nothing that is true or unknown changes its meaning, and no value is ever lost."""
    plain = evaluate(rule, summary)
    meant = judge(rule, summary, firing=True)
    assert (meant.value, meant.lower_bound) == (plain.value, plain.lower_bound)
    if plain.breached is False and meant != plain:
        assert (meant.breached, meant.reason) == (None, Reason.STILL_FAILING)
        newest_is_good = summary.recent_faults[-1:] in ((), (Fault.NONE,))
        assert plain.reason is Reason.TOO_FEW_FAILURES or not newest_is_good
    else:
        assert meant == plain


@given(rules, st.integers(0, 20))
def test_an_empty_window_breaches_nothing_but_coverage_and_its_own_rule(
    rule: Rule, missed: int
) -> None:
    """Without a result no rule is true or false, except one that asks for results."""
    breached = evaluate(rule, Summary(over_s=900.0, missed=missed)).breached
    assert breached is None or (rule.when.metric in (Plain.COVERAGE, Plain.NO_DATA) and missed > 0)


@given(
    st.lists(st.floats(0, 30), min_size=5, max_size=40),
    st.integers(0, 40),
    st.sampled_from(["p50", "p95", "mean", "max"]),
    st.floats(0, 40),
)
def test_more_timeouts_never_clear_a_latency_alert(
    latencies: list[float], hung: int, statistic: str, threshold_s: float
) -> None:
    """Replacing answers by probes that hung to the deadline can only breach, never mend."""
    condition = Condition(parse(f"latency.{statistic} > 1s").metric, Operator.GT, threshold_s)
    rule = Rule(name="R", when=condition, over_s=900.0)
    worse = [30.0] * min(hung, len(latencies)) + latencies[hung:]
    before = Summary(over_s=900.0, n=len(latencies), latency=distribution(latencies))
    after = Summary(over_s=900.0, n=len(worse), latency=distribution(worse, [30.0] * bool(hung)))
    if evaluate(rule, before).breached:
        assert evaluate(rule, after).breached
