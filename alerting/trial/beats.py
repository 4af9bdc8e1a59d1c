"""The moments at which rules are evaluated: a daemon's beat, counted from the beginning."""

import math
from dataclasses import dataclass
from typing import Final

_EARLY: Final = 1e-6
"""Of a beat: a moment this little behind one counts as at it. An evaluation too many changes
nothing, one too late would."""


@dataclass(frozen=True, slots=True)
class Beats:
    """Beat number k is at `start + k * every_s`; the last one lies before `end`. In seconds."""

    start: float
    every_s: float
    end: float

    def at(self, number: int) -> float:
        """Return the time of a beat."""
        return self.start + number * self.every_s

    def first_from(self, moment: float) -> int:
        """Return the first beat that is not before a moment; `count` when there is none."""
        if moment >= self.end:
            return self.count
        return max(0, math.ceil(max((moment - self.start) / self.every_s, 0.0) - _EARLY))

    @property
    def count(self) -> int:
        """How many beats there are."""
        return max(0, math.ceil((self.end - self.start) / self.every_s))
