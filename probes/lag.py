"""How late this process has been, so that a result can say how far to trust it.

A task that asks to be woken every TICK_S notes by how much the loop missed it, so a probe can ask
what happened while it ran. A block that is going on (the tick is overdue when somebody asks) counts
as well. While a stream is being read the ticks come closer, since there milliseconds matter.

The garbage collector stops everything while it looks through all objects; its pauses are noted
apart, because then the cause is known.
"""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from probes.worst import Worst

TICK_S: Final = 0.01
"""A block of the loop is seen from this length on, and its length is known up to this much."""
CLOSE_TICK_S: Final = 0.002
"""The same while a stream is being read: five times the wake-ups, about 1 % of a core."""
NOTABLE_S: Final = 0.002
"""Lateness below this is ordinary jitter (epoll counts in whole milliseconds): not kept."""
PAUSES: Final = 10_000
"""Pauses of the collector that wait to be read; seconds' worth of the quickest ones."""


class LagMeter:
    """Watches one event loop and the collector. Times are on the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.collector = GcMeter()
        self._late = Worst()
        self._due: float | None = None
        self._watchers = 0

    async def run(self) -> None:
        """Tick, and listen to the collector, until cancelled."""
        with self.collector.watching():
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
        if self._due is not None and now - self._due >= NOTABLE_S:
            self._late.note(now - self._due, now)

    def worst_since(self, since: float, now: float | None = None) -> float:
        """Return the worst lateness in the time from `since` until now; 0.0 without any.

        A block counts from its beginning to its end, so one that was over before `since` does not
        and one that reached into it does.
        """
        worst_s = self._late.since(since)
        if self._due is not None:
            worst_s = max(worst_s, (time.monotonic() if now is None else now) - self._due)
        return worst_s


class GcMeter:
    """Notes how long each run of the garbage collector stopped this process.

    The collector runs in whatever thread and line allocates, one that holds a lock included, so
    what it calls only takes a note; the notes are read in the loop.
    https://docs.python.org/3/library/gc.html#gc.callbacks
    """

    def __init__(self) -> None:
        self._noted: deque[tuple[float, float]] = deque(maxlen=PAUSES)
        self._untold: deque[float] = deque(maxlen=PAUSES)
        self._pauses = Worst()
        self._began: float | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Listen to the collector for as long as the block runs."""
        gc.callbacks.append(self.hear)
        try:
            yield
        finally:
            gc.callbacks.remove(self.hear)

    def hear(self, phase: str, _info: Mapping[str, int]) -> None:
        """Take down that the collector starts or stops."""
        now = time.monotonic()
        if phase == "start":
            self._began = now
        elif self._began is not None:
            self._noted.append((now - self._began, now))
            self._began = None

    def worst_since(self, since: float) -> float:
        """Return the longest pause that was not over before `since`; 0.0 without any."""
        self._settle()
        return self._pauses.since(since)

    def untold(self) -> Iterator[float]:
        """Give out, once, each pause in seconds: for a histogram."""
        self._settle()
        while self._untold:
            yield self._untold.popleft()

    def _settle(self) -> None:
        while self._noted:
            pause_s, at = self._noted.popleft()
            self._pauses.note(pause_s, at)
            self._untold.append(pause_s)
