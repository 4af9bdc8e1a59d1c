"""The state machine against what Prometheus' documentation says, told without a state.

An alert *fires* at a true evaluation whose unbroken run of true ones began at least the hold ago,
and *clears* at a false one whose unbroken run of false ones began at least `keep_firing_for` ago.
It is firing when the newest of these two events is a firing one, otherwise pending when the newest
evaluation is true. Unknown evaluations are as if they had not been made.

https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from hypothesis import given
from hypothesis import strategies as st

from alerting.state import Edge, Firing, Inactive, Pending, Policy, State, shift, step

Evaluations = list[tuple[int, bool | None]]

waits = st.sampled_from([0, 1, 5, 30, 60])
policies = st.builds(Policy, hold_s=waits, keep_firing_for_s=waits)
breaches = st.sampled_from([True, True, True, False, False, None])
gaps = st.sampled_from([0, 1, 5, 15, 30])


@st.composite
def evaluations(draw: st.DrawFn) -> Evaluations:
    """Draw evaluations at times that never go back."""
    now, made = 0, []
    for gap, breached in draw(st.lists(st.tuples(gaps, breaches), max_size=40)):
        now += gap
        made.append((now, breached))
    return made


def expected(made: Evaluations, policy: Policy) -> type[State]:
    """Say where an alert stands after these evaluations."""
    known = [(now, breached) for now, breached in made if breached is not None]
    if not known:
        return Inactive
    decided = None
    for index, (now, breached) in enumerate(known):
        before = [i for i in range(index) if known[i][1] is not breached]
        run_began = known[before[-1] + 1 if before else 0][0]
        wait_s = policy.hold_s if breached else policy.keep_firing_for_s
        if now - run_began >= wait_s:
            decided = breached
    if decided:
        return Firing
    return Pending if known[-1][1] else Inactive


@given(evaluations(), policies)
def test_states_are_those_of_prometheus(made: Evaluations, policy: Policy) -> None:
    """After every prefix of any history the machine stands where the documentation says."""
    state: State = Inactive()
    for index, (now, breached) in enumerate(made):
        state, _ = step(state, breached, now, policy)
        assert type(state) is expected(made[: index + 1], policy)


@given(evaluations(), policies)
def test_every_change_has_a_reason_and_no_reason_comes_without_one(
    made: Evaluations, policy: Policy
) -> None:
    """An edge is given exactly when the alert moved or a wait began or ended, and fits the move."""
    moves = {
        (Inactive, Pending): {Edge.PENDING},
        (Inactive, Firing): {Edge.FIRED},
        (Pending, Inactive): {Edge.RESET},
        (Pending, Firing): {Edge.FIRED},
        (Firing, Inactive): {Edge.RESOLVED},
        (Firing, Firing): {Edge.CLEARING, Edge.RELAPSED},
    }
    state: State = Inactive()
    for now, breached in made:
        after, edge = step(state, breached, now, policy)
        assert (edge is None) == (after == state)
        assert edge is None or edge in moves[type(state), type(after)]
        state = after


@given(
    st.lists(st.tuples(st.integers(-100, 100), breaches), max_size=30),
    st.sampled_from([Policy(60, 60), Policy(60, 0), Policy(0, 60)]),
)
def test_a_clock_that_steps_is_never_early(
    moves: list[tuple[int, bool | None]], policy: Policy
) -> None:
    """However the clock is moved, no wait ends before its evaluations span it on that clock.

    The time between the earliest and the latest reading in a run is the most the clock can claim
    to have seen of it.
    """
    state: State = Inactive()
    now, run = 0, []
    value: bool | None = None
    for by, breached in moves:
        now += by
        if breached is not None:
            run = [*run, now] if breached is value else [now]
            value = breached
        state, edge = step(state, breached, now, policy)
        if edge is Edge.FIRED:
            assert max(run) - min(run) >= policy.hold_s
        if edge is Edge.RESOLVED:
            assert max(run) - min(run) >= policy.keep_firing_for_s


@given(evaluations(), evaluations(), policies, st.integers(-(10**6), 10**6))
def test_a_restart_changes_nothing_but_the_clock(
    before: Evaluations, after: Evaluations, policy: Policy, away_s: int
) -> None:
    """Shifted by the time away, a state goes on as if nobody had been away."""
    stayed: State = Inactive()
    for now, breached in before:
        stayed, _ = step(stayed, breached, now, policy)
    saved_at = before[-1][0] if before else 0
    left = shift(stayed, away_s)
    for now, breached in after:
        stayed, stayed_edge = step(stayed, breached, saved_at + now, policy)
        left, left_edge = step(left, breached, saved_at + away_s + now, policy)
        assert (type(left), left_edge) == (type(stayed), stayed_edge)
