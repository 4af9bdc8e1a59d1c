"""What is said of a rate limit, against what was seen."""

import pytest

from monitor.api.limits import agreement, headroom
from probes.result import RateLimit


def limit(most: int | None, left: int | None = None, reset_s: float | None = None) -> RateLimit:
    return RateLimit("requests", most, left, reset_s)


@pytest.mark.parametrize(
    ("said", "seen", "agrees"),
    [
        (limit(60), 60, "yes"),
        (limit(60), 54, "yes"),
        (limit(60), 132, "yes"),
        (limit(60), 53, "no"),
        (limit(60), 133, "no"),
        (limit(60), None, "unknown"),
        (None, 60, "unknown"),
        (limit(None), 60, "unknown"),
        (limit(0), 60, "unknown"),
        (limit(60, reset_s=91.0), 10, "unknown"),
        (limit(60, reset_s=60.0), 10, "no"),
    ],
)
def test_whether_both_fit(said: RateLimit | None, seen: int | None, agrees: str) -> None:
    """429s begin at N to 2 N a minute; nothing is said of limits that are not by the minute."""
    assert agreement(said, seen) == agrees


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (limit(60, 15), 0.25),
        (limit(60, 0), 0.0),
        (limit(60, 90), 1.0),
        (limit(60), None),
        (limit(None, 3), None),
        (limit(0, 0), None),
    ],
)
def test_what_is_left(said: RateLimit, left: float | None) -> None:
    """Never more than all of it, and unknown where the headers do not say."""
    assert headroom(said) == left
