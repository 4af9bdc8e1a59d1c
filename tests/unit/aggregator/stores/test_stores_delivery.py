"""What follows from an answer: outcomes and waits."""

from itertools import pairwise

import pytest

from aggregator.stores.delivery import (
    FIRST_WAIT_S,
    LONGEST_RETRY_AFTER_S,
    LONGEST_WAIT_S,
    PEOPLES_WAIT_S,
    Destination,
    Outcome,
    WriteError,
    wait_s,
    words,
)


def waited(outcome: Outcome, attempt: int = 1, after_s: float | None = None) -> float:
    return wait_s(WriteError(outcome, "", after_s), attempt, "here")


def test_waits_double_up_to_a_bound() -> None:
    """From a second to half a minute, a quarter of each taken off at most."""
    full = [1, 2, 4, 8, 16, 30, 30, 30]
    for attempt, most in enumerate(full, start=1):
        assert 0.75 * most <= waited(Outcome.UNREACHABLE, attempt) <= most
    assert waited(Outcome.TIMEOUT, 10**9) <= LONGEST_WAIT_S
    assert all(a != b for a, b in pairwise(waited(Outcome.TIMEOUT, n) for n in range(7, 12)))


def test_replicas_do_not_come_back_as_one() -> None:
    """Two locations wait differently after the same failure."""
    failure = WriteError(Outcome.UNAVAILABLE, "")
    assert wait_s(failure, 6, "fra1") != wait_s(failure, 6, "nyc1")


@pytest.mark.parametrize("outcome", [Outcome.TOKEN, Outcome.BUCKET, Outcome.REJECTED])
def test_what_people_have_to_mend_is_tried_slowly(outcome: Outcome) -> None:
    """It will not mend itself, whatever the attempt."""
    assert waited(outcome) == waited(outcome, 9) == PEOPLES_WAIT_S


@pytest.mark.parametrize(
    ("said_s", "waited_s"), [(0.0, FIRST_WAIT_S), (90.0, 90.0), (1e6, LONGEST_RETRY_AFTER_S)]
)
def test_retry_after_is_believed_within_bounds(said_s: float, waited_s: float) -> None:
    """Never at once, and never until tomorrow."""
    assert waited(Outcome.THROTTLED, after_s=said_s) == waited_s


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_words(outcome: Outcome) -> None:
    """What goes wrong is said with the names of what it went wrong with."""
    told = words(outcome, Destination("http://x", "the-org", "the-bucket"))
    assert "{" not in told
    if outcome is Outcome.BUCKET:
        assert "'the-bucket'" in told
        assert "'the-org'" in told
