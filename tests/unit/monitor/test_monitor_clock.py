"""Wall, monotonic and steady time."""

import pytest

from monitor.clock import Clock


class Hands:
    """Two clocks a test turns by hand."""

    def __init__(self) -> None:
        self.wall_s = 1_700_000_000.0
        self.monotonic_s = 50.0

    def pass_(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> Clock:
    return Clock(lambda: hands.wall_s, lambda: hands.monotonic_s)


def test_steady_reads_like_wall_time_at_start(clock: Clock, hands: Hands) -> None:
    """At start, steady time is the wall time."""
    assert clock.steady() == pytest.approx(hands.wall_s)


def test_steady_does_not_follow_a_step(clock: Clock, hands: Hands) -> None:
    """A corrected wall clock moves no window and no hold."""
    before = clock.steady()
    hands.wall_s -= 86_400
    hands.pass_(10)
    assert clock.steady() == pytest.approx(before + 10)


@pytest.mark.parametrize("step_s", [86_400.0, -86_400.0, 2.5, -2.5])
def test_a_step_is_told_once(clock: Clock, hands: Hands, step_s: float) -> None:
    """A step is seen at the next look and is over at the one after."""
    hands.pass_(1)
    assert clock.stepped() is None
    hands.wall_s += step_s
    assert clock.stepped() == pytest.approx(step_s)
    hands.pass_(1)
    assert clock.stepped() is None


def test_slewing_is_not_a_step(clock: Clock, hands: Hands) -> None:
    """NTP may pull the wall clock gently for hours without anything being re-anchored."""
    for _ in range(7200):
        hands.pass_(1)
        hands.wall_s += 0.0005
        assert clock.stepped() is None
