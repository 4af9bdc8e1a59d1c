"""The selector that counts in microseconds, over pipes."""

import os
import resource
import selectors
from collections.abc import Iterator

import pytest

from probes.punctual import PunctualSelector

SELECT_LIMIT = 1024


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Open a pipe: the end to read, the end to write."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("timeout", [0, 0.0001, 30.0, None])
def test_what_is_ready_is_told_whatever_the_timeout(
    pipe: tuple[int, int], timeout: float | None
) -> None:
    """A wait ends with what became ready, and says which file and for what."""
    readable, writable = pipe
    with PunctualSelector() as selector:
        selector.register(readable, selectors.EVENT_READ, "data")
        os.write(writable, b"x")
        ((key, events),) = selector.select(timeout)
    assert (key.fd, key.data, events) == (readable, "data", selectors.EVENT_READ)


@pytest.mark.parametrize("timeout", [-1.0, 0, 0.0001])
def test_nothing_ready_is_nothing_told(pipe: tuple[int, int], timeout: float) -> None:
    """When the time is over without news the answer is empty."""
    with PunctualSelector() as selector:
        selector.register(pipe[0], selectors.EVENT_READ)
        assert selector.select(timeout) == []


def test_a_file_number_beyond_select_falls_back_to_epoll_alone(pipe: tuple[int, int]) -> None:
    """In a process that has a thousand files open already it waits as the stock selector does."""
    readable, writable = pipe
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SELECT_LIMIT + 64
    if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
        pytest.fail(f"at most {before[1]} open files are allowed here: raise it (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, before[0]), before[1]))
    opened: list[int] = []
    try:
        while not opened or opened[-1] < SELECT_LIMIT:
            opened.append(os.dup(readable))
        with PunctualSelector() as selector:
            assert selector.fileno() >= SELECT_LIMIT
            selector.register(readable, selectors.EVENT_READ)
            assert selector.select(0.001) == []
            os.write(writable, b"x")
            assert [key.fd for key, _ in selector.select(30.0)] == [readable]
    finally:
        for number in opened:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
