"""Standard error that cannot hold up the process: lines go through a queue to a thread.

Whoever reads our log may stall (a paused pager, a stuck shipper) or be gone (a full disk, a closed
pipe). A blocking write in the event loop would then stop the probes, and one that raises would end
the daemon. Here a line that cannot be written in time is dropped and counted.
"""

import os
import queue
import sys
import threading
from contextlib import suppress
from typing import Final

LINES_WAITING: Final = 10_000
"""Some megabytes at most; beyond that the reader is taken for stalled."""
FLUSH_S: Final = 1.0
"""How long the end of the process waits for the last lines."""


class Stderr:
    """A text file for loggers: `write` never blocks and never raises."""

    def __init__(self, descriptor: int | None = None) -> None:
        """Write to `descriptor`; None: to whatever standard error is, or nowhere without one."""
        self.dropped = 0
        """Lines that were not written."""
        if descriptor is None and sys.stderr is not None:
            with suppress(OSError, ValueError):
                descriptor = sys.stderr.fileno()
        self._descriptor = descriptor
        self._lines: queue.Queue[str] = queue.Queue(LINES_WAITING)
        self._idle = threading.Event()
        self._idle.set()
        threading.Thread(target=self._drain, name="log writer", daemon=True).start()

    def write(self, text: str) -> int:
        """Queue a text."""
        self._idle.clear()
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self.dropped += 1
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can. `settle` waits."""

    def settle(self, timeout_s: float = FLUSH_S) -> None:
        """Wait until everything queued is written, but no longer than that."""
        self._idle.wait(timeout_s)

    def _drain(self) -> None:
        while True:
            if self._lines.empty():
                self._idle.set()
            self._put(self._lines.get().encode("utf-8", "backslashreplace"))

    def _put(self, data: bytes) -> None:
        if self._descriptor is None:
            self.dropped += 1
            return
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self.dropped += 1
