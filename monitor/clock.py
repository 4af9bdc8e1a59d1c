"""The one place that reads clocks.

Three times are kept apart. *Wall* time names things: slots, log lines, message times; it may step.
*Monotonic* time measures durations. *Steady* time is the wall time at start plus what has passed
on the monotonic clock since: it reads like wall time but never steps, so windows and holds live
on it and a corrected clock can neither fire an alert nor resolve one.
"""

import time
from collections.abc import Callable
from typing import Final

STEP_TOLERANCE_S: Final = 2.0
"""Wall and monotonic clock may drift apart this much between two looks before we call it a step:
far above what NTP slews in a second, far below the shortest hold anyone configures."""


class Clock:
    """Wall, monotonic and steady time of one process."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wall = wall
        """Seconds since the epoch; may step."""
        self.monotonic = monotonic
        """Seconds since an unknown moment; never steps."""
        self._started = wall() - monotonic()
        self._offset_s = self._started

    def steady(self) -> float:
        """Return wall time as it was at start plus the monotonic time since."""
        return self._started + self.monotonic()

    def stepped(self) -> float | None:
        """Return by how many seconds the wall clock stepped since the last look, or None.

        A suspended machine looks like a step forward: the monotonic clock stood still meanwhile.
        """
        offset_s = self.wall() - self.monotonic()
        step_s = offset_s - self._offset_s
        self._offset_s = offset_s
        return step_s if abs(step_s) > STEP_TOLERANCE_S else None
