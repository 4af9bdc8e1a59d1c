"""How late this process has been, so that a result can say how far to trust it.

An event loop goes round in turns: it waits in the selector until something is ready, then runs
everything that is. What becomes ready during a turn waits for its end, so the length of a turn is
how late the loop may be; and a timer that should have ended the wait, and did so too late, tells of
a process that did not get its processor. Both are seen in the selector itself, exactly and for a
microsecond a turn, where a task that wakes up to look costs wake-ups and knows only about when.

The garbage collector stops everything while it looks through all objects; its pauses are noted
apart, because then the cause is known.
"""

import asyncio
import gc
import selectors
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from probes.punctual import PunctualSelector
from probes.worst import Worst

NOTABLE_S: Final = 0.002
"""Lateness below this is ordinary (epoll counts in whole milliseconds): not kept."""
PAUSES: Final = 10_000
"""Pauses of the collector that wait to be read; seconds' worth of the quickest ones."""

RESTED_S: Final = 0.02
"""A wait of this length was one: what is readable when it begins ends it within a time slice."""

_Ready = list[tuple[selectors.SelectorKey, int]]


class LagMeter:
    """Watches one event loop and the collector. Times are on the monotonic clock, in seconds.

    It knows of the loop whose selector it watches; without one it has nothing to tell.
    """

    def __init__(self) -> None:
        self.collector = GcMeter()
        self._late = Worst()
        self._turn_began: float | None = None
        self._turn_before_s = 0.0
        self._turn_ended = 0.0

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Return a loop that is watched: a factory for `asyncio.Runner`."""
        selector = PunctualSelector()
        self.watch(selector)
        return asyncio.SelectorEventLoop(selector)

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Take down each turn of the loop that waits in this selector."""
        wait = selector.select

        def select(timeout: float | None = None) -> _Ready:
            before = time.monotonic()
            self.turn_ended(before)
            ready = wait(timeout)
            now = time.monotonic()
            # Late is a wait that only its timer ended; what became ready could not be later.
            self.turn_began(now, now - before - timeout if timeout and not ready else 0.0)
            return ready

        selector.select = select  # type: ignore[method-assign] # of this one alone

    def turn_began(self, at: float, late_s: float) -> None:
        """Take down that a wait is over, so much later than it should have been."""
        self._turn_began = at
        if at - self._turn_ended > RESTED_S:
            self._turn_before_s = 0.0
        self._note(late_s, at)

    def turn_ended(self, at: float) -> None:
        """Take down that all that was ready has run."""
        if self._turn_began is not None:
            self._turn_before_s = at - self._turn_began
            self._note(self._turn_before_s, at)
            self._turn_began = None
            self._turn_ended = at

    def worst_since(self, since: float, now: float | None = None) -> float:
        """Return the worst lateness in the time from `since` until now; 0.0 without any.

        A turn counts from its beginning to its end, so one that was over before `since` does not
        and one that reached into it does; the one that is going on counts as far as it has come.
        """
        worst_s = self._late.since(since)
        if self._turn_began is not None:
            held_s = (time.monotonic() if now is None else now) - self._turn_began
            worst_s = max(worst_s, held_s if held_s >= NOTABLE_S else 0.0)
        return worst_s

    def unseen_s(self, now: float) -> float:
        """Return how long something may have lain in a socket, at most, that is read at `now`.

        What came during a turn is noticed behind it and read in the next one: that turn, unless a
        wait has passed since, and this one as far as it has come. 0.0 without a loop to watch.
        """
        return 0.0 if self._turn_began is None else self._turn_before_s + now - self._turn_began

    def _note(self, late_s: float, at: float) -> None:
        if late_s >= NOTABLE_S:
            self._late.note(late_s, at)


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
