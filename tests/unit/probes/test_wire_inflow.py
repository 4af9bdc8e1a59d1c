"""Reads held against what the kernel says came in, told by hand."""

import struct

import pytest

from probes.wire.inflow import INFO_BYTES, Inflow, Look

OPEN, CLOSE_WAIT = 1, 8
ALONE = Look(at_once=True, hung_up=False)
SEVERAL = Look(at_once=False, hung_up=False)


def _info(came_bytes: int, segments: int, state: int = OPEN) -> bytes:
    return struct.pack("=B127xQ16xI", state, came_bytes, segments) + bytes(76)


def test_one_segment_for_each_read() -> None:
    """Whether each read was looked at or only the last of them."""
    inflow = Inflow()
    inflow.took(10)
    assert inflow.look(_info(10, 1)) == ALONE
    inflow.took(10)
    inflow.took(10)
    assert inflow.look(_info(30, 3)) == ALONE


def test_several_segments_in_a_read() -> None:
    """One of these reads took two: it may have been the last; the next one starts anew."""
    inflow = Inflow()
    inflow.took(10)
    inflow.took(10)
    assert inflow.look(_info(20, 3)) == SEVERAL
    inflow.took(10)
    assert inflow.look(_info(30, 4)) == ALONE


def test_a_segment_between_the_read_and_the_look() -> None:
    """It belongs to the next read, and what else that one took is not told."""
    inflow = Inflow()
    inflow.took(10)
    assert inflow.look(_info(15, 2)) == SEVERAL
    inflow.took(10)
    assert inflow.look(_info(20, 3)) == SEVERAL
    inflow.took(10)
    assert inflow.look(_info(30, 4)) == ALONE


def test_the_end_of_the_peer_counts() -> None:
    """The kernel gives its stamp to the bytes before it; it has no segment of data."""
    inflow = Inflow()
    inflow.took(10)

    assert inflow.look(_info(11, 1, CLOSE_WAIT)) == Look(at_once=False, hung_up=True)


@pytest.mark.parametrize(
    ("info", "hung_up"),
    [(b"", True), (bytes([OPEN]) + bytes(103), False), (bytes([CLOSE_WAIT]) + bytes(103), True)],
    ids=["nothing", "old-kernel", "old-kernel-at-the-end"],
)
def test_what_is_not_known_is_doubted(info: bytes, hung_up: bool) -> None:
    """Without the counters there may always have been several."""
    inflow = Inflow()
    inflow.took(10)

    assert len(info) < INFO_BYTES
    assert inflow.look(info) == Look(at_once=False, hung_up=hung_up)
