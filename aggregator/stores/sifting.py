"""One batch, written in as few pieces as it takes to tell good lines from refused ones.

A refused piece is halved until the refused lines stand alone: about 2 * log2(lines) writes for one
of them. Halves are written again whole, which changes nothing: a point takes its own place.
InfluxDB has often stored the others of a refused batch already ("partial write").

Points that are too old are mostly counted by the server. Where it refuses them without a number,
the newest of a piece is asked alone: when that is too old, all of the piece are.
"""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from typing import Final

from aggregator.stores.delivery import Outcome, WriteError, Writer
from aggregator.stores.spool import GZIP_LEVEL, Poison

ASKED: Final = 8
"""Lines refused alone before others of the batch are asked, as many and evenly spread, whether any
is taken at all: a store that takes none is not to be asked thousands of times."""
_OF_LINES: Final = frozenset({Outcome.REJECTED, Outcome.TOO_LARGE, Outcome.EXPIRED})
"""What may be about some of the lines alone."""
SMALL_BYTES: Final = 64 * 1024
"""Compressed in place, in less than half a millisecond; more goes to a thread."""


Note = Callable[[Outcome, int, float], None]
"""Hears what a write came to, of how many lines, in how many seconds."""


class Sifting:
    """What became of the lines of one batch."""

    def __init__(self, writer: Writer, lines: Sequence[bytes], note: Note) -> None:
        """Take the lines; `note` hears what each write came to."""
        self.poison: list[Poison] = []
        """Refused, while others were taken."""
        self.expired = 0
        """Taken, and dropped as older than the bucket keeps."""
        self._writer = writer
        self._lines = lines
        self._note = note
        self._taken = False

    async def run(self) -> None:
        """Write every line. Raises WriteError, also when lines are refused and none is taken."""
        await self._write(self._lines)
        if self.poison and not self._taken:
            raise WriteError(Outcome.REJECTED, self.poison[0].reason)

    async def _write(self, lines: Sequence[bytes]) -> None:
        found = await self._attempt(lines)
        if isinstance(found, int):
            self.expired += found
        elif found.outcome is Outcome.EXPIRED and await self._all_expired(lines):
            self.expired += len(lines)
        elif len(lines) > 1:
            middle = len(lines) // 2
            await self._write(lines[:middle])
            await self._write(lines[middle:])
        else:
            self.poison.append(Poison(lines[0], str(found)))
            if len(self.poison) == ASKED and not await self._takes_any():
                raise WriteError(Outcome.REJECTED, str(found))

    async def _all_expired(self, lines: Sequence[bytes]) -> bool:
        """Say whether even the newest is too old; that it was judged means that others may pass."""
        if len(lines) > 1:
            newest = await self._attempt([max(lines, key=_time)])
            if isinstance(newest, int) or newest.outcome is not Outcome.EXPIRED:
                return False
        self._taken = True
        return True

    async def _takes_any(self) -> bool:
        step = max(1, len(self._lines) // ASKED)
        for line in self._lines[::-step][:ASKED]:
            if self._taken:
                break
            await self._attempt([line])
        return self._taken

    async def _attempt(self, lines: Sequence[bytes]) -> int | WriteError:
        """Write once; return how many were too old, or why lines are refused. Raises WriteError."""
        body = await _packed(b"\n".join(lines))
        now = asyncio.get_running_loop().time
        began = now()
        try:
            expired = await self._writer.write(body)
        except WriteError as failure:
            self._note(failure.outcome, len(lines), now() - began)
            if failure.outcome in _OF_LINES:
                return failure
            raise
        self._note(Outcome.EXPIRED if expired else Outcome.STORED, len(lines), now() - began)
        self._taken = True
        return expired


def _time(line: bytes) -> int:
    return int(line.rpartition(b" ")[2])


async def _packed(body: bytes) -> bytes:
    if len(body) <= SMALL_BYTES:
        return gzip.compress(body, GZIP_LEVEL)
    return await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL)
