"""Stamps: carried over between clocks, believed only while that can be done."""

from probes.wire.stamps import Arrival, Moment, arrival

BEFORE = Moment(monotonic=100.0, wall=1_700_000_000.0)


def _later(passed_s: float, step_s: float = 0.0) -> Moment:
    return Moment(BEFORE.monotonic + passed_s, BEFORE.wall + passed_s + step_s)


def test_a_stamp_is_carried_over_by_its_age() -> None:
    """A packet stamped 200 ms before the read arrived 200 ms before it on the other clock."""
    read = arrival(BEFORE.wall + 0.3, _later(0.5), BEFORE)

    assert read.kernel
    assert abs(read.at - 100.3) < 1e-6
    assert abs(read.late_s - 0.2) < 1e-6


def test_without_a_stamp_the_read_itself_counts() -> None:
    """No stamp: the moment of the read, marked as ours."""
    assert arrival(None, _later(0.5), BEFORE) == Arrival(100.5, kernel=False)


def test_a_stamp_from_the_future_is_not_believed() -> None:
    """The wall clock was set back between arrival and read: the read counts."""
    assert arrival(BEFORE.wall + 0.6, _later(0.5), BEFORE) == Arrival(100.5, kernel=False)


def test_a_step_of_the_clock_is_noticed_in_both_directions() -> None:
    """Clocks that moved apart since the departure make every stamp doubtful."""
    for step_s in (-3600.0, -0.01, 0.01, 3600.0):
        now = _later(0.5, step_s)
        assert not arrival(now.wall - 0.001, now, BEFORE).kernel


def test_slewing_is_no_step() -> None:
    """A clock that is being slewed at the kernel's 500 ppm stays believed over a long probe."""
    now = _later(60.0, step_s=60.0 * 500e-6)

    assert arrival(now.wall - 0.001, now, BEFORE).kernel
