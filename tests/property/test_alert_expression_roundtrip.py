"""Whatever the `when` language writes it reads back; whatever it is given, it answers."""

from hypothesis import given
from hypothesis import strategies as st

from alerting.burn import TIERS
from alerting.condition import And, Not, Or, Relation
from alerting.expression import Condition, Expression, ExpressionError, Operator, parse
from alerting.match import Match
from alerting.metric import (
    Anomalous,
    BurnRate,
    Count,
    Counted,
    Fact,
    Measure,
    Measured,
    Metric,
    Percentile,
    Plain,
    Statistic,
    Unit,
    unit_of,
)
from probes.result import Fault, Verdict

FAULTS = [fault for fault in Fault if fault not in (Fault.NONE, Fault.MONITOR)]
VERDICTS = [verdict for verdict in Verdict if verdict not in (Verdict.OK, Verdict.MONITOR_ERROR)]

faults = st.lists(st.sampled_from(FAULTS), unique=True).map(tuple)
verdicts = st.lists(st.sampled_from(VERDICTS), unique=True).map(tuple)
SLO = "chat"
pairs = st.sampled_from(TIERS)
percentiles = st.builds(Percentile, st.integers(500, 999))
statistics = st.sampled_from(Statistic) | percentiles
metrics: st.SearchStrategy[Metric] = st.one_of(
    st.builds(Measured, st.sampled_from(Measure), statistics),
    st.builds(
        Counted, st.sampled_from([Count.ERROR_RATE, Count.FAILURES]), st.one_of(faults, verdicts)
    ),
    st.builds(Counted, st.just(Count.CONSECUTIVE), faults),
    st.builds(Counted, st.just(Count.FAILURES), faults, st.integers(1, 64)),
    st.builds(Anomalous, st.builds(Measured, st.sampled_from(Measure), percentiles)),
    pairs.map(lambda tier: BurnRate(SLO, int(tier.long_s), int(tier.short_s))),
    st.sampled_from(Plain),
    st.sampled_from(Fact),
)


def thresholds(metric: Metric) -> st.SearchStrategy[float]:
    """Draw thresholds that make sense for a metric."""
    match unit_of(metric):
        case Unit.RATIO:
            return st.floats(0, 1)
        case Unit.COUNT:
            return st.integers(0, 10**15).map(float)
        case Unit.FLAG:
            return st.sampled_from([0.0, 1.0])
        case _:
            return st.floats(0, 1e15)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """Draw any condition the language can say."""
    metric = draw(metrics)
    flag = unit_of(metric) is Unit.FLAG
    operator = Operator.EQ if flag else draw(st.sampled_from(Operator))
    return Condition(metric, operator, draw(thresholds(metric)))


patterns = st.text("ab-*.!", min_size=1, max_size=4)
matches = st.dictionaries(
    st.sampled_from(["model", "provider", "tier_1"]),
    st.lists(patterns, min_size=1, max_size=3).map(tuple),
    min_size=1,
).map(lambda fields: Match(tuple(sorted(fields.items()))))


@st.composite
def relations(draw: st.DrawFn) -> Relation:
    """Draw any comparison of two figures of windows."""
    one, other = (Measured(Measure.LATENCY, draw(statistics)) for _ in range(2))
    factor = draw(st.floats(1e-9, 1e9))
    return Relation(one, draw(st.sampled_from(Operator)), factor, other, draw(st.none() | matches))


def joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Join expressions by each of the words."""
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, several), st.builds(Or, several))


expressions = st.recursive(conditions() | relations(), joined, max_leaves=8)


@given(expressions)
def test_what_is_written_reads_back(expression: Expression) -> None:
    """The canonical text of an expression is the same expression, to the last digit."""
    assert parse(str(expression), SLO) == expression


@given(conditions(), st.data())
def test_blanks_mean_nothing(condition: Condition, data: st.DataObject) -> None:
    """Blanks around any punctuation leave the condition what it is."""
    text = str(condition)
    for mark in ("(", ")", ",", "%", " "):
        text = text.replace(mark, mark + data.draw(st.sampled_from(["", " ", "\t "])))
    assert parse(text, SLO) == condition


WORDS = list(map(str, (*Measure, *Statistic, *Count, *Plain, *Fault, *Operator)))
WORDS += [word for fact in Fact for word in fact.split(".")]
OTHERS = [".", "(", ")", ",", "%", "/", "5", "5s", "5%", "0.5", "and", "or", "not", "of", "last"]
OTHERS += ["min", "-", "is anomalous", "{model: a}", "{", "2 *"]
pieces = st.sampled_from([*WORDS, *OTHERS, " "])


@given(st.one_of(st.text(max_size=40), st.lists(pieces, max_size=12).map("".join)))
def test_any_text_is_answered(text: str) -> None:
    """Every text is a condition or an ExpressionError that points into it (or at its end)."""
    try:
        condition: Expression | ExpressionError = parse(text)
    except ExpressionError as error:
        condition = error
    if isinstance(condition, ExpressionError):
        assert 0 <= condition.position <= len(text)
        assert condition.message
    else:
        assert parse(str(condition)) == condition
