"""Rules of several locations: the answer is what every completion of the unknown votes says."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.summary import Summary
from alerting.engine import Engine, Snapshot
from alerting.expression import parse
from alerting.quorum import Quorum, agreed
from alerting.rule import Rule
from probes.result import Fault
from tests.unit.alerting.windows import CHAT

LOCATIONS = ("fra1", "iad1", "sin1")
SUMMARIES = tuple(
    Summary(over_s=300.0, n=5, by_fault={Fault.NONE: 5 - bad, Fault.PROVIDER: bad})
    for bad in (0, 1, 4)
)
VOTES = st.sampled_from((True, False, None))


@settings(deadline=None)
@given(st.lists(VOTES, min_size=1, max_size=6), st.data())
def test_what_is_unknown_decides_nothing(votes: list[bool | None], data: st.DataObject) -> None:
    """True or false only where no vote that is still unknown could make it the other."""
    quorum = Quorum(data.draw(st.integers(1, len(votes))), len(votes))
    options = [(True, False) if vote is None else (vote,) for vote in votes]
    outcomes = {sum(each) >= quorum.needed for each in product(*options)}
    expected = outcomes.pop() if len(outcomes) == 1 else None
    assert agreed(quorum, votes) is expected


@settings(deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from((0.0, 10.0)),
    st.lists(st.tuples(*[st.sampled_from((None, *SUMMARIES))] * 3), max_size=12),
)
def test_what_is_passed_over_would_have_said_the_same(
    needed: int, hold_s: float, moments: list[tuple[Summary | None, ...]]
) -> None:
    """An engine that forgets what was quiet, and asks each time, tells the same."""
    rule = Rule(
        name="R",
        when=parse("failures >= 2"),
        clear=parse("failures < 1"),
        over_s=300.0,
        hold_s=hold_s,
        keep_firing_for_s=hold_s,
        quorum=Quorum(needed, 3),
    )
    engine, asked = (
        Engine((rule,), (CHAT,), location="iad1", locations=LOCATIONS) for _ in range(2)
    )
    for number, moment in enumerate(moments):
        now = 5.0 * number
        seen = {v: s for v, s in zip(engine.views, moment, strict=True) if s is not None}
        asked.restore({}, now, None)  # forgets what was quiet, and no state
        told = [
            [(each.edge, each.votes, each.value) for each in one.evaluate(Snapshot(now, seen))]
            for one in (engine, asked)
        ]
        assert told[0] == told[1]
        assert engine.states() == asked.states()
