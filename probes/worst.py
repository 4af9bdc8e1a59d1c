"""The worst of some delays since a moment, in little memory.

What can be asked is only the worst since a moment. So an entry with a later and worse one is never
the answer, and is dropped: what is kept falls from the oldest to the newest, and the first one
after the moment is the worst.
"""

from bisect import bisect_left
from typing import Final

KEEP_S: Final = 300.0
"""How far back questions may go: longer than any deadline."""


class Worst:
    """Delays as they were noticed, in seconds, by the moment at which they were over."""

    __slots__ = ("_at", "_s")

    def __init__(self) -> None:
        self._at: list[float] = []
        self._s: list[float] = []

    def note(self, delay_s: float, at: float) -> None:
        """Take down a delay that was over at `at`, which must not lie before the last one's."""
        while self._s and self._s[-1] <= delay_s:
            self._s.pop()
            self._at.pop()
        old = bisect_left(self._at, at - KEEP_S)
        del self._at[:old], self._s[:old]
        self._at.append(at)
        self._s.append(delay_s)

    def since(self, moment: float) -> float:
        """Return the worst delay that was not over before `moment`; 0.0 without any."""
        first = bisect_left(self._at, moment)
        return self._s[first] if first < len(self._at) else 0.0
