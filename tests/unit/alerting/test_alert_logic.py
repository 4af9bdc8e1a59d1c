"""Rules of several comparisons: three truths, and whose figure decided."""

import pytest

from aggregator.summary import Summary
from alerting.evaluate import Evaluation, Reason, Seen, judge
from alerting.expression import parse
from alerting.match import Match
from alerting.metric import Between, Fact
from alerting.rule import NoData, Rule
from probes.result import Fault
from tests.unit.alerting.windows import distribution

OTHERS = Match((("model", ("other",)),))
TRUE, FALSE, UNKNOWN = "samples > 1", "samples > 100", "latency.p95 > 1s"
WINDOW = Summary(over_s=900.0, n=10, by_fault={Fault.NONE: 8, Fault.PROVIDER: 2})


def rule(
    when: str,
    clear: str | None = None,
    no_data: NoData = NoData.KEEP,
    min_samples: int = 0,
    min_failures: int = 0,
) -> Rule:
    return Rule(
        name="R",
        when=parse(when),
        clear=None if clear is None else parse(clear),
        over_s=900.0,
        no_data=no_data,
        min_samples=min_samples,
        min_failures=min_failures,
    )


def slow(latency_s: float, *, n: int = 10, hung: bool = False) -> Summary:
    latency = distribution([latency_s] * n, [latency_s] * hung)
    return Summary(over_s=900.0, n=n, by_fault={Fault.NONE: n}, latency=latency)


def told(found: Evaluation) -> tuple[bool | None, str]:
    return found.breached, str(found.about.metric) if found.about else ""


@pytest.mark.parametrize(
    ("when", "breached", "reason"),
    [
        (f"{TRUE} and {TRUE}", True, Reason.BREACHED),
        (f"{TRUE} and {FALSE}", False, Reason.WITHIN),
        (f"{UNKNOWN} and {FALSE}", False, Reason.WITHIN),
        (f"{UNKNOWN} and {TRUE}", None, Reason.UNDEFINED),
        (f"{FALSE} or {TRUE}", True, Reason.BREACHED),
        (f"{UNKNOWN} or {TRUE}", True, Reason.BREACHED),
        (f"{UNKNOWN} or {FALSE}", None, Reason.UNDEFINED),
        (f"{FALSE} or {FALSE}", False, Reason.WITHIN),
        (f"not {UNKNOWN}", None, Reason.UNDEFINED),
        (f"not {FALSE}", True, Reason.BREACHED),
        (f"not {TRUE}", False, Reason.WITHIN),
        ("samples > 1 and egress.failing", None, Reason.NO_DATA),
    ],
)
def test_what_is_unknown_decides_nothing(when: str, breached: bool | None, reason: Reason) -> None:
    """Unless the rest decides anyhow; the reason is that of the part that decided."""
    found = judge(rule(when), Seen(WINDOW), firing=False)
    assert (found.breached, found.reason) == (breached, reason)


def test_the_deciding_comparison_is_told() -> None:
    """People see the figure that made the rule true, or false, or unknown."""
    seen = Seen(WINDOW)
    assert told(judge(rule("error_rate > 5% and samples > 1"), seen, firing=False)) == (
        True,
        "error_rate",
    )
    assert told(judge(rule("error_rate > 50% or samples > 1"), seen, firing=False)) == (
        True,
        "samples",
    )


@pytest.mark.parametrize(
    ("own_s", "other", "when", "breached"),
    [
        (5.0, slow(2.0), "latency.p95 > 2 * latency.p95 of {model: other}", True),
        (4.0, slow(2.0), "latency.p95 > 2 * latency.p95 of {model: other}", False),
        (5.0, slow(2.0, n=4), "latency.p95 > 2 * latency.p95 of {model: other}", None),
        (5.0, None, "latency.p95 > 2 * latency.p95 of {model: other}", None),
        (5.0, WINDOW, "latency.p95 > 2 * latency.p95 of {model: other}", None),
        # A timeout there: the true figure of the others may be higher.
        (5.0, slow(2.0, hung=True), "latency.p95 > 2 * latency.p95 of {model: other}", None),
        (4.0, slow(2.0, hung=True), "latency.p95 > 2 * latency.p95 of {model: other}", False),
        (3.0, slow(2.0, hung=True), "latency.p95 < 2 * latency.p95 of {model: other}", True),
        (5.0, slow(2.0, hung=True), "latency.p95 < 2 * latency.p95 of {model: other}", None),
        (5.0, slow(2.0, hung=True), "latency.p95 == latency.p95 of {model: other}", None),
        (5.0, slow(2.0, hung=True), "first_token.p95 > latency.p95 of {model: other}", None),
        (5.0, None, "latency.p95 > 3 * latency.p50", False),
        (5.0, None, "latency.p95 >= latency.p50", True),
    ],
)
def test_a_figure_is_compared_with_that_of_others(
    own_s: float, other: Summary | None, when: str, breached: bool | None
) -> None:
    """As with a constant; what is not known of the others is unknown."""
    others = {} if other is None else {OTHERS: other}
    assert judge(rule(when), Seen(slow(own_s), others), firing=False).breached is breached


def test_few_samples_of_the_others_are_too_few() -> None:
    """`min_samples` asks as much of both sides."""
    seen = Seen(slow(5.0), {OTHERS: slow(1.0, n=5)})
    found = judge(
        rule("latency.mean > latency.mean of {model: other}", min_samples=6), seen, firing=False
    )
    assert (found.breached, found.reason) == (None, Reason.TOO_FEW_SAMPLES)


def test_the_threshold_of_a_relation_is_told() -> None:
    """What it was compared with at that moment stands beside the value."""
    seen = Seen(slow(5.0), {OTHERS: slow(2.0)})
    found = judge(rule("latency.p95 > 2 * latency.p95 of {model: other}"), seen, firing=False)
    assert str(found.about) == "latency.p95 > 4s"


def test_a_minimum_of_failures_is_not_turned_round() -> None:
    """Under a `not` it would make true what it is there to keep from being true."""
    both = rule("not error_rate > 5% and samples > 1", min_failures=3)
    assert judge(both, Seen(WINDOW), firing=False).breached is False
    one = judge(rule("error_rate > 5% and samples > 1", min_failures=3), WINDOW, firing=False)
    assert one.reason is Reason.TOO_FEW_FAILURES


@pytest.mark.parametrize(
    ("latency_s", "breached", "reason"),
    [
        (6.0, True, Reason.BREACHED),
        (4.5, True, Reason.NOT_CLEAR),
        (3.0, False, Reason.WITHIN),
    ],
)
def test_a_firing_alert_waits_for_its_clear_threshold(
    latency_s: float, breached: bool, reason: Reason
) -> None:
    """Between the two thresholds an alert goes on, and none begins."""
    both = rule("latency.p95 > 5s", clear="latency.p95 < 4s")
    found = judge(both, slow(latency_s), firing=True)
    assert (found.breached, found.reason) == (breached, reason)
    assert judge(both, slow(latency_s), firing=False).breached is (latency_s > 5)


def test_an_unknown_clear_threshold_ends_nothing() -> None:
    """Nobody can say that it is over."""
    found = judge(rule("samples > 100", clear="latency.p95 < 4s"), WINDOW, firing=True)
    assert (found.breached, found.reason) == (None, Reason.UNDEFINED)


def test_thin_evidence_ends_no_part() -> None:
    """A firing alert of several comparisons holds on as one of one does."""
    bad = Summary(over_s=900.0, n=1, by_fault={Fault.PROVIDER: 1}, recent_faults=(Fault.PROVIDER,))
    both = rule("failures(provider) >= 2 or samples > 5")
    assert judge(both, bad, firing=False).breached is False
    assert judge(both, bad, firing=True).reason is Reason.STILL_FAILING


@pytest.mark.parametrize(
    ("policy", "missed", "breached"),
    [
        (NoData.KEEP, 3, None),
        (NoData.OK, 3, False),
        (NoData.OK, 0, False),
        (NoData.ALERT, 3, True),
        (NoData.ALERT, 0, None),
    ],
)
def test_what_an_empty_window_means_is_a_policy(
    policy: NoData, missed: int, breached: bool | None
) -> None:
    """Where no slot fell due there is nothing to alert on."""
    found = judge(
        rule("latency.p95 > 5s", no_data=policy),
        Summary(over_s=900.0, missed=missed),
        firing=False,
    )
    assert (found.breached, found.reason) == (breached, Reason.NO_DATA)


def test_the_policy_is_for_empty_windows_alone() -> None:
    """Too few samples are some; and facts have no window."""
    kept = rule("latency.p95 > 5s", no_data=NoData.ALERT)
    assert judge(kept, WINDOW, firing=False).breached is None
    fact = Rule(name="R", when=parse("drift.events > 0 and drift.events > 1"), no_data=NoData.OK)
    assert judge(fact, Seen(), firing=False).breached is None
    assert judge(fact, Seen(WINDOW, facts={Fact.DRIFT_EVENTS: 2.0}), firing=False).breached


def test_a_window_that_is_not_there_is_unknown() -> None:
    """A part that looks at one cannot be answered."""
    assert judge(rule("samples > 1 and rate > 1"), Seen(), firing=False).breached is None


def test_one_comparison_is_answered_by_whatever_is_seen() -> None:
    """Alone or among other things, the window says the same."""
    assert judge(rule(TRUE), Seen(WINDOW), firing=False).breached
    assert judge(rule(TRUE), WINDOW, firing=False).breached


def test_one_fact_answers_a_rule_with_a_clear_threshold() -> None:
    """A fact alone is all that such a rule looks at."""
    both = Rule(name="R", when=parse("drift.events > 5"), clear=parse("drift.events < 3"))
    assert judge(both, 4.0, firing=True).reason is Reason.NOT_CLEAR
    assert judge(both, 2.0, firing=True).breached is False


@pytest.mark.parametrize(
    ("known", "breached"),
    [
        (Between(15.0, 20.0), True),
        (Between(2.0, 20.0), None),
        (Between(2.0, 3.0), False),
        (Between(14.4, 20.0), None),
        (Between(float("nan"), 20.0), None),
        (Between(15.0, 15.0), True),
    ],
)
def test_a_figure_known_between_two_is_true_when_both_are(
    known: Between, breached: bool | None
) -> None:
    """A burn rate on few samples is a range; with the threshold in it nobody knows."""
    burning = Rule(name="R", when=parse("baseline.ratio > 14.4"))
    assert judge(burning, known, firing=False).breached is breached


@pytest.mark.parametrize(
    ("n", "missed", "breached"), [(0, 0, None), (0, 1, True), (1, 0, False), (1, 5, False)]
)
def test_no_data_is_known_where_slots_fell_due(n: int, missed: int, breached: bool | None) -> None:
    """Nothing came though something should have; whatever `min_samples` asks."""
    summary = Summary(over_s=900.0, n=n, missed=missed)
    assert judge(rule("no_data", min_samples=9), summary, firing=False).breached is breached


def test_failures_of_the_newest_results_are_counted_whenever_they_were() -> None:
    """M of the last N looks at the newest results alone, of the faults it names."""
    recent = (Fault.PROVIDER, Fault.PROVIDER, Fault.NONE, Fault.ACCOUNT, Fault.PROVIDER)
    summary = Summary(over_s=900.0, n=1, recent_faults=recent)
    for when, value in (("failures of last 4 > 1", 3.0), ("failures(provider) of last 5 > 1", 3.0)):
        assert judge(rule(when), summary, firing=False).value == value


@pytest.mark.parametrize(
    ("cost_usd", "rate_per_min", "value"), [(0.5, 1.0, 3.0), (None, 1.0, None), (0.5, None, None)]
)
def test_cost_is_money_an_hour(
    cost_usd: float | None, rate_per_min: float | None, value: float | None
) -> None:
    """What the mean result cost, times the results of an hour; unknown where either is."""
    summary = Summary(over_s=900.0, n=10, cost_usd=cost_usd, rate_per_min=rate_per_min)
    assert judge(rule("cost > 2 USD/h"), summary, firing=False).value == value


def test_every_percentile_and_the_minimum_come_from_the_samples() -> None:
    """Those a window does not carry are worked out as those it does; without samples, unknown."""
    values = [float(number) for number in range(100)]
    kept = Summary(over_s=900.0, n=100, latency=distribution(values))
    lost = Summary(over_s=900.0, n=100, latency=distribution(values, kept=False))
    for when, value in (("latency.p90.5 > 1s", 89.0), ("latency.min > 1s", 0.0)):
        assert judge(rule(when), kept, firing=False).value == value
        assert judge(rule(when), lost, firing=False).breached is None
