"""The record of one exchange: its phases as they pass, its bytes as they leave and arrive.

The sockets write it, the prober reads it. All moments are on the monotonic clock; durations and
offsets are in seconds. The origin of all offsets is the departure of the request less the time
that resolving, connecting and TLS took, so a delay of our own between those is in no figure.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

from probes.wire.stamps import STEP_TOLERANCE_S, Arrival, Arrivals, Moment, arrival

ANSWER_LIMIT_BYTES: Final = 512 * 1024
"""Bytes one exchange may bring in, and that they may decode to. A probe's answer has a few KiB; the
largest honest one, an embedding with 3,072 dimensions as text, about 60. More is no answer, and
taking it apart would hold up every other probe."""
TOKEN_BYTES: Final = 512
"""And so much more for each token that was asked for: a streamed one comes in about 300 bytes."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""But never more than this."""


def limit_bytes_for(tokens: int) -> int:
    """Return how much an answer of at most `tokens` tokens may bring in."""
    return min(MOST_BYTES, ANSWER_LIMIT_BYTES + TOKEN_BYTES * tokens)


class Phase(StrEnum):
    """How far an exchange has come."""

    START = "before the connection"
    RESOLVE = "while resolving the name"
    CONNECT = "while connecting"
    TLS = "during the TLS handshake"
    SEND = "while sending the request"
    HEAD = "while waiting for the response head"
    BODY = "after the response head"


class WireCapError(OSError):
    """More bytes came in than one exchange may bring. Raised inside the socket's read."""


class Abortable(Protocol):
    """A socket that can be cut."""

    def abort(self) -> None:
        """End the connection at once, both ways."""


class Body(Protocol):
    """What we need of the HTTP parser's output."""

    total_bytes: int
    """How many body bytes it has given out."""

    def is_eof(self) -> bool:
        """Whether the whole message has been parsed."""


class Timeline:
    """Everything the wire noticed about one exchange."""

    __slots__ = (
        "_body",
        "_connecting_at",
        "_departed",
        "_early",
        "_first_departed_at",
        "_first_send_at",
        "_handshake",
        "_handshake_answered",
        "_in_use",
        "_opened",
        "arrivals",
        "broken",
        "connect_s",
        "finished",
        "head_at",
        "idle_s",
        "limit_bytes",
        "on_close",
        "on_departure",
        "oversized",
        "phase",
        "resolve_s",
        "reused",
        "tls_s",
        "trusted",
        "wire_bytes",
    )

    def __init__(self, limit_bytes: int = ANSWER_LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.phase = Phase.START
        self.resolve_s: float | None = None
        self.connect_s: float | None = None
        self.tls_s: float | None = None
        self.reused: bool | None = None
        """None until a connection was there to carry the request."""
        self.idle_s: float | None = None
        """How long a reused connection had been idle; None for a new one, or when unknown."""
        self.head_at: float | None = None
        """When the response head was complete."""
        self.arrivals = Arrivals()
        self.wire_bytes = 0
        self.oversized = False
        self.broken: OSError | None = None
        """The error with which a read from the socket failed, if one did."""
        self.trusted = True
        """Whether every stamp that was used came from the kernel. A read that released nothing (a
        session ticket that had arrived before the request left) is not used."""
        self.finished = False
        """Set at the end: from then on sockets write nothing here."""
        self.on_departure: Callable[[float], None] | None = None
        """Told the moment of departure, each time it moves (a request may leave in parts)."""
        self.on_close: Callable[[], None] | None = None
        """Told when the connection in use has been closed on our side."""
        self._opened: list[Abortable] = []
        self._in_use: Abortable | None = None
        self._connecting_at: float | None = None
        self._first_send_at: float | None = None
        self._handshake: Arrival | None = None
        self._handshake_answered: Arrival | None = None
        self._departed: Moment | None = None
        self._first_departed_at: float | None = None
        self._early = False
        self._body: Body | None = None

    # What the resolver and the sockets say.

    def opened(self, sock: Abortable) -> None:
        """Take down that a new socket was made for this exchange."""
        self._opened.append(sock)

    def resolving(self) -> None:
        """Take down that the name is being looked up."""
        self.phase = Phase.RESOLVE

    def resolved(self, took_s: float) -> None:
        """Take down that the name was looked up."""
        self.resolve_s = took_s

    def connecting(self, at: float) -> None:
        """Take down that a connection attempt left; of several the first one counts."""
        self.phase = Phase.CONNECT
        if self._connecting_at is None:
            self._connecting_at = at

    def connected(self, at: float, round_trip_s: float | None) -> None:
        """Take down that a connection stands.

        `round_trip_s` is the kernel's own figure of it, when it has one, and the better one: ours
        includes how late we noticed. With several attempts in flight only the time since the first
        one says what the user waits.
        """
        if self._connecting_at is None or self.connect_s is not None:
            return
        self.phase = Phase.TLS
        self.connect_s = at - self._connecting_at
        if round_trip_s is not None and len(self._opened) == 1:
            self.connect_s = min(self.connect_s, round_trip_s)

    def writing(self, *, one_round_trip: bool) -> None:
        """Take down that the connection is ready and the request about to be written to it.

        What was read before this belongs to the TLS handshake, whose time runs from the departure
        of our hello to the arrival of the server's last part in it. With `one_round_trip` (TLS 1.3)
        that is what our last message answered: anything later is session tickets.
        """
        self.phase = Phase.SEND
        self.reused = not self._opened
        last = self._handshake
        if one_round_trip and self._handshake_answered is not None:
            last = self._handshake_answered
        if last is not None and self._first_send_at is not None:
            self.tls_s = max(0.0, last.at - self._first_send_at)

    def sent(self, sock: Abortable, at: Moment) -> bool:
        """Take down that bytes left at `at`. Returns whether they were the request's own.

        What leaves once the answer has begun to arrive (a TLS farewell) is not.
        """
        if self._first_send_at is None:
            self._first_send_at = at.monotonic
        self._handshake_answered = self._handshake
        if self.phase not in (Phase.SEND, Phase.HEAD) or self.arrivals.last is not None:
            return False
        self.phase = Phase.HEAD
        self._departed = at
        if self._first_departed_at is None:
            self._first_departed_at = at.monotonic
        self._in_use = sock
        if self.on_departure is not None:
            self.on_departure(at.monotonic)
        return True

    def read(self, size_bytes: int, stamp: float | None, now: Moment) -> bool:
        """Take down that bytes were read at `now`, with the kernel's stamp (wall time) or None.

        Returns whether they can belong to this exchange: what comes behind the end of its answer
        does not, and must not be taken for the beginning of the next one. Raises WireCapError when
        the exchange has brought in too much.
        """
        if self._body is not None and self._body.is_eof():
            return False
        self.wire_bytes += size_bytes
        if self.wire_bytes > self.limit_bytes:
            self.oversized = True
            raise WireCapError("the response is larger than one exchange may be")
        if self._departed is None:
            self._handshake = arrival(stamp, now, now)
            return True
        read = arrival(stamp, now, self._departed)
        self._early = self._is_early(read)
        if read.at < self._departed.monotonic:
            read = Arrival(now.monotonic, kernel=False)
        self.arrivals.note(self._body.total_bytes if self._body is not None else 0, read)
        return True

    def _is_early(self, read: Arrival) -> bool:
        # Of a request in parts the first one counts: a server may refuse it while it still leaves.
        from_s = self._first_departed_at
        return read.kernel and from_s is not None and read.at < from_s - STEP_TOLERANCE_S

    def closed(self, sock: Abortable) -> None:
        """Take down that a socket was closed."""
        if sock is self._in_use and self.on_close is not None:
            self.on_close()

    # What the exchange says and asks.

    def head_complete(self, body: Body) -> bool:
        """Take down that the head is here; `body` counts what the parser gives out from now on.

        Returns whether it can be the answer to our request. One that nothing brought in since the
        departure, or that had arrived by then, answers something else; nothing is taken down.
        """
        last = self.arrivals.last
        if last is None or self._early:
            return False
        self._body = body
        self.phase = Phase.BODY
        self.head_at = last.at
        self.trusted = last.kernel
        return True

    def split(self, start: int, end: int) -> list[tuple[int, Arrival]]:
        """Cut a range of the body at the reads that brought it: (length, arrival), in order."""
        parts = self.arrivals.split(start, end)
        self.trusted = self.trusted and all(read.kernel for _, read in parts)
        return parts

    def ended(self, now: float) -> float:
        """Return the offset at which the newest bytes came; with none, that of `now`."""
        last = self.arrivals.last
        if last is None:
            return self.offset(now)
        self.trusted = self.trusted and last.kernel
        return self.offset(last.at)

    def finish(self, *, cut: bool) -> None:
        """Take nothing down any more; with `cut`, end every connection that was touched, at once.

        Sockets that stay open must not keep the exchange in memory: all ties to it are dropped.
        """
        sockets = [*self._opened, self._in_use]
        self.finished = True
        self.on_close = self.on_departure = self._in_use = self._body = None
        self._opened.clear()
        for sock in sockets:
            if cut and sock is not None:
                sock.abort()

    @property
    def connected_anew(self) -> bool:
        """Whether a socket was opened for this exchange."""
        return bool(self._opened)

    @property
    def departed_at(self) -> float | None:
        """When the last byte of the request left; None while it has not."""
        return self._departed.monotonic if self._departed is not None else None

    @property
    def sent_s(self) -> float | None:
        """Offset of the departure; None while it has not happened."""
        if self._departed is None:
            return None
        return (self.resolve_s or 0.0) + (self.connect_s or 0.0) + (self.tls_s or 0.0)

    def offset(self, at: float) -> float:
        """Return the offset of a moment after the departure. Never negative."""
        departed_at, sent_s = self.departed_at, self.sent_s
        if departed_at is None or sent_s is None:
            raise ValueError("there is no origin before the request has departed")
        return sent_s + max(0.0, at - departed_at)
