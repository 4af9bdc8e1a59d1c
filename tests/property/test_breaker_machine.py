"""The breaker under any order of slots, results, lost probes and time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitor.kindness.breaker import (
    CANARY_S,
    CLOSED,
    COOL_GROWTH,
    COOL_S,
    TRIAL_DEADLINES,
    Breaker,
    HalfOpen,
    Open,
    Trouble,
)
from probes.result import Fault, ProbeResult
from probes.target import Target
from tests.unit.monitor.kindness.attempts import found, hung, refused, target

TARGETS = tuple(target(name) for name in "abc")
LONGEST_S = max(COOL_S * COOL_GROWTH, CANARY_S)
NEEDED = 3


class Key(RuleBasedStateMachine):
    """One key of three targets, whose slots come and whose probes end in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker(TARGETS, lambda _target: NEEDED)
        self.in_flight: set[str] = set()
        self.own_failures = dict.fromkeys("abc", 0)
        """Hard failures since the last answer."""
        self.trials = 0
        """Probes let through since it opened, or since the last of them was decided or lost."""

    @rule(which=st.sampled_from(TARGETS))
    def slot(self, which: Target) -> None:
        """A slot comes; its probe may be let through."""
        if which.name in self.in_flight:
            return
        before = self.breaker.state
        let_through = not self.breaker.refuses(which, self.now)
        if let_through:
            self.in_flight.add(which.name)
        if before is CLOSED:
            assert let_through
        elif let_through:
            assert isinstance(before, Open | HalfOpen)
            assert self.now >= before.until
            self.trials = 1 if isinstance(before, HalfOpen) else self.trials + 1
        assert self.trials <= 1

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), finds=st.sampled_from((found, hung, hung, hung, refused)))
    def end(self, data: st.DataObject, finds: object) -> None:
        """A probe ends."""
        name = data.draw(st.sampled_from(sorted(self.in_flight)))
        which = next(each for each in TARGETS if each.name == name)
        result: ProbeResult = finds(which)  # type: ignore[operator] # one of the three
        self.in_flight.discard(name)
        before = self.breaker.state
        self.breaker.learn(which, result, self.now)
        if result.fault is Fault.NONE:
            assert self.breaker.state is CLOSED
            self.own_failures = dict.fromkeys("abc", 0)
        elif result.fault is Fault.PROVIDER:
            self.own_failures[name] += 1
        if self.breaker.state is not before:
            self.trials = 0
        if before is CLOSED and isinstance(self.breaker.state, Open):
            hard = self.breaker.state.trouble is Trouble.HARD
            assert not hard or min(self.own_failures.values()) >= NEEDED

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A probe is never heard of again."""
        self.in_flight.discard(data.draw(st.sampled_from(sorted(self.in_flight))))

    @rule(seconds=st.sampled_from((0.1, 30.0, 60.0, 120.0, 600.0)))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def open_reads_as_failing_and_ends(self) -> None:
        """A refused slot always has what it counts as, and no wait is beyond the longest."""
        state = self.breaker.state
        assert (self.breaker.failing is None) == (state is CLOSED)
        longest_s = (
            TRIAL_DEADLINES * TARGETS[0].deadline_s if isinstance(state, HalfOpen) else LONGEST_S
        )
        assert state is CLOSED or state.until <= self.now + longest_s  # type: ignore[union-attr]

    def teardown(self) -> None:
        """Once the provider is well, slots alone bring everything back."""
        for _ in range(40):
            self.now += 60.0
            for which in TARGETS:
                if not self.breaker.refuses(which, self.now):
                    self.breaker.learn(which, found(which), self.now)
        assert self.breaker.state is CLOSED


Key.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestBreaker = Key.TestCase
