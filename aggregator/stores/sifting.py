"""One batch, written in as few pieces as it takes to tell good lines from refused ones.

A refused piece is halved until the refused lines stand alone: about 2 * log2(lines) writes for one
of them. Halves are written again whole, which changes nothing: a point takes its own place.
InfluxDB has often stored the others of a refused batch already ("partial write").
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
SMALL_BYTES: Final = 64 * 1024
"""Compressed in place, in less than half a millisecond; more goes to a thread."""


class Sifting:
    """What became of the lines of one batch."""

    def __init__(
        self, writer: Writer, lines: Sequence[bytes], note: Callable[[Outcome, int], None]
    ) -> None:
        """Take the lines; `note` hears what each write of so many of them came to."""
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
        elif len(lines) > 1:
            middle = len(lines) // 2
            await self._write(lines[:middle])
            await self._write(lines[middle:])
        else:
            self.poison.append(Poison(lines[0], str(found)))
            if len(self.poison) == ASKED and not await self._takes_any():
                raise WriteError(Outcome.REJECTED, str(found))

    async def _takes_any(self) -> bool:
        step = max(1, len(self._lines) // ASKED)
        for line in self._lines[::-step][:ASKED]:
            if self._taken:
                break
            await self._attempt([line])
        return self._taken

    async def _attempt(self, lines: Sequence[bytes]) -> int | WriteError:
        """Write once; return how many were too old, or why lines are refused. Raises WriteError."""
        try:
            expired = await self._writer.write(await _packed(b"\n".join(lines)))
        except WriteError as failure:
            self._note(failure.outcome, len(lines))
            if failure.outcome in (Outcome.REJECTED, Outcome.TOO_LARGE):
                return failure
            raise
        self._note(Outcome.EXPIRED if expired else Outcome.STORED, len(lines))
        self._taken = True
        return expired


async def _packed(body: bytes) -> bytes:
    if len(body) <= SMALL_BYTES:
        return gzip.compress(body, GZIP_LEVEL)
    return await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL)
