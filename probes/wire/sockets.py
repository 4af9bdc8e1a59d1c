"""Sockets that keep the kernel's receive stamps and note when a request leaves.

Handed to aiohttp through its connector's `socket_factory`
(https://docs.aiohttp.org/en/stable/client_reference.html#aiohttp.TCPConnector); the stock event
loop then calls `connect`, `getsockopt(SO_ERROR)`, `send`/`sendmsg` and `recv`/`recv_into` on them.

Which exchange a socket works for: a context variable says which exchange the running task is. A
socket is bound to it when it is made and again whenever it sends a request, because a transport's
write runs in the context of the task that writes, through asyncio's TLS layer as well. Reads run
in the context of whoever opened the connection long ago, so they go by the binding.

SO_TIMESTAMPNS: https://www.kernel.org/doc/html/latest/networking/timestamping.html
"""

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar, overload

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
_End = TypeVar("_End", bytes, int)

exchange_of_task: ContextVar[Timeline | None] = ContextVar("exchange_of_task", default=None)
"""The exchange the running task works on."""


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

    __slots__ = ("_active_at", "_idle", "_stamping", "_timeline")

    def __init__(self, family: int, type: int, proto: int) -> None:  # noqa: A002 - as its parent's
        super().__init__(family, type, proto)
        self._timeline = exchange_of_task.get()
        self._idle = False
        self._active_at: float | None = None
        self._stamping = self._ask_for_stamps()
        if self._timeline is not None:
            self._timeline.opened(self)

    def _ask_for_stamps(self) -> bool:
        if sys.platform != "linux":
            return False
        try:
            self.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        except OSError:  # a sandbox without the option: the reads fall back to our own clock
            return False
        return True

    def abort(self) -> None:
        """End the connection at once, both ways; the event loop then sees its end and cleans up."""
        if self.fileno() < 0:
            return
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError:  # not connected (any more): nothing to end
            return

    def close(self) -> None:
        """Close, telling the exchange."""
        timeline = self._live()
        self._timeline = None
        super().close()
        if timeline is not None:
            timeline.closed(self)

    # The way out.

    def connect(self, address: "_Address", /) -> None:
        """Connect, noting when that began and, if it completes at once, when it was done."""
        timeline = self._live()
        if timeline is not None:
            timeline.connecting(time.monotonic())
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

    def send(self, data: "ReadableBuffer", flags: int = 0, /) -> int:
        """Send, noting the departure."""
        return self._depart(lambda: super(StampingSocket, self).send(data, flags))

    def sendmsg(
        self,
        buffers: Iterable["ReadableBuffer"],
        ancdata: Iterable[tuple[int, int, "ReadableBuffer"]] = (),
        flags: int = 0,
        address: "_Address | None" = None,
        /,
    ) -> int:
        """Send several buffers, as the loop of CPython >= 3.12 does with larger requests."""
        return self._depart(
            lambda: super(StampingSocket, self).sendmsg(buffers, ancdata, flags, address)
        )

    def _depart(self, send: Callable[[], int]) -> int:
        # The clock is read before the call: on a fast path the peer has the bytes, and may have
        # answered, before the call returns.
        timeline = exchange_of_task.get()
        if timeline is None or timeline.finished:
            return send()
        at = read_clocks()
        if timeline is not self._timeline and self._active_at is not None:
            timeline.idle_s = at.monotonic - self._active_at
        sent_bytes = send()
        if timeline.sent(self, at):
            self._timeline = timeline
            self._idle = False
        return sent_bytes

    # The way in. What comes while no exchange is going on was not asked for (a response too many, a
    # "408 Request Time-out"); handed on, it would be taken for the answer to the next request. So
    # the connection ends instead: whoever reads is told so at once.

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive, keeping the stamp."""
        control: _Control = ()
        try:
            if self._stamping:
                data, control, _, _ = self.recvmsg(bufsize, _CONTROL_BYTES, flags)
            else:
                data = super().recv(bufsize, flags)
        except OSError as error:
            self._note_broken(error)
            raise
        return data if self._note_read(len(data), control) else self._spoiled(b"")

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        """Receive into a buffer (what asyncio's TLS layer does), keeping the stamp."""
        view = memoryview(buffer)[:nbytes] if nbytes else buffer
        control: _Control = ()
        try:
            if self._stamping:
                size, control, _, _ = self.recvmsg_into([view], _CONTROL_BYTES, flags)
            else:
                size = super().recv_into(view, 0, flags)
        except OSError as error:
            self._note_broken(error)
            raise
        return size if self._note_read(size, control) else self._spoiled(0)

    def _live(self) -> Timeline | None:
        timeline = self._timeline
        if timeline is not None and timeline.finished:
            self._timeline = timeline = None  # its exchange is over: do not keep it alive
            self._idle = True
        return timeline

    def _note_connected(self) -> None:
        timeline = self._live()
        if timeline is not None:
            timeline.connected(time.monotonic(), self._round_trip_s())

    def _round_trip_s(self) -> float | None:
        """Return how long the kernel found the handshake to take; None when it cannot say.

        A handshake with retransmissions gives no usable figure (Karn's algorithm, RFC 6298).
        """
        if not self._stamping:
            return None
        try:
            info = super().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        except OSError:  # a sandbox without it: our own clock will do
            return None
        if len(info) < _TCP_INFO_BYTES:
            return None
        round_trip_us, again = map(int, _ROUND_TRIP_US.unpack(info[: _ROUND_TRIP_US.size]))
        return round_trip_us / 1e6 if round_trip_us and not again else None

    def _note_broken(self, error: OSError) -> None:
        timeline = self._live()
        if timeline is not None and not isinstance(error, (BlockingIOError, InterruptedError)):
            timeline.broken = error

    def _note_read(self, size_bytes: int, control: _Control) -> bool:
        """Take the read down; False when nobody has asked for what it brought."""
        timeline = self._live()
        if size_bytes == 0:
            return True
        if timeline is None:
            return not self._idle
        now = read_clocks()
        self._active_at = now.monotonic
        return timeline.read(size_bytes, _stamp(control), now)

    def _spoiled(self, end: _End) -> _End:
        """End the connection and return what a read returns at the end of one."""
        self.abort()
        return end


def _stamp(control: _Control) -> float | None:
    """Return the wall time in a read's control messages, None when there is none."""
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = map(int, _TIMESPEC.unpack(data))
            return seconds + nanoseconds / 1e9
    return None
