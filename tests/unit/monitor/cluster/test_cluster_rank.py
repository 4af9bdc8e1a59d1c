"""Who claims first: the ranking, and how long to leave a slot to others."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cluster.rank import (
    BUSY_S,
    HINDERED_S,
    RANK_S,
    early_s,
    head_start_s,
    patience_s,
    rank,
)

NAMES = st.frozensets(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=6)


@given(NAMES, st.text(max_size=8))
def test_each_rank_is_one_replicas(names: frozenset[str], target: str) -> None:
    """All agree: of each target one is first, one second, and so on."""
    assert sorted(rank(target, name, names) for name in names) == list(range(len(names)))


@given(NAMES, st.text(max_size=8))
def test_one_that_goes_moves_only_its_own(names: frozenset[str], target: str) -> None:
    """Who was first stays first, unless it is the one that went."""
    gone = min(names)
    first = next(name for name in names if rank(target, name, names) == 0)
    for name in names - {gone}:
        if first != gone:
            assert (rank(target, name, names - {gone}) == 0) == (name == first)


def test_targets_are_divided_evenly() -> None:
    """Each of three has about a third of them."""
    names = frozenset("abc")
    firsts = Counter(name for n in range(3000) for name in names if rank(f"t{n}", name, names) == 0)
    assert all(900 < count < 1100 for count in firsts.values())


def test_one_that_nobody_heard_of_ranks_itself() -> None:
    """Before the first heartbeat, and while Redis is away, it is alone, so it is first."""
    assert rank("t", "a", frozenset()) == 0


@pytest.mark.parametrize(
    ("place", "load_ratio", "hindered", "expected"),
    [
        (0, 0.0, False, 0.0),
        (2, 0.0, False, 2 * RANK_S),
        (0, 0.25, False, 0.0),
        (0, 0.625, False, BUSY_S / 2),
        (0, 9.0, False, BUSY_S),
        (0, -1.0, False, 0.0),
        (1, 1.0, True, RANK_S + BUSY_S + HINDERED_S),
        (9, 9.0, True, 0.5),
    ],
)
def test_head_starts(place: int, load_ratio: float, hindered: bool, expected: float) -> None:
    """By rank, by how busy we are, by whether our way out fails; never longer than allowed."""
    found = head_start_s(place, load_ratio, 0.5, hindered=hindered)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ahead_s", "interval_s", "expected"),
    [(0.004, 60.0, 0.0), (-3.0, 60.0, 0.0), (0.3, 60.0, 0.3), (9.0, 60.0, 2.0), (9.0, 2.0, 0.5)],
)
def test_clocks_apart(ahead_s: float, interval_s: float, expected: float) -> None:
    """Who is ahead waits for the slowest, within reason."""
    assert early_s(ahead_s, interval_s) == expected


@given(st.lists(st.floats(0.0, 3.0), max_size=5))
def test_patience_outlasts_every_head_start(loads: list[float]) -> None:
    """Whoever would probe a slot has asked for it by then."""
    most_s = patience_s(loads)
    for place, load in enumerate(loads):
        assert head_start_s(place, load, 10.0) <= most_s
