"""A selector whose waits end to the microsecond, where epoll alone counts in milliseconds.

`epoll_wait` takes whole milliseconds and Python rounds up, so every timer of the stock loop comes
half a millisecond late on average: as much as a probe costs. An epoll is itself a file that can be
waited for, and `select` takes microseconds. https://man7.org/linux/man-pages/man7/epoll.7.html
"""

import select
import selectors
import sys
from typing import Final

_FD_SETSIZE: Final = 1024
"""`select` can wait for files with numbers below this. https://man7.org/linux/man-pages/man2/select.2.html"""

_Ready = list[tuple[selectors.SelectorKey, int]]

if sys.platform == "linux":

    class PunctualSelector(selectors.EpollSelector):
        """Waits with `select` for its epoll, which then says what is ready."""

        def __init__(self) -> None:
            super().__init__()
            self._itself = (self.fileno(),) if self.fileno() < _FD_SETSIZE else ()

        def select(self, timeout: float | None = None) -> _Ready:
            """Return what is ready, after at most `timeout` seconds; None waits for ever."""
            if timeout is not None and timeout > 0 and self._itself:
                if not select.select(self._itself, (), (), timeout)[0]:
                    return []
                timeout = 0
            return super().select(timeout)

else:
    PunctualSelector = selectors.DefaultSelector
