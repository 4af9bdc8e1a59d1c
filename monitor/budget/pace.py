"""How much of their slots targets may have, so that what is left lasts until midnight. Pure.

Every target of a budget gets the same part of its slots, spread evenly over them: what the rest of
the day is expected to cost, against what is left for it. The part is worked out anew at each slot,
so it mends itself: an outage, in which every probe costs its whole reservation, makes it smaller,
and a cheap hour makes it larger again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_NEWEST_RATIO: Final = 0.2
"""How much the newest attempt counts in what the next is expected to cost: a change has come to
nine tenths of itself ten probes on."""
_GOLDEN: Final = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(slots=True)
class Pace:
    """What the targets of one budget are expected to spend."""

    _expected_nusd: dict[str, float] = field(default_factory=dict)
    """By target, once an attempt was made: the bound alone would be far too high a guess."""
    _demand_nusd_per_s: float = 0.0
    """The sum over all targets, kept up with each change: it is asked for at every slot."""

    def learn(self, target: str, interval_s: float, spent_nusd: float) -> None:
        """Take note of what a slot of a target cost that is due so often."""
        before_nusd = self._expected_nusd.get(target)
        if before_nusd is None:
            change_nusd = spent_nusd
        else:
            change_nusd = _NEWEST_RATIO * (spent_nusd - before_nusd)
        self._expected_nusd[target] = (before_nusd or 0.0) + change_nusd
        self._demand_nusd_per_s += change_nusd / interval_s

    def kept(self, intervals_s: Mapping[str, float]) -> "Pace":
        """Return what is known of these targets alone, due so often from now on."""
        known = {
            name: self._expected_nusd[name]
            for name in intervals_s.keys() & self._expected_nusd.keys()
        }
        return Pace(known, sum(nusd / intervals_s[name] for name, nusd in known.items()))

    def ratio(self, left_nusd: int, left_s: float) -> float:
        """Return the part of its slots a target may have, 0..1, with so much and so long left."""
        demand_nusd = self._demand_nusd_per_s * left_s
        if demand_nusd <= left_nusd:
            return 1.0
        # Nothing may be left before anything is expected: a cap that was lowered during the day.
        return left_nusd / demand_nusd if left_nusd > 0 else 0.0


def has_turn(number: int, ratio: float, start: float) -> bool:
    """Say whether the slot with this number is one of the part that a target may have.

    Multiples of the golden ratio fall evenly into 0..1 however many there are, so the part below
    any ratio is spread evenly over the slots. Nothing is remembered: replicas that reckon with
    slightly different ratios choose the same slots, but for few. `start` (0..1) is the target's
    own: without it all targets would be probed in the same minute and left out in the next.
    https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence
    """
    return (number * _GOLDEN + start) % 1.0 < ratio
