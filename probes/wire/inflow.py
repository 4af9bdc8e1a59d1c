"""What the kernel knows of the segments behind a read: whether all of it came in at once.

The stamp of a read is that of the newest segment in it. For bytes that came in one segment it is
true, however late they were read; of several it is true for the last one only, and the peer's FIN
counts as one: the kernel merges it, and its stamp, into the bytes before it.

https://github.com/torvalds/linux/blob/master/include/uapi/linux/tcp.h, struct tcp_info.
"""

import struct
from typing import Final, NamedTuple

INFO_BYTES: Final = 156
"""How much of it is wanted: up to tcpi_data_segs_in, which is there since Linux 4.6."""
_INFO: Final = struct.Struct("=B127xQ16xI")
"""tcpi_state, tcpi_bytes_received (a FIN counts as a byte), tcpi_data_segs_in."""
_ESTABLISHED: Final = 1


class Look(NamedTuple):
    """What a look at a socket says about the newest read. Unknown is the worse of two."""

    at_once: bool
    """Whether all it took had come in one segment, and no end of the peer's with it."""
    hung_up: bool
    """Whether the peer's end had come in as well."""


class Inflow:
    """Counts what was read from one socket, against what the kernel says came in."""

    __slots__ = ("_bytes", "_even", "_reads", "_segments")

    def __init__(self) -> None:
        self._bytes = 0
        self._reads = 0
        self._segments = 0
        self._even = True  # at the last look all that had come in had been read

    def took(self, size_bytes: int) -> None:
        """Take down a read that brought something."""
        self._bytes += size_bytes
        self._reads += 1

    def look(self, info: bytes) -> Look:
        """Judge the newest read by a TCP_INFO from right behind it; b"" when there is none.

        Not every read needs a look: as many segments as reads since the last one are one for each.
        """
        if len(info) < INFO_BYTES:
            return Look(at_once=False, hung_up=not info or info[0] != _ESTABLISHED)
        state, came_bytes, segments = map(int, _INFO.unpack_from(info))
        even = state == _ESTABLISHED and came_bytes == self._bytes
        one_each = even and self._even and segments - self._segments == self._reads
        self._even, self._segments, self._reads = even, segments, 0
        return Look(at_once=one_each, hung_up=state != _ESTABLISHED)
