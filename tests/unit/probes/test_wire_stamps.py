"""Stamps: carried over between clocks, tied to the bytes they brought."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.stamps import Arrival, Arrivals, Moment, arrival

BEFORE = Moment(monotonic=100.0, wall=1_700_000_000.0)


def _later(passed_s: float, step_s: float = 0.0) -> Moment:
    return Moment(BEFORE.monotonic + passed_s, BEFORE.wall + passed_s + step_s)


def _at(seconds: float) -> Arrival:
    return Arrival(seconds, kernel=True)


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


def test_a_byte_arrived_with_the_last_read_that_had_not_released_it() -> None:
    """Reads that release nothing (tickets, half records) are overruled by their successor."""
    reads = Arrivals()
    reads.note(0, _at(1.0))  # a ticket
    reads.note(0, _at(2.0))  # the head and 10 bytes
    reads.note(10, _at(3.0))  # half a record
    reads.note(10, _at(4.0))  # its other half: 5 bytes
    reads.note(15, _at(5.0))  # the end mark of the message: no bytes

    assert reads.split(0, 15) == [(10, _at(2.0)), (5, _at(4.0))]
    assert reads.last == _at(5.0)


def test_bytes_may_be_asked_for_piece_by_piece() -> None:
    """Asking in parts, across and inside reads, gives what asking once gives."""
    reads = Arrivals()
    for progress, moment in ((0, 1.0), (10, 2.0), (20, 3.0)):
        reads.note(progress, _at(moment))

    assert reads.split(0, 4) == [(4, _at(1.0))]
    assert reads.split(4, 12) == [(6, _at(1.0)), (2, _at(2.0))]
    assert reads.split(12, 30) == [(8, _at(2.0)), (10, _at(3.0))]
    assert reads.split(30, 30) == []


def test_without_reads_nothing_can_be_said() -> None:
    """Bytes that no read brought are a bug, not nothing: they must not disappear."""
    assert Arrivals().split(0, 0) == []
    with pytest.raises(LookupError):
        Arrivals().split(0, 5)


@given(
    sizes=st.lists(st.integers(0, 50), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_every_byte_gets_the_stamp_of_the_read_that_released_it(
    sizes: list[int], cuts: list[int]
) -> None:
    """Against an oracle that notes for each single byte which read released it."""
    reads, oracle = Arrivals(), list[float]()
    for number, size in enumerate(sizes):
        reads.note(len(oracle), _at(float(number)))
        oracle += [float(number)] * size
    bounds = sorted({0, len(oracle), *(cut for cut in cuts if cut < len(oracle))})

    found: list[float] = []
    for start, end in pairwise(bounds):
        for length, read in reads.split(start, end):
            found += [read.at] * length

    assert found == oracle
