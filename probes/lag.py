"""How late this process's event loop has been, so that a result can say how far to trust it.

A task that asks to be woken every TICK_S notes by how much the loop missed it. The worst lateness
of each stretch of time is kept in a ring, so a probe can ask what happened while it ran. A block
that is going on (the tick is overdue when somebody asks) counts as well.
"""

import asyncio
import time
from collections import deque
from typing import Final

TICK_S: Final = 0.01
"""A block of the loop is seen from this length on, and its length is known up to this much."""
KEEP_S: Final = 300.0
"""How far back questions may go: longer than any deadline."""
NOTABLE_S: Final = 0.002
"""Lateness below this is ordinary jitter (epoll counts in whole milliseconds): not kept."""


class LagMeter:
    """Watches one event loop. Times are on the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=int(KEEP_S / TICK_S))
        self._due: float | None = None

    async def run(self) -> None:
        """Tick until cancelled."""
        try:
            while True:
                self._due = time.monotonic() + TICK_S
                await asyncio.sleep(TICK_S)
                self.note(time.monotonic())
        finally:
            self._due = None

    def note(self, now: float) -> None:
        """Take down how late the tick that was due came."""
        if self._due is None:
            return
        late_s = now - self._due
        if late_s >= NOTABLE_S:
            self._late.append((now, late_s))

    def worst_since(self, since: float, now: float | None = None) -> float:
        """Return the worst lateness in the time from `since` until now; 0.0 without any.

        A block counts from its beginning to its end, so one that was over before `since` does not
        and one that reached into it does.
        """
        worst_s = 0.0
        if self._due is not None:
            worst_s = max(0.0, (time.monotonic() if now is None else now) - self._due)
        for at, late_s in reversed(self._late):
            if at < since:
                break
            worst_s = max(worst_s, late_s)
        return worst_s
