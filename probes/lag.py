"""How late this process's event loop has been, so that a result can say how far to trust it.

A task that asks to be woken every TICK_S notes by how much the loop missed it, so a probe can ask
what happened while it ran. A block that is going on (the tick is overdue when somebody asks) counts
as well. While a stream is being read the ticks come closer, since there milliseconds matter.

What can be asked is only the worst lateness since a moment. So an entry with a later and worse one
is never the answer, and is dropped: what is kept falls from the oldest to the newest, and the first
one after the moment is the worst.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

TICK_S: Final = 0.01
"""A block of the loop is seen from this length on, and its length is known up to this much."""
CLOSE_TICK_S: Final = 0.002
"""The same while a stream is being read: five times the wake-ups, about 1 % of a core."""
KEEP_S: Final = 300.0
"""How far back questions may go: longer than any deadline."""
NOTABLE_S: Final = 0.002
"""Lateness below this is ordinary jitter (epoll counts in whole milliseconds): not kept."""


class LagMeter:
    """Watches one event loop. Times are on the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._at: list[float] = []
        self._late_s: list[float] = []
        self._due: float | None = None
        self._watchers = 0

    async def run(self) -> None:
        """Tick until cancelled."""
        try:
            while True:
                tick_s = CLOSE_TICK_S if self._watchers else TICK_S
                self._due = time.monotonic() + tick_s
                await asyncio.sleep(tick_s)
                self.note(time.monotonic())
        finally:
            self._due = None

    @contextmanager
    def closely(self) -> Iterator[None]:
        """Watch more closely for as long as the block runs; from the next tick on."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    def note(self, now: float) -> None:
        """Take down how late the tick that was due came."""
        if self._due is None:
            return
        late_s = now - self._due
        if late_s < NOTABLE_S:
            return
        while self._late_s and self._late_s[-1] <= late_s:
            self._late_s.pop()
            self._at.pop()
        old = bisect_left(self._at, now - KEEP_S)
        del self._at[:old], self._late_s[:old]
        self._at.append(now)
        self._late_s.append(late_s)

    def worst_since(self, since: float, now: float | None = None) -> float:
        """Return the worst lateness in the time from `since` until now; 0.0 without any.

        A block counts from its beginning to its end, so one that was over before `since` does not
        and one that reached into it does.
        """
        first = bisect_left(self._at, since)
        worst_s = self._late_s[first] if first < len(self._at) else 0.0
        if self._due is not None:
            worst_s = max(worst_s, (time.monotonic() if now is None else now) - self._due)
        return worst_s
