"""The `when` language: what it reads, what it refuses, and where it points."""

import pytest

from alerting.condition import And, Not, Or, Relation
from alerting.expression import (
    Condition,
    Expression,
    ExpressionError,
    Operator,
    format_value,
    parse,
    selection_places,
)
from alerting.match import Match
from alerting.metric import (
    Anomalous,
    BurnRate,
    Count,
    Counted,
    Measure,
    Measured,
    Percentile,
    Plain,
    Statistic,
)
from probes.result import Fault, Verdict

P95 = Measured(Measure.LATENCY, Percentile(950))
P50 = Measured(Measure.LATENCY, Percentile(500))
NO_DATA = Condition(Plain.NO_DATA, Operator.EQ, 1.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latency.p95 > 5s", Condition(P95, Operator.GT, 5.0)),
        ("  latency.p95>500ms ", Condition(P95, Operator.GT, 0.5)),
        ("latency . p95 gte 2m", Condition(P95, Operator.GE, 120.0)),
        ("latency.p95 > 1h30m", Condition(P95, Operator.GT, 5400.0)),
        ("latency.p95 > 1d2h3m4s5ms", Condition(P95, Operator.GT, 93784.005)),
        (
            "latency.p99.9 < 1.5 s",
            Condition(Measured(Measure.LATENCY, Percentile(999)), Operator.LT, 1.5),
        ),
        (
            "first_token.p99 lte 3s",
            Condition(Measured(Measure.FIRST_TOKEN, Percentile(990)), Operator.LE, 3.0),
        ),
        (
            "inter_token.mean > 80ms",
            Condition(Measured(Measure.INTER_TOKEN, Statistic.MEAN), Operator.GT, 0.08),
        ),
        (
            "tokens_per_s.p50 lt 10",
            Condition(Measured(Measure.TOKENS_PER_S, Percentile(500)), Operator.LT, 10.0),
        ),
        ("error_rate > 5%", Condition(Counted(Count.ERROR_RATE), Operator.GT, 0.05)),
        (
            "error_rate(provider, network) gt 0.05",
            Condition(
                Counted(Count.ERROR_RATE, (Fault.PROVIDER, Fault.NETWORK)), Operator.GT, 0.05
            ),
        ),
        (
            "failures(timeout,server_error) eq 3",
            Condition(
                Counted(Count.FAILURES, (Verdict.TIMEOUT, Verdict.SERVER_ERROR)), Operator.EQ, 3.0
            ),
        ),
        ("failures >= 2.0", Condition(Counted(Count.FAILURES), Operator.GE, 2.0)),
        (
            "consecutive_failures(provider) >= 3",
            Condition(Counted(Count.CONSECUTIVE, (Fault.PROVIDER,)), Operator.GE, 3.0),
        ),
        ("samples == 0", Condition(Plain.SAMPLES, Operator.EQ, 0.0)),
        ("rate < 0.5/min", Condition(Plain.RATE, Operator.LT, 0.5)),
        ("rate < 0.5", Condition(Plain.RATE, Operator.LT, 0.5)),
        ("coverage <= 100%", Condition(Plain.COVERAGE, Operator.LE, 1.0)),
        (
            "latency.p90.5 > 1s",
            Condition(Measured(Measure.LATENCY, Percentile(905)), Operator.GT, 1.0),
        ),
        ("latency.min > 1s", Condition(Measured(Measure.LATENCY, Statistic.MIN), Operator.GT, 1.0)),
        (
            "failures(provider) of last 5 >= 3",
            Condition(Counted(Count.FAILURES, (Fault.PROVIDER,), 5), Operator.GE, 3.0),
        ),
        ("cost > 3 USD/h", Condition(Plain.COST, Operator.GT, 3.0)),
        ("cost > 72 USD/d", Condition(Plain.COST, Operator.GT, 3.0)),
        ("no_data", Condition(Plain.NO_DATA, Operator.EQ, 1.0)),
        ("latency.p95 is anomalous", Condition(Anomalous(P95), Operator.EQ, 1.0)),
        ("not no_data", Not(NO_DATA)),
        ("no_data and no_data or no_data", Or((And((NO_DATA, NO_DATA)), NO_DATA))),
        ("no_data and (no_data or not no_data)", And((NO_DATA, Or((NO_DATA, Not(NO_DATA)))))),
        ("latency.p95 > latency.p50", Relation(P95, Operator.GT, 1.0, P50)),
        (
            "latency.p95 > 2 * latency.p50 of {provider: a|b*, model=gpt-4o}",
            Relation(
                P95,
                Operator.GT,
                2.0,
                P50,
                Match((("model", ("gpt-4o",)), ("provider", ("a", "b*")))),
            ),
        ),
    ],
)
def test_reads(text: str, expected: Expression) -> None:
    """Each form of the grammar reads as the condition it names, blanks aside."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 0, "expected a metric"),
        ("5s < latency.p95", 0, "expected a metric"),
        ("Latency.p95 > 5s", 0, "not 'Latency'"),
        ("latency > 5s", 8, "expected .p50 to .p99.9"),
        ("latency.p42 > 5s", 8, "expected .p50 to .p99.9"),
        ("latency.p99.95 > 5s", 12, "expected one digit"),
        ("latency.p95", 11, "not the end"),
        ("latency.p95 => 5s", 12, "expected one of >"),
        ("latency.p95 != 5s", 12, "expected one of >"),
        ("latency.p95 > ", 14, "expected a duration"),
        ("latency.p95 > 5", 15, "needs a unit"),
        ("latency.p95 > 5%", 15, "needs a unit"),
        ("latency.p95 > 5 weeks", 16, "needs a unit"),
        ("latency.p95 > 1e3s", 15, "needs a unit"),
        ("latency.p95 > 30m1h", 18, "largest first"),
        ("latency.p95 > -5s", 14, "no number is negative"),
        ("latency.p95 > 5s 3", 18, "needs a unit"),
        ("latency.p95 > 5s ands rate > 2", 17, "expected the end of the condition, 'and' or 'or'"),
        ("error_rate > 5% for 5m", 16, "expected the end of the condition, 'and' or 'or'"),
        ("latency.p95 > 5s)", 16, "expected the end"),
        ("latency.p95 > 5\N{SUPERSCRIPT TWO}", 15, "unexpected character"),
        ("latency.p95 > 5s;", 16, "unexpected character"),
        ("error_rate > 5", 13, "between 0 and 1"),
        ("error_rate > 101%", 13, "between 0 and 1"),
        ("error_rate > five", 13, "expected a ratio"),
        ("error_rate() > 5%", 11, "expected one of provider"),
        ("error_rate(none) > 5%", 11, "expected one of provider"),
        ("error_rate(monitor) > 5%", 11, "expected one of provider"),
        ("error_rate(ok) > 5%", 11, "expected one of provider"),
        ("error_rate(provider network) > 5%", 20, "expected ',' or ')'"),
        ("error_rate(provider, provider) > 5%", 21, "named twice"),
        ("error_rate(provider, timeout) > 5%", 21, "cannot be mixed"),
        ("failures > 2.5", 11, "whole number"),
        ("consecutive_failures(timeout) > 2", 21, "expected one of provider, account"),
        ("rate < 3/h", 9, "expected 'min'"),
        ("rate < x", 7, "expected a number"),
        ("samples > 9999999999999999", 10, "too large"),
        ("samples > " + "1" * 401, 10, "too long"),
        ("budget", 6, "expected one of .used, not the end"),
        ("budget.spent > 80%", 7, "expected one of .used, not 'spent'"),
        ("budget.used > 8", 14, "between 0 and 1"),
        ("budget.used", 11, "expected one of >"),
        ("rate_limit.remaining < 10%", 11, "expected one of .headroom"),
        ("status_page.agrees", 12, "expected one of .disagrees"),
        ("status_page.disagrees > 0", 22, "is so or not: write it alone, or == 0, not '>'"),
        ("egress.failing == 2", 18, "is so or not"),
        ("egress.failing ==", 17, "is so or not"),
        ("egress.failing == 1 1", 20, "expected the end"),
        ("drift.events > 1.5", 15, "whole number"),
        ("retirement.days < -1", 18, "no number is negative"),
        ("retirement.days < 30h", 20, "a number of days: write 30 or 30d"),
        ("availability < 99%", 0, "expected a metric"),
        ("latency.p95 * 2 > 5s", 12, "expected one of >"),
        ("latency.p95 > 5s + 1s", 17, "expected the end"),
        ("latency.p49 > 5s", 8, "expected .p50 to .p99.9"),
        ("latency.x95 > 5s", 8, "expected .p50 to .p99.9"),
        ("error_rate > 5s", 14, "a ratio: write 5% or 0.05"),
        ("samples > 5%", 11, "a count: write a whole number"),
        ("rate > 5 h", 9, "a rate: write 0.5 or 0.5/min"),
        ("tokens_per_s.p50 < 5 tokens/h", 28, "expected 's'"),
        ("cost > 3", 8, "write 3 USD/h or 70 USD/d"),
        ("cost > 3 EUR/h", 9, "write 3 USD/h or 70 USD/d"),
        ("cost > 3 USD/min", 13, "write 3 USD/h or 70 USD/d"),
        ("failures of last 0 >= 3", 17, "between 1 and 64"),
        ("failures of last 65 >= 3", 17, "between 1 and 64"),
        ("failures of last 1.5 >= 3", 17, "whole number"),
        ("failures(timeout) of last 5 >= 3", 8, "the faults alone"),
        ("failures of most", 9, "expected one of >"),
        ("samples is anomalous", 0, "nobody knows what is usual for samples"),
        ("failures of last 5 is anomalous", 0, "nobody knows what is usual"),
        ("rate > 1 and latency.mean is anomalous", 13, "of percentiles alone it is known"),
        ("error_rate is anomalous", 0, "of percentiles alone it is known"),
        ("latency.p95 is odd", 15, "expected 'anomalous'"),
        ("burn_rate(1h, 5m) > 14.4", 0, "add slo:"),
        ("no_data > 1", 8, "is so or not"),
        ("latency.p95 > 5s and", 20, "expected a metric"),
        ("latency.p95 > 5s or or", 20, "expected a metric"),
        ("not", 3, "expected a metric"),
        ("(samples > 1", 12, "expected ')'"),
        ("not " * 17 + "no_data", 64, "nested more than 16 deep"),
        ("(" * 17 + "no_data" + ")" * 17, 16, "nested more than 16 deep"),
        (" and ".join(["no_data"] * 33), 384, "more than 32 comparisons"),
        (" " * 2001, 2000, "longer than 2000"),
        ("latency.p95 > 2 * 5s", 18, "expected a metric"),
        ("latency.p95 > 0 * latency.p50", 14, "a factor above 0"),
        ("latency.p95 > 2 * error_rate", 18, "not of one kind"),
        ("budget.used > error_rate", 14, "only figures of windows"),
        ("error_rate > 2 * budget.used", 17, "only figures of windows"),
        ("latency.p95 > latency.p95 of openai", 29, "expected a selection"),
        ("latency.p95 > latency.p95 of {model: x", 29, "closed by no '}'"),
        ("latency.p95 > latency.p95 of {}", 30, "expected NAME: PATTERN"),
        ("latency.p95 > latency.p95 of {model: a, model: b}", 39, "named twice"),
        ("baseline.ratio > 3s", 18, "write a number such as 2.5"),
    ],
)
def test_refuses(text: str, position: int, says: str) -> None:
    """What cannot be read is refused at its own character, with what was expected there."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.position == position
    assert says in caught.value.message
    assert str(caught.value) == caught.value.message


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("latency.p95 gt 5000ms", "latency.p95 > 5s"),
        ("latency.p95>0.5s", "latency.p95 > 500ms"),
        ("latency.p95 > 2m", "latency.p95 > 120s"),
        ("latency.p95 > 0s", "latency.p95 > 0s"),
        ("latency.p99.9 > 0.0000001s", "latency.p99.9 > 0.0001ms"),
        ("error_rate( provider,network )>0.05", "error_rate(provider, network) > 5%"),
        ("rate < 0.50/min", "rate < 0.5"),
        ("samples lte 100", "samples <= 100"),
        ("budget.used gte 1", "budget.used >= 100%"),
        ("rate_limit . headroom<0.1", "rate_limit.headroom < 10%"),
        ("retirement.days lt 30d", "retirement.days < 30"),
        ("drift.events > 0", "drift.events > 0"),
        ("baseline.ratio > 3.50", "baseline.ratio > 3.5"),
        ("egress.failing eq 1", "egress.failing"),
        ("egress.failing", "egress.failing"),
        ("status_page.disagrees == 0", "status_page.disagrees == 0"),
        ("cost > 72 USD/d", "cost > 3 USD/h"),
        ("tokens_per_s.p50 < 10 tokens/s", "tokens_per_s.p50 < 10"),
        ("retirement.days < 30 days", "retirement.days < 30"),
        ("retirement.days < 1 day", "retirement.days < 1"),
        ("((no_data) and ((no_data)))", "no_data and no_data"),
        ("(no_data and no_data) and no_data", "(no_data and no_data) and no_data"),
        ("(no_data or no_data) and no_data", "(no_data or no_data) and no_data"),
        ("(no_data and no_data) or no_data", "no_data and no_data or no_data"),
        ("not (no_data and no_data)", "not (no_data and no_data)"),
        ("latency.p95>1.0*latency.p50 of {model=a}", "latency.p95 > latency.p50 of {model: a}"),
        ("latency.p95 > 2.5*latency.p50", "latency.p95 > 2.5 * latency.p50"),
        ("latency.p99 is anomalous eq 0", "latency.p99 is anomalous == 0"),
    ],
)
def test_writes_canonical_text(text: str, canonical: str) -> None:
    """Conditions that mean the same are written the same, in the units people use."""
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("latency.p95 > 5s", 8.2, "8.2 s"),
        ("latency.p95 > 5s", 8.23456, "8.23 s"),
        ("latency.p95 > 5s", 1234.5, "1234 s"),
        ("latency.p95 > 5s", 0.0, "0 s"),
        ("inter_token.p50 > 5s", 0.04321, "43.2 ms"),
        ("error_rate > 5%", 0.12, "12 %"),
        ("error_rate > 5%", 1 / 3, "33.3 %"),
        ("coverage < 5%", 0.0, "0 %"),
        ("failures > 2", 3.0, "3"),
        ("samples > 2", 12345.0, "12345"),
        ("tokens_per_s.p50 < 10", 9.87654, "9.88 tokens/s"),
        ("rate < 1", 0.5, "0.5/min"),
        ("budget.used > 80%", 0.815, "81.5 %"),
        ("retirement.days < 30", 12.0, "12 days"),
        ("retirement.days < 30", 1.0, "1 day"),
        ("retirement.days < 30", -3.0, "-3 days"),
        ("baseline.ratio > 3", 3.456, "3.46 times"),
        ("drift.events > 0", 2.0, "2"),
        ("egress.failing", 1.0, "yes"),
        ("egress.failing", 0.0, "no"),
        ("cost > 1 USD/h", 3.14159, "3.14 USD/h"),
    ],
)
def test_shows_values_with_their_unit(metric: str, value: float, text: str) -> None:
    """A value is shown to three significant digits, never fewer than it has before the point."""
    assert format_value(parse(metric).metric, value) == text


def test_a_value_is_told_apart_from_its_threshold() -> None:
    """A breach by little shows the digits that make it one; without one, three digits do."""
    metric = parse("latency.p95 > 5s").metric
    assert format_value(metric, 5.0004, apart_from=5.0) == "5.0004 s"
    assert format_value(metric, 5.0, apart_from=5.0) == "5 s"
    assert format_value(metric, 8.2, apart_from=5.0) == "8.2 s"
    flag = parse("egress.failing").metric
    assert format_value(flag, 0.5, apart_from=1.0) == "yes"


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [
        (Operator.GT, False, False, True),
        (Operator.GE, False, True, True),
        (Operator.LT, True, False, False),
        (Operator.LE, True, True, False),
        (Operator.EQ, False, True, False),
    ],
)
def test_operators_compare(operator: Operator, below: bool, equal: bool, above: bool) -> None:
    """Each operator holds on the side it names and only there."""
    assert [operator.holds(value, 2.0) for value in (1.0, 2.0, 3.0)] == [below, equal, above]


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("burn_rate > 1", 10, "expected '('"),
        ("burn_rate(1h) > 1", 12, "expected ','"),
        ("burn_rate(1, 5m) > 1", 11, "such as 1h or 5m"),
        ("burn_rate(5m, 1h) > 1", 10, "there is burn_rate(1h, 5m), burn_rate(6h, 30m), "),
        ("burn_rate(2h, 10m) > 1", 10, "of other windows nobody counts it"),
        ("burn_rate(1h, 300500ms) > 1", 10, "of other windows nobody counts it"),
        ("burn_rate(1h, 5m > 1", 17, "expected ')'"),
    ],
)
def test_windows_of_a_burn_rate(text: str, position: int, says: str) -> None:
    """There are two, of a pair that is counted: of another the rule would be unknown for ever."""
    with pytest.raises(ExpressionError) as caught:
        parse(text, "slo")
    assert (caught.value.position, says in caught.value.message) == (position, True)


def test_a_burn_rate_is_of_its_objective() -> None:
    """Which objective is no part of the text: it is said beside it."""
    condition = parse("burn_rate(60m, 300s) > 14.4", "chat")
    assert condition == Condition(BurnRate("chat", 3600, 300), Operator.GT, 14.4)
    assert str(condition) == "burn_rate(1h, 5m) > 14.4"
    assert str(parse("burn_rate(3d, 6h) > 1", "chat")) == "burn_rate(3d, 6h) > 1"


def test_selections_are_found_again() -> None:
    """Whoever finds that a selection hits nothing can point at it."""
    text = "rate < rate of {model: a} or rate > 2 * rate of {model: b}"
    assert selection_places(text) == (15, 47 + 1)


def test_the_metric_named_first_stands_for_all() -> None:
    """What has one line for a rule shows the first of its metrics."""
    for text in ("not no_data", "no_data and rate > 1", "no_data or rate > 1"):
        assert parse(text).metric is Plain.NO_DATA


@pytest.mark.parametrize("permille", [499, 1000])
def test_percentiles_lie_between_the_median_and_p99_9(permille: int) -> None:
    """What few samples can never say has no name."""
    with pytest.raises(ValueError, match="no percentile"):
        Percentile(permille)
