"""How a target does in one word, and which of two does worse."""

from itertools import pairwise

import pytest

from alerting.rule import Severity
from monitor.api.levels import LEVELS, Level, Seen, badness, level_of


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        (Seen(ok=True), "ok"),
        (Seen(ok=None), "unknown"),
        (Seen(ok=False), "failing"),
        (Seen(ok=True, loudest=Severity.INFO), "ok"),
        (Seen(ok=True, loudest=Severity.WARNING), "slow"),
        (Seen(ok=None, loudest=Severity.WARNING), "slow"),
        (Seen(ok=False, loudest=Severity.WARNING), "failing"),
        (Seen(ok=True, loudest=Severity.CRITICAL), "down"),
        (Seen(ok=None, loudest=Severity.CRITICAL), "down"),
    ],
)
def test_a_level(seen: Seen, level: Level) -> None:
    """A critical alert, a failed newest result, a warning, no result, and else ok."""
    assert level_of(seen) == level


def test_the_worst_come_first() -> None:
    """By level, then by how loud alerts are, failures, and latency; unknown figures are best."""
    ordered = [
        Seen(ok=True, loudest=Severity.CRITICAL),
        Seen(ok=False, loudest=Severity.WARNING),
        Seen(ok=False, error_rate=0.5),
        Seen(ok=False, error_rate=0.1),
        Seen(ok=True, loudest=Severity.WARNING),
        Seen(ok=None),
        Seen(ok=True, loudest=Severity.INFO),
        Seen(ok=True, error_rate=0.02, p95_s=0.1),
        Seen(ok=True, p95_s=8.0),
        Seen(ok=True, p95_s=2.0),
        Seen(ok=True),
    ]
    assert all(badness(worse) < badness(better) for worse, better in pairwise(ordered))
    levels = [LEVELS.index(level_of(seen)) for seen in ordered]
    assert levels == sorted(levels)


def test_rows_do_not_change_places_for_a_little() -> None:
    """A latency or an error rate that moves by a tenth leaves a target where it is."""
    seen = Seen(ok=True, error_rate=0.101, p95_s=2.0)
    assert badness(seen) == badness(Seen(ok=True, error_rate=0.104, p95_s=2.2))
    assert badness(seen) != badness(Seen(ok=True, error_rate=0.101, p95_s=4.0))
    assert badness(Seen(ok=True, p95_s=0.0)) == badness(Seen(ok=True))
