"""A log nobody reads, or that cannot be written, holds up nothing."""

import os

from monitor.stderr import LINES_WAITING, Stderr


def test_what_is_written_arrives_in_order() -> None:
    """A reader that reads gets every line, whole and in order."""
    reader, writer = os.pipe()
    stderr = Stderr(writer)
    for number in range(100):
        stderr.write(f"line {number}\n")
    stderr.settle(5.0)
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert lines.read().splitlines() == [f"line {number}" for number in range(100)]
    assert stderr.dropped == 0


def test_a_reader_that_stalls_costs_lines_and_nothing_else() -> None:
    """A full pipe blocks the thread alone: writing returns, and what does not fit is counted."""
    reader, writer = os.pipe()
    stderr = Stderr(writer)
    for _ in range(LINES_WAITING + 2_000):
        stderr.write("x" * 199 + "\n")
    stderr.settle(0.05)
    assert stderr.dropped > 0
    os.close(reader)  # lets the thread go on: every further write fails
    stderr.settle(5.0)


def test_a_full_disk_is_no_error() -> None:
    """A write that fails is a dropped line, not an exception in whoever logs."""
    full = os.open("/dev/full", os.O_WRONLY)
    stderr = Stderr(full)
    stderr.write("lost\n")
    stderr.settle(5.0)
    os.close(full)
    assert stderr.dropped == 1


def test_without_standard_error_lines_go_nowhere() -> None:
    """A process started with a closed stderr runs all the same."""
    stderr = Stderr(-1)
    stderr.write("nobody\n")
    stderr.settle(5.0)
    assert stderr.dropped == 1
    stderr.flush()
