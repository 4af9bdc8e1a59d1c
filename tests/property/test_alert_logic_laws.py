"""`and`, `or` and `not` keep Kleene's laws, whatever is joined and whatever is seen."""

from hypothesis import given
from hypothesis import strategies as st

from aggregator.summary import Summary
from alerting.condition import And, Condition, Expression, Not, Or
from alerting.evaluate import Seen, judge
from alerting.expression import Operator
from alerting.metric import Fact, Plain
from alerting.rule import Rule

WINDOW = Summary(over_s=900.0, n=5)
LEAVES: dict[bool | None, Expression] = {
    True: Condition(Plain.SAMPLES, Operator.GT, 1.0),
    False: Condition(Plain.SAMPLES, Operator.GT, 9.0),
    None: Condition(Fact.DRIFT_EVENTS, Operator.GT, 0.0),
}
ORDER = {False: 0, None: 1, True: 2}
truths = st.sampled_from([True, False, None])
expressions = st.recursive(
    st.sampled_from(list(LEAVES.values())),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


def truth(expression: Expression) -> bool | None:
    window = And((expression, LEAVES[True]))  # so that every rule looks at its window
    rule = Rule(name="R", when=window, over_s=900.0)
    return judge(rule, Seen(WINDOW), firing=False).breached


@given(st.lists(truths, min_size=2, max_size=5))
def test_and_is_the_least_and_or_the_greatest(values: list[bool | None]) -> None:
    """Of false < unknown < true."""
    parts = tuple(LEAVES[value] for value in values)
    assert truth(And(parts)) is min(values, key=lambda value: ORDER[value])
    assert truth(Or(parts)) is max(values, key=lambda value: ORDER[value])


@given(expressions, expressions)
def test_what_is_turned_round_twice_and_de_morgan(one: Expression, other: Expression) -> None:
    """Not not a is a; not (a and b) is not a or not b."""
    assert truth(Not(Not(one))) is truth(one)
    assert truth(Not(And((one, other)))) is truth(Or((Not(one), Not(other))))
    assert truth(Not(Or((one, other)))) is truth(And((Not(one), Not(other))))
