"""Whatever explains whatever: nobody hears of an end without a beginning, and no news is lost."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from alerting.engine import Engine, Identity, Snapshot, Transition
from alerting.expression import parse
from alerting.inhibition import ACCOUNT, LINGERS_S, MONITOR_EGRESS, Held, decide
from alerting.metric import Fact, Value
from alerting.rule import Rule, Subject
from alerting.series import Known
from alerting.state import Edge, Firing
from tests.unit.alerting.windows import CHAT, GROK

DRIFTS = parse("drift.events > 0")
RULES = (
    Rule(name=MONITOR_EGRESS, when=parse("egress.failing"), subject=Subject.LOCATION, hold_s=10.0),
    Rule(name=ACCOUNT, when=parse("budget.used > 50%"), subject=Subject.PROVIDER),
    Rule(name="Down", when=DRIFTS),
    Rule(name="ErrorRate", when=DRIFTS, hold_s=10.0, keep_firing_for_s=15.0),
    Rule(name="LowThroughput", when=DRIFTS),
    Rule(name="Mine", when=DRIFTS, hold_s=5.0),
)
"""Alerts by these names, over facts that can be set at will."""
FACTS = (
    (Fact.EGRESS_FAILING, ""),
    (Fact.BUDGET_USED, "openai"),
    (Fact.BUDGET_USED, "grok"),
    (Fact.DRIFT_EVENTS, CHAT.name),
    (Fact.DRIFT_EVENTS, GROK.name),
)
STEP_S = 30.0
QUIET = int(max(LINGERS_S.values()) / STEP_S) + 2
"""Steps after which nothing that lingers is held any more."""


class Listener:
    """Somebody who is told what an engine and the decisions leave of its news."""

    def __init__(self) -> None:
        self.engine = Engine(RULES, (CHAT, GROK), location="here")
        self.held: dict[Identity, Held] = {}
        self.told: dict[Identity, list[bool]] = {}
        self.now = 0.0

    def live(self, facts: Sequence[bool]) -> None:
        """Evaluate once, with these facts so or not."""
        self.now += STEP_S
        known: dict[Known, Value] = {fact: float(so) for fact, so in zip(FACTS, facts, strict=True)}
        news = self.engine.evaluate(Snapshot(self.now, {}, known))
        decision = decide(news, self.held, self.engine.states(), self.now)
        self.held = dict(decision.held)
        self._hear(decision.told)
        again = [self.engine.told_anew(each, self.now) for each in decision.released]
        self._hear([each for each in again if each is not None])

    def _hear(self, news: Sequence[Transition]) -> None:
        for each in news:
            if each.edge in (Edge.FIRED, Edge.RESOLVED):
                self.told.setdefault(each.identity, []).append(each.edge is Edge.FIRED)

    def fires(self) -> set[Identity]:
        """Return what fires."""
        return {each for each, state in self.engine.states().items() if isinstance(state, Firing)}

    def believes(self) -> set[Identity]:
        """Return what people take to be firing."""
        return {identity for identity, told in self.told.items() if told[-1]}


moments = st.lists(st.booleans(), min_size=len(FACTS), max_size=len(FACTS))


@given(st.lists(moments, max_size=40))
def test_people_are_never_told_of_an_end_alone(story: list[list[bool]]) -> None:
    """Of every alert people hear firing, resolved, firing… in turn, beginning with firing.

    What fires is either known to them or held back, at every moment.
    """
    listener = Listener()
    for facts in story:
        listener.live(facts)
        for told in listener.told.values():
            assert told == [number % 2 == 0 for number in range(len(told))]
        assert listener.fires() == listener.believes() | set(listener.held)
        assert not listener.believes() & set(listener.held)


@given(st.lists(moments, max_size=20), st.tuples(st.booleans(), st.booleans()))
def test_what_outlasts_its_explanations_is_told(
    story: list[list[bool]], lasting: tuple[bool, bool]
) -> None:
    """With our way out mended and every key accepted nothing that fires stays unknown for long."""
    listener = Listener()
    for facts in [*story, *[[False, False, False, *lasting]] * QUIET]:
        listener.live(facts)
    assert listener.held == {}
    assert listener.believes() == listener.fires()
    assert bool(listener.fires()) is any(lasting)
