"""Steps and suspends, and what they mean for a result."""

import time

import pytest

from monitor.bearings import Bearings, marked
from monitor.clock import Clock, since_boot
from probes.result import Fault, Verdict
from tests.unit.aggregator.samples import result, timeout

HERE = Bearings(wall_s=1_700_000_000.0, asleep_s=40.0)
STEPPED = Bearings(HERE.wall_s - 3600.0, HERE.asleep_s)
SLEPT = Bearings(HERE.wall_s, HERE.asleep_s + 900.0)


def test_a_slow_drift_is_no_interruption() -> None:
    """What stays within a tenth of a second is told of nothing."""
    drifted = Bearings(HERE.wall_s + 0.09, HERE.asleep_s + 0.09)
    assert not drifted.stepped_since(HERE)
    assert not drifted.suspended_since(HERE)
    found = result()
    assert marked(found, HERE, drifted) is found


@pytest.mark.parametrize("step_s", [0.2, -0.2, 86_400.0, -86_400.0])
def test_a_step_marks_and_blames_nobody_else(step_s: float) -> None:
    """A step of the wall clock changes no verdict and no fault, only what statistics take."""
    failed = timeout(30.0, hint="ask them")
    found = marked(failed, HERE, Bearings(HERE.wall_s + step_s, HERE.asleep_s))
    assert (found.interrupted, found.latency_tainted) == (True, True)
    assert (found.verdict, found.fault, found.hint) == (
        Verdict.TIMEOUT,
        Fault.PROVIDER,
        "ask them",
    )


@pytest.mark.parametrize("verdict", [Verdict.TIMEOUT, Verdict.RESET, Verdict.CONNECT_ERROR])
def test_what_broke_while_we_slept_is_ours(verdict: Verdict) -> None:
    """A connection that died during a suspend says nothing of the provider."""
    found = marked(result(verdict=verdict, fault=Fault.PROVIDER), HERE, SLEPT)
    assert (found.fault, found.interrupted) == (Fault.MONITOR, True)
    assert "suspended" in found.hint


@pytest.mark.parametrize(
    ("verdict", "fault"),
    [
        (Verdict.OK, Fault.NONE),
        (Verdict.SERVER_ERROR, Fault.PROVIDER),
        (Verdict.AUTH, Fault.ACCOUNT),
    ],
)
def test_what_they_answered_stays_theirs(verdict: Verdict, fault: Fault) -> None:
    """An answer is an answer, however long we were away; only its time is not believed."""
    found = marked(result(verdict=verdict, fault=fault), HERE, SLEPT)
    assert (found.verdict, found.fault, found.latency_tainted) == (verdict, fault, True)
    assert found.hint == ""


def test_the_clock_counts_steps_and_suspends_apart() -> None:
    """A suspend is no step, though the wall clock jumps in both; each look counts what is new."""
    wall, monotonic, boot = [1_700_000_000.0], [50.0], [90.0]
    clock = Clock(lambda: wall[0], lambda: monotonic[0], lambda: boot[0])
    assert clock.stepped() is None
    wall[0] += 900.0
    boot[0] += 900.0
    assert clock.stepped() == pytest.approx(900.0)
    assert (clock.steps, clock.suspends) == (0, 1)
    wall[0] -= 3600.0
    assert clock.stepped() == pytest.approx(-3600.0)
    wall[0] += 0.5
    assert clock.stepped() is None
    assert (clock.steps, clock.suspends) == (2, 1)


def test_the_system_clocks_stand_still_to_each_other() -> None:
    """Real clocks, read one after the other, show no interruption; ours start from boot."""
    clock = Clock()
    before = clock.bearings()
    found = result()
    assert marked(found, before, clock.bearings()) is found
    assert since_boot() >= time.monotonic() - 0.001
