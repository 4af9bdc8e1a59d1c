"""An engine that passes over what did not change says what one that looks at everything says."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from aggregator.summary import Summary
from alerting.engine import Engine, Snapshot
from alerting.expression import parse
from alerting.metric import Fact, Value
from alerting.rule import Rule, Subject
from alerting.series import Known
from probes.result import Fault
from tests.unit.alerting.windows import CHAT, GROK, distribution

RULES = (
    Rule(name="Failing", when=parse("failures(provider) >= 2"), over_s=300.0, hold_s=10.0),
    Rule(name="Kept", when=parse("error_rate > 20%"), over_s=300.0, keep_firing_for_s=15.0),
    Rule(name="Slow", when=parse("latency.p95 > 5s"), over_s=300.0, min_failures=2, hold_s=5.0),
    Rule(name="Row", when=parse("consecutive_failures >= 2"), over_s=900.0),
    Rule(name="Covered", when=parse("coverage < 50%"), over_s=900.0, hold_s=5.0),
    Rule(name="Drift", when=parse("drift.events > 1"), hold_s=10.0),
    Rule(name="Near", when=parse("budget.used > 80%"), subject=Subject.PROVIDER),
    Rule(
        name="Cut",
        when=parse("egress.failing"),
        subject=Subject.LOCATION,
        hold_s=5.0,
        keep_firing_for_s=10.0,
    ),
)
FACTS = (
    (Fact.DRIFT_EVENTS, CHAT.name),
    (Fact.DRIFT_EVENTS, GROK.name),
    (Fact.BUDGET_USED, CHAT.provider),
    (Fact.EGRESS_FAILING, ""),
)
values = st.sampled_from([None, 0.0, 1.0, 2.0])
"""None: nobody knows the fact."""


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    """Any small window, an empty one among them."""
    good, bad, slow = (draw(st.integers(0, 5)) for _ in range(3))
    values = [1.0] * good + [9.0] * slow
    return Summary(
        over_s=300.0,
        n=good + bad,
        missed=draw(st.integers(0, 9)),
        by_fault={Fault.NONE: good, Fault.PROVIDER: bad},
        latency=distribution(values) if values else None,
        recent_faults=tuple(draw(st.lists(st.sampled_from([Fault.NONE, Fault.PROVIDER])))),
    )


@given(
    windows=st.lists(summaries(), min_size=1, max_size=3),
    moments=st.lists(
        st.tuples(
            st.lists(st.integers(0, 2), min_size=4, max_size=4),
            st.lists(values, min_size=len(FACTS), max_size=len(FACTS)),
        ),
        max_size=12,
    ),
)
def test_passing_over_changes_nothing(
    windows: list[Summary], moments: list[tuple[list[int], list[float | None]]]
) -> None:
    """The same transitions, states and alerts, whatever comes again as it was.

    The thorough engine is made to look by taking over its own states each time.
    """
    lazy, thorough = (Engine(RULES, (CHAT, GROK), location="here") for _ in range(2))
    for number, (picked, known) in enumerate(moments):
        now = 5.0 * number
        seen = [windows[index % len(windows)] for index in picked]
        facts: dict[Known, Value] = {
            fact: so for fact, so in zip(FACTS, known, strict=True) if so is not None
        }
        same = Snapshot(now, dict(zip(lazy.views, seen, strict=True)), facts)
        fresh = Snapshot(now, {view: replace(s) for view, s in same.summaries.items()}, facts)
        thorough.restore(thorough.states(), now, now)
        assert lazy.evaluate(same) == thorough.evaluate(fresh)
        assert lazy.states() == thorough.states()
        assert lazy.alerts() == thorough.alerts()
