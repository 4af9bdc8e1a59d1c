"""Sockets that keep the kernel's receive stamps and note when a request leaves.

The stock event loop calls `connect`, `getsockopt(SO_ERROR)`, `send`/`sendmsg` and `recv_into` on
them, its TLS layer included. Each works for one exchange at a time, whose Timeline it holds: from
the first connection attempt to the end of the answer, then from the next request on.

SO_TIMESTAMPNS: https://www.kernel.org/doc/html/latest/networking/timestamping.html
"""

import socket
import struct
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, overload

from probes.wire.inflow import INFO_BYTES, Inflow, Look
from probes.wire.stamps import Moment
from probes.wire.timeline import Timeline

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    _Address = tuple[object, ...] | str | ReadableBuffer

SO_TIMESTAMPNS: Final = 35
"""Not in Python's socket module. asm-generic/socket.h; the same on x86-64, ARM64 and RISC-V."""
_TIMESPEC: Final = struct.Struct("@ll")
_CONTROL_BYTES: Final = socket.CMSG_SPACE(_TIMESPEC.size)
_CLOCKS_APART_S: Final = 50e-6
"""Reading two clocks takes under a microsecond; beyond this we were interrupted in between."""
_TCP_INFO_BYTES: Final = 104
_ROUND_TRIP_US: Final = struct.Struct("@68xI28xI")
"""tcpi_rtt (microseconds) and tcpi_total_retrans of linux/tcp.h, struct tcp_info."""

_Control = Iterable[tuple[int, int, bytes]]


def read_clocks() -> Moment:
    """Read both clocks so close together that one can be carried over to the other.

    The wall clock is read here because kernel stamps are made on it; nothing else uses it.
    """
    before, wall, after = time.monotonic(), time.time(), time.monotonic()
    if after - before > _CLOCKS_APART_S:  # once more: twice in a row is next to impossible
        before, wall, after = time.monotonic(), time.time(), time.monotonic()
    return Moment((before + after) / 2, wall)


class StampingSocket(socket.socket):
    """A TCP socket that writes what happens to it into the Timeline of its exchange."""

    __slots__ = ("_broken", "_inflow", "_stamping", "timeline")

    def __init__(
        self, family: int, kind: int, proto: int, timeline: Timeline | None = None
    ) -> None:
        super().__init__(family, kind, proto)
        self.timeline = timeline
        """The exchange it works for; None between two, when nothing may come in."""
        self._broken: ConnectionError | None = None
        self._inflow = Inflow()
        self._stamping = self._ask_for_stamps()

    def _ask_for_stamps(self) -> bool:
        if sys.platform != "linux":
            return False
        try:
            self.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        except OSError:  # a sandbox without the option: the reads fall back to our own clock
            return False
        return True

    def cut(self) -> None:
        """End the connection at once, both ways; whoever holds the socket closes it."""
        if self.fileno() < 0:
            return
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError:  # not connected (any more): nothing to end
            return

    # The way out.

    def connect(self, address: "_Address", /) -> None:
        """Connect, noting when that began and, if it completes at once, when it was done."""
        if self.timeline is not None:
            self.timeline.connecting(time.monotonic())
        super().connect(address)
        self._note_connected()

    @overload
    def getsockopt(self, level: int, optname: int, /) -> int: ...
    @overload
    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...
    def getsockopt(self, level: int, optname: int, buflen: int = 0, /) -> int | bytes:
        """Ask for an option; SO_ERROR is how the event loop learns that a connect succeeded."""
        if buflen:
            return super().getsockopt(level, optname, buflen)
        value = super().getsockopt(level, optname)
        if (level, optname, value) == (socket.SOL_SOCKET, socket.SO_ERROR, 0):
            self._note_connected()
        return value

    # The clock is read before the call: on a fast path the peer has the bytes, and may have
    # answered, before the call returns. A peer that has hung up may have said why (an alert of TLS,
    # an answer that refuses a request while it still leaves): so a failed send is not told to the
    # loop, which would close at once, but by the read that finds nothing more to read.

    def send(self, data: "ReadableBuffer", flags: int = 0, /) -> int:
        """Send, noting the departure."""
        at = read_clocks()
        try:
            sent_bytes = super().send(data, flags)
        except ConnectionError as error:
            self._broken = error
            return memoryview(data).nbytes
        if self.timeline is not None:
            self.timeline.sent(at, time.monotonic() - at.monotonic)
        return sent_bytes

    def sendmsg(
        self,
        buffers: Iterable["ReadableBuffer"],
        ancdata: Iterable[tuple[int, int, "ReadableBuffer"]] = (),
        flags: int = 0,
        address: "_Address | None" = None,
        /,
    ) -> int:
        """Send several buffers, as the loop of CPython >= 3.12 does with larger requests."""
        buffers = list(buffers)
        at = read_clocks()
        try:
            sent_bytes = super().sendmsg(buffers, ancdata, flags, address)
        except ConnectionError as error:
            self._broken = error
            return sum(memoryview(data).nbytes for data in buffers)
        if self.timeline is not None:
            self.timeline.sent(at, time.monotonic() - at.monotonic)
        return sent_bytes

    # The way in. What comes while no exchange is going on was not asked for (a response too many, a
    # "408 Request Time-out"); handed on, it would be taken for the answer to the next request. So
    # the connection ends instead: whoever reads is told so at once. This is done down here because
    # half a TLS record would otherwise lie in the TLS layer unseen until its other half comes.

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        """Receive into a buffer, keeping the stamp."""
        view = memoryview(buffer)[:nbytes] if nbytes else buffer
        control: _Control = ()
        if self._stamping:
            size, control, _, _ = self.recvmsg_into([view], _CONTROL_BYTES, flags)
        else:
            size = super().recv_into(view, 0, flags)
        if not size:
            if self.timeline is not None:
                self.timeline.nothing_read()
            if self._broken is not None:
                raise self._broken
            return 0
        if self.timeline is None:
            self.cut()
            return 0
        self._inflow.took(size)
        self.timeline.read(size, _stamp(control), read_clocks(), self._look)
        return size

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive what a proxy says before the way is open: in no figure, only counted."""
        data = super().recv(bufsize, flags)
        if data and not flags:
            self._inflow.took(len(data))
        return data

    def spoke_first(self) -> bool:
        """Say whether bytes lie there unread; an end or an error is told by the next read."""
        try:
            return bool(self.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _look(self) -> Look:
        return self._inflow.look(self._info(INFO_BYTES) if self._stamping else b"")

    def _info(self, size_bytes: int) -> bytes:
        try:
            return super().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size_bytes)
        except OSError:  # a sandbox without it
            return b""

    def _note_connected(self) -> None:
        if self.timeline is not None:
            self.timeline.connected(time.monotonic(), self._round_trip_s())

    def _round_trip_s(self) -> float | None:
        """Return how long the kernel found the handshake to take; None when it cannot say.

        A handshake with retransmissions gives no usable figure (Karn's algorithm, RFC 6298).
        """
        if not self._stamping:
            return None
        info = self._info(_TCP_INFO_BYTES)
        if len(info) < _TCP_INFO_BYTES:  # our own clock will do
            return None
        round_trip_us, again = map(int, _ROUND_TRIP_US.unpack(info[: _ROUND_TRIP_US.size]))
        return round_trip_us / 1e6 if round_trip_us and not again else None


def _stamp(control: _Control) -> float | None:
    """Return the wall time in a read's control messages, None when there is none."""
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return None
