"""A deadline that is put off again and again.

Moving an `asyncio.Timeout` costs a new timer each time, and a stream moves its deadline with each
token. Here the timer stays where it is: when it goes off too early it is set again.
"""

import asyncio
from typing import Self


class Pace:
    """A second, moving deadline of a block that stands under an `asyncio.Timeout`.

    Used inside that block, as a context of its own. When it passes, the Timeout ends the block.
    """

    __slots__ = ("_loop", "_timeout", "_timer", "due", "expired")

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self.due: float | None = None
        """When it passes, on the loop's clock; None: never."""
        self.expired = False
        """Whether it was this deadline that has passed, not the Timeout's own."""
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.due = self.due if self.expired else None
        if self._timer is not None:
            self._timer.cancel()

    def move(self, due: float | None) -> None:
        """Let it pass at `due`, or never."""
        self.due = due
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        timer, self._timer = self._timer, None
        if self.due is None or timer is None:
            return
        if timer.when() < self.due:
            self.move(self.due)
        elif not self._timeout.expired():
            self.expired = True
            self._timeout.reschedule(self._loop.time())
