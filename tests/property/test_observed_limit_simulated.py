"""The observed limit against limiters of every kind, whose limit the test draws.

Each grants N requests a minute in its own way. Whoever is refused asks again at random, and reads
no header.
"""

from collections import deque
from typing import Protocol

from hypothesis import given
from hypothesis import strategies as st

from aggregator.rate_limits import KeyLimits, LimitType
from probes.result import Fault, Verdict
from tests.unit.aggregator.samples import result


class Limiter(Protocol):
    def grants(self, at: float) -> bool:
        """Say whether a request at this time is granted."""


class SlidingLog:
    """At most N in any minute."""

    def __init__(self, limit: int) -> None:
        self._granted: deque[float] = deque(maxlen=limit)

    def grants(self, at: float) -> bool:
        full = len(self._granted) == self._granted.maxlen and self._granted[0] > at - 60.0
        if not full:
            self._granted.append(at)
        return not full


class FixedWindow:
    """At most N in each minute of the clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = -1
        self._granted = 0

    def grants(self, at: float) -> bool:
        if at // 60.0 != self._minute:
            self._minute, self._granted = int(at // 60.0), 0
        self._granted += 1
        return self._granted <= self._limit


class TokenBucket:
    """N at once, refilled at N a minute."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = float(limit)
        self._at = 0.0

    def grants(self, at: float) -> bool:
        self._left = min(self._limit, self._left + (at - self._at) * self._limit / 60.0)
        self._at = at
        granted = self._left >= 1.0
        self._left -= granted
        return granted


def inferred(limiter: Limiter, waits: list[float]) -> int | None:
    """Return what is observed of a limiter by who waits so between requests."""
    limits, now = KeyLimits(), 0.0
    for wait_s in waits:
        now += wait_s
        granted = limiter.grants(now)
        verdict, fault = (
            (Verdict.OK, Fault.NONE) if granted else (Verdict.THROTTLED, Fault.PROVIDER)
        )
        status = 200 if granted else 429
        limits.learn(result(verdict=verdict, fault=fault, status=status, total_s=0.0), now)
    return limits.observed(now).get(LimitType.REQUESTS)


hidden = st.integers(1, 40)
patterns = st.lists(st.floats(0.01, 1.0), min_size=20, max_size=40)


@given(hidden, patterns)
def test_a_sliding_log_is_found_out_exactly(limit: int, pattern: list[float]) -> None:
    """Any 429 at all gives the limit away."""
    found = inferred(SlidingLog(limit), pattern * 8)
    assert found in (None, limit)


@given(hidden, patterns)
def test_a_fixed_window_is_never_taken_for_less_than_it_is(
    limit: int, pattern: list[float]
) -> None:
    """And for twice as much at most."""
    found = inferred(FixedWindow(limit), pattern * 8)
    assert found is None or limit <= found <= 2 * limit


@given(hidden, patterns)
def test_a_bucket_is_never_taken_for_less_than_it_is(limit: int, pattern: list[float]) -> None:
    """And for twice as much at most: what it held and what came in."""
    found = inferred(TokenBucket(limit), pattern * 8)
    assert found is None or limit - 1 <= found <= 2 * limit


@given(hidden)
def test_steady_pressure_gives_any_limiter_away(limit: int) -> None:
    """Two minutes of asking half as often again as is granted: within one request."""
    waits = [60.0 / (1.5 * limit)] * (6 * limit)
    for limiter in (SlidingLog(limit), FixedWindow(limit), TokenBucket(limit)):
        found = inferred(limiter, waits)
        assert found is not None
        assert abs(found - limit) <= 1, type(limiter)
