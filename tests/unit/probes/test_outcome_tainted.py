"""When a latency is not believed for our own lateness."""

import pytest

from probes.outcome import TAINTING_LAG_S, TAINTING_RATIO, is_tainted
from probes.result import StampQuality


@pytest.mark.parametrize(
    ("stamps", "total_s", "loop_lag_s", "tainted"),
    [
        (StampQuality.USER, 0.2, TAINTING_LAG_S * 1.1, True),
        (StampQuality.USER, 0.2, TAINTING_LAG_S, False),
        (StampQuality.USER, 30.0, 30.0 * TAINTING_RATIO, False),
        (StampQuality.USER, 30.0, 31.0 * TAINTING_RATIO, True),
        (StampQuality.KERNEL, 0.2, 9.0, False),
        (StampQuality.NONE, 30.0, 9.0, False),
    ],
)
def test_only_our_own_clock_taints(
    stamps: StampQuality, total_s: float, loop_lag_s: float, tainted: bool
) -> None:
    """Only lateness that is notable beside a latency our own clock measured spoils it.

    The kernel's stamps hold whatever our loop did, and a deadline without an answer is exact.
    """
    assert is_tainted(stamps, total_s, loop_lag_s) is tainted
