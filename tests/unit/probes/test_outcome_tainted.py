"""When a latency is not believed for our own lateness."""

import pytest

from probes.outcome import DEPARTURE_DOUBT_S, TAINTING_LAG_S, TAINTING_RATIO, is_tainted
from probes.result import StampQuality

KERNEL, USER, NONE = StampQuality.KERNEL, StampQuality.USER, StampQuality.NONE


@pytest.mark.parametrize(
    ("stamps", "departure_took_s", "total_s", "loop_lag_s", "tainted"),
    [
        (USER, 0.0, 0.2, TAINTING_LAG_S * 1.1, True),
        (USER, 0.0, 0.2, TAINTING_LAG_S, False),
        (USER, 0.0, 30.0, 30.0 * TAINTING_RATIO, False),
        (USER, 0.0, 30.0, 31.0 * TAINTING_RATIO, True),
        (KERNEL, 0.0, 0.2, 9.0, False),
        (KERNEL, DEPARTURE_DOUBT_S * 1.1, 30.0, 0.0, True),
        (USER, DEPARTURE_DOUBT_S * 1.1, 30.0, 0.0, True),
        (KERNEL, DEPARTURE_DOUBT_S, 0.2, 0.0, False),
        (NONE, DEPARTURE_DOUBT_S * 9.0, 30.0, 9.0, False),
    ],
)
def test_what_spoils_a_latency(
    stamps: StampQuality, departure_took_s: float, total_s: float, loop_lag_s: float, tainted: bool
) -> None:
    """Lateness that is notable beside what our own clock measured, or a stop while sending.

    The kernel's stamps hold whatever our loop did, and a deadline without an answer is exact.
    """
    assert is_tainted(stamps, departure_took_s, total_s, loop_lag_s) is tainted


@pytest.mark.parametrize(
    ("stamps", "opening_lag_s", "end_is_doubtful", "tainted"),
    [
        (KERNEL, TAINTING_LAG_S * 1.1, False, True),
        (KERNEL, TAINTING_LAG_S, False, False),
        (KERNEL, 0.0, True, True),
        (NONE, 9.0, True, False),
    ],
)
def test_what_spoils_a_latency_in_spite_of_stamps(
    stamps: StampQuality, opening_lag_s: float, end_is_doubtful: bool, tainted: bool
) -> None:
    """A connection timed by our own clock while we were late; an end that shares its stamp."""
    found = is_tainted(
        stamps, 0.0, 0.2, 9.0, opening_lag_s=opening_lag_s, end_is_doubtful=end_is_doubtful
    )
    assert found is tainted
