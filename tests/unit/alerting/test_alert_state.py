"""The state machine: every transition by name."""

import pytest

from alerting.state import Edge, Firing, Inactive, Pending, Policy, State, shift, step

AT_ONCE = Policy()
PATIENT = Policy(hold_s=60.0, keep_firing_for_s=30.0)


@pytest.mark.parametrize(
    ("state", "breached", "now", "policy", "expected", "edge"),
    [
        (Inactive(), False, 5.0, PATIENT, Inactive(), None),
        (Inactive(), True, 5.0, PATIENT, Pending(5.0), Edge.PENDING),
        (Inactive(), True, 5.0, AT_ONCE, Firing(5.0, 5.0), Edge.FIRED),
        (Pending(0.0), True, 59.9, PATIENT, Pending(0.0), None),
        (Pending(0.0), True, 60.0, PATIENT, Firing(0.0, 60.0), Edge.FIRED),
        (Pending(0.0), False, 600.0, PATIENT, Inactive(), Edge.RESET),
        (Firing(0.0, 60.0), True, 70.0, PATIENT, Firing(0.0, 60.0), None),
        (Firing(0.0, 60.0), False, 70.0, AT_ONCE, Inactive(), Edge.RESOLVED),
        (Firing(0.0, 60.0), False, 70.0, PATIENT, Firing(0.0, 60.0, 70.0), Edge.CLEARING),
        (Firing(0.0, 60.0, 70.0), False, 99.9, PATIENT, Firing(0.0, 60.0, 70.0), None),
        (Firing(0.0, 60.0, 70.0), False, 100.0, PATIENT, Inactive(), Edge.RESOLVED),
        (Firing(0.0, 60.0, 70.0), True, 100.0, PATIENT, Firing(0.0, 60.0), Edge.RELAPSED),
    ],
)
def test_step(
    state: State,
    breached: bool,
    now: float,
    policy: Policy,
    expected: State,
    edge: Edge | None,
) -> None:
    """Each state goes where Prometheus would send it, and says why."""
    assert step(state, breached, now, policy) == (expected, edge)


@pytest.mark.parametrize("state", [Inactive(), Pending(0.0), Firing(0.0, 1.0), Firing(0, 1, 2)])
def test_unknown_is_inert(state: State) -> None:
    """No data neither fires, resets, resolves nor starts a wait, however late it is."""
    assert step(state, None, 1e9, AT_ONCE) == (state, None)


def test_time_that_goes_back_delays_but_does_not_strand() -> None:
    """A clock set back restarts the wait from there: nothing is early, nothing waits for ever."""
    state, edge = step(Pending(1000.0), True, 400.0, PATIENT)
    assert (state, edge) == (Pending(400.0), None)
    assert step(state, True, 460.0, PATIENT) == (Firing(400.0, 460.0), Edge.FIRED)
    state, edge = step(Firing(0.0, 60.0, 1000.0), False, 400.0, PATIENT)
    assert (state, edge) == (Firing(0.0, 60.0, 400.0), None)
    assert step(state, False, 430.0, PATIENT) == (Inactive(), Edge.RESOLVED)


@pytest.mark.parametrize(
    ("state", "shifted"),
    [
        (Inactive(), Inactive()),
        (Pending(100.0), Pending(150.0)),
        (Firing(100.0, 160.0), Firing(100.0, 160.0)),
        (Firing(100.0, 160.0, 200.0), Firing(100.0, 160.0, 250.0)),
    ],
)
def test_time_away_counts_towards_no_wait(state: State, shifted: State) -> None:
    """Downtime moves what is being waited for, and not when things happened."""
    assert shift(state, 50.0) == shifted
