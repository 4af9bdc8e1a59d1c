"""The one place that reads clocks.

Three times are kept apart. *Wall* time names things: slots, log lines, message times; it may step.
*Monotonic* time measures durations. *Steady* time is the wall time at start plus what has passed
on the monotonic clock since: it reads like wall time but never steps, so windows and holds live
on it and a corrected clock can neither fire an alert nor resolve one.
"""

import time
from collections.abc import Callable
from typing import Final

from monitor.bearings import Bearings

STEP_TOLERANCE_S: Final = 2.0
"""Wall and monotonic clock may drift apart this much between two looks before we call it a step:
far above what NTP slews in a second, far below the shortest hold anyone configures."""


def since_boot() -> float:
    """Return the seconds since boot, those suspended included; without them where unknown.

    Linux stops CLOCK_MONOTONIC while a machine is suspended, and not CLOCK_BOOTTIME:
    https://man7.org/linux/man-pages/man2/clock_gettime.2.html
    """
    return time.clock_gettime(_BOOTTIME) if _BOOTTIME is not None else time.monotonic()


_BOOTTIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux has it; elsewhere a suspend looks like a step of the wall clock."""


class Clock:
    """Wall, monotonic and steady time of one process."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        boottime: Callable[[], float] | None = None,
    ) -> None:
        """Take the system's clocks, or others; those have no suspend unless `boottime` tells it."""
        self.wall = wall
        """Seconds since the epoch; may step."""
        self.monotonic = monotonic
        """Seconds since an unknown moment; never steps."""
        usual = since_boot if monotonic is time.monotonic else monotonic
        self._boottime = boottime or usual
        self._started = wall() - monotonic()
        self._seen = self.bearings()
        self.steps = 0
        """How often the wall clock was stepped notably, as far as `stepped` saw."""
        self.suspends = 0
        """How often this machine was suspended, by the same looks."""

    def steady(self) -> float:
        """Return wall time as it was at start plus the monotonic time since."""
        return self._started + self.monotonic()

    def bearings(self) -> Bearings:
        """Return how the clocks stand to each other now."""
        boottime = self._boottime()
        return Bearings(self.wall() - boottime, boottime - self.monotonic())

    def stepped(self) -> float | None:
        """Return by how many seconds the wall clock stepped since the last look, or None.

        A suspended machine looks like a step forward: the monotonic clock stood still meanwhile.
        Counts what it sees; told is only what is beyond STEP_TOLERANCE_S.
        """
        now, before = self.bearings(), self._seen
        self._seen = now
        self.steps += now.stepped_since(before)
        self.suspends += now.suspended_since(before)
        step_s = now.wall_s - before.wall_s + now.asleep_s - before.asleep_s
        return step_s if abs(step_s) > STEP_TOLERANCE_S else None
