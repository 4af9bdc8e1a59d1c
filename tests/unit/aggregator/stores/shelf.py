"""A store in memory that does what a test wants of it."""

import asyncio
import gzip
from collections.abc import Callable

from aggregator.stores.delivery import Outcome, WriteError


class Shelf:
    """Keeps points by their identity, as InfluxDB does: the second takes the first one's place."""

    def __init__(self) -> None:
        self.points: dict[tuple[bytes, bytes], bytes] = {}
        self.written: list[int] = []
        """Lines of every attempt."""
        self.times: list[float] = []
        """Loop time of every attempt."""
        self.failure: WriteError | None = None
        self.refused: Callable[[bytes], bool] = lambda _line: False
        self.most_lines = 1_000_000
        self.expired_before_s = 0
        self.counts_expired = True
        """Whether it says how many were too old, and stores the others; not all versions do."""
        self.takes_s = 0.0
        """Of a write, for each line."""
        self.hangs = False
        self.new_token = False
        self.closed = False
        self.date: str | None = None

    async def write(self, body: bytes) -> int:
        lines = gzip.decompress(body).split(b"\n")
        self.written.append(len(lines))
        self.times.append(asyncio.get_running_loop().time())
        if self.hangs:
            await asyncio.Event().wait()
        if self.takes_s:
            await asyncio.sleep(self.takes_s * len(lines))
        if self.failure is not None:
            raise self.failure
        if len(lines) > self.most_lines:
            raise WriteError(Outcome.TOO_LARGE, "answered 413")
        good = [line for line in lines if not self.refused(line)]
        old = [line for line in good if int(line.rpartition(b" ")[2]) < self.expired_before_s * 1e9]
        if old and not self.counts_expired:
            raise WriteError(Outcome.EXPIRED, "answered 403: outside of the retention period")
        # A partial write: the good lines of a refused batch are stored all the same.
        self.points |= {identity(line): line for line in good if line not in old}
        if len(good) < len(lines):
            raise WriteError(Outcome.REJECTED, "answered 400: type conflict")
        return len(old)

    def renewed(self) -> bool:
        return self.new_token

    async def close(self) -> None:
        self.closed = True


def identity(line: bytes) -> tuple[bytes, bytes]:
    """Return measurement and tags, and time: the lines of these tests have no spaces in them."""
    return line.split(b" ")[0], line.rpartition(b" ")[2]
