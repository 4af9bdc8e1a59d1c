"""How a target does in one word, and which of two does worse. Pure."""

import math
from dataclasses import dataclass
from typing import Final, Literal

from alerting.rule import Severity

Level = Literal["down", "failing", "slow", "unknown", "ok"]

LEVELS: Final[tuple[Level, ...]] = ("down", "failing", "slow", "unknown", "ok")
"""The worst first."""

_LOUDNESS: Final = {severity: place for place, severity in enumerate(Severity, start=1)}
_STEPS_PER_DOUBLING: Final = 2
"""How finely latencies are told apart in the order: with every result they move a little, and rows
that change places all the time cannot be read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a target's level and place are decided by."""

    ok: bool | None
    """Whether the newest result is; None: there is none, or none that still tells of now."""
    loudest: Severity | None = None
    """Of the alerts that fire about it; None: none does."""
    error_rate: float | None = None
    p95_s: float | None = None


def level_of(seen: Seen) -> Level:
    """Return how a target does."""
    if seen.loudest is Severity.CRITICAL:
        return "down"
    if seen.ok is False:
        return "failing"
    if seen.loudest is Severity.WARNING:
        return "slow"
    return "unknown" if seen.ok is None else "ok"


def badness(seen: Seen) -> tuple[int, int, float, int]:
    """Return what to sort targets by, ascending: the worst come first."""
    return (
        LEVELS.index(level_of(seen)),
        0 if seen.loudest is None else -_LOUDNESS[seen.loudest],
        -round(seen.error_rate or 0.0, 2),
        -_step(seen.p95_s),
    )


def _step(p95_s: float | None) -> int:
    """Return on which step of a scale of ratios a latency lies; nothing known is the least."""
    return round(_STEPS_PER_DOUBLING * math.log2(max(p95_s or 0.0, 1e-6)))
