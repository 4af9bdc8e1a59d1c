"""The record of one exchange: its phases as they pass, its bytes as they leave and arrive.

The wire writes it, the prober reads it. All moments are on the monotonic clock; durations and
offsets are in seconds. The origin of all offsets is the departure of the request less the time
that resolving, connecting and TLS took, so a delay of our own between those is in no figure.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

from probes.wire.inflow import Look
from probes.wire.stamps import STEP_TOLERANCE_S, Arrival, Moment, arrival

ANSWER_LIMIT_BYTES: Final = 512 * 1024
"""Bytes one exchange may bring in, and that they may decode to. A probe's answer has a few KiB; the
largest honest one, an embedding with 3,072 dimensions as text, about 60. More is no answer, and
taking it apart would hold up every other probe."""
TOKEN_BYTES: Final = 512
"""And so much more for each token that was asked for: a streamed one comes in about 300 bytes."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""But never more than this."""
PILED_S: Final = 0.0005
"""What came in no further apart than this may share one time: a punctual loop reads as often."""


def limit_bytes_for(tokens: int) -> int:
    """Return how much an answer of at most `tokens` tokens may bring in."""
    return min(MOST_BYTES, ANSWER_LIMIT_BYTES + TOKEN_BYTES * tokens)


class Phase(StrEnum):
    """How far an exchange has come."""

    START = "before the connection"
    RESOLVE = "while resolving the name"
    CONNECT = "while connecting"
    PROXY = "while waiting for the proxy"
    TLS = "during the TLS handshake"
    SEND = "while sending the request"
    HEAD = "while waiting for the response head"
    BODY = "after the response head"


class WireCapError(OSError):
    """More bytes came in than one exchange may bring. Raised inside the socket's read."""


class UnaskedError(Exception):
    """Bytes of a response came before the request had left: they answer something else."""


class Lateness(Protocol):
    """Who knows how late this process is. Times are monotonic, in seconds."""

    def unseen_s(self, now: float) -> float:
        """Return how long what is read at `now` may have lain there unseen."""

    def worst_since(self, since: float, now: float | None = None) -> float:
        """Return the worst lateness from `since` until now."""


class _Punctual:
    """Whoever does not know of being late."""

    def unseen_s(self, _now: float) -> float:
        return 0.0

    def worst_since(self, _since: float, _now: float | None = None) -> float:
        return 0.0


def _no_look() -> Look:  # for whoever cannot know
    return Look(at_once=False, hung_up=True)


class Timeline:
    """Everything the wire noticed about one exchange."""

    __slots__ = (
        "_attempts",
        "_connecting_at",
        "_departed",
        "_early",
        "_end_is_apart",
        "_first_departed_at",
        "_first_send_at",
        "_handshake",
        "_handshake_answered",
        "_lateness",
        "_newest",
        "_own_clock_since",
        "_reading",
        "_sends",
        "connect_s",
        "departed_at",
        "departure_took_s",
        "head_at",
        "idle_s",
        "last",
        "limit_bytes",
        "on_departure",
        "opening_lag_s",
        "oversized",
        "phase",
        "resolve_s",
        "reused",
        "sent_s",
        "tls_s",
        "trusted",
        "wire_bytes",
    )

    def __init__(
        self, limit_bytes: int = ANSWER_LIMIT_BYTES, lateness: Lateness | None = None
    ) -> None:
        self.limit_bytes = limit_bytes
        self.phase = Phase.START
        self.resolve_s: float | None = None
        self.connect_s: float | None = None
        self.tls_s: float | None = None
        self.reused: bool | None = None
        """None until a connection was there to carry the request."""
        self.idle_s: float | None = None
        """How long a reused connection had been idle; None for a new one."""
        self.head_at: float | None = None
        """When the response head was complete."""
        self.last: Arrival | None = None
        """The newest read that brought anything of the response; None before the first."""
        self.wire_bytes = 0
        self.oversized = False
        self.trusted = True
        """Whether every stamp that is in a figure came from the kernel."""
        self.departed_at: float | None = None
        """When the last byte of the request left; None while it has not."""
        self.departure_took_s = 0.0
        """How long the call took that sent the request: it left somewhere in that time. Some 20 us,
        unless this process lost its processor in the middle of it."""
        self.sent_s: float | None = None
        """Offset of the departure; None while it has not happened."""
        self.on_departure: Callable[[float], None] | None = None
        """Told the moment of departure, each time it moves (a request may leave in parts)."""
        self.opening_lag_s = 0.0
        """How late we were while a part of connect_s or tls_s ran by our own clock alone."""
        self._attempts = 0
        self._connecting_at: float | None = None
        self._first_send_at: float | None = None
        self._handshake: tuple[Arrival, int] | None = None  # and how often we had sent before it
        self._handshake_answered: tuple[Arrival, int] | None = None
        self._sends = 0
        self._own_clock_since: float | None = None
        self._departed: Moment | None = None
        self._first_departed_at: float | None = None
        self._newest: Arrival | None = None
        self._early = False
        self._reading = False
        self._end_is_apart = False
        self._lateness = lateness or _Punctual()

    # What the resolver and the sockets say.

    def resolving(self) -> None:
        """Take down that the name is being looked up."""
        self.phase = Phase.RESOLVE

    def resolved(self, took_s: float) -> None:
        """Take down that the name was looked up."""
        self.resolve_s = took_s

    def connecting(self, at: float) -> None:
        """Take down that a connection attempt left; of several the first one counts."""
        self.phase = Phase.CONNECT
        self._attempts += 1
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
        if round_trip_s is not None and self._attempts == 1:
            self.connect_s = min(self.connect_s, round_trip_s)
        else:
            self._own_clock_since = self._connecting_at

    def tunnelling(self) -> None:
        """Take down that a proxy is asked to open the way."""
        self.phase = Phase.PROXY

    def tunnelled(self, since: float, until: float) -> None:
        """Take down that it did: a part of connecting, timed by our own clock."""
        self.phase = Phase.TLS
        self.connect_s = (self.connect_s or 0.0) + until - since
        if self._own_clock_since is None:
            self._own_clock_since = since

    def sent(self, at: Moment, took_s: float = 0.0) -> None:
        """Take down that bytes left at `at`, or up to `took_s` later.

        What leaves once the answer has begun to arrive (a TLS farewell) is not the request's.
        """
        if self._first_send_at is None:
            self._first_send_at = at.monotonic
        self._sends += 1
        self._handshake_answered = self._handshake
        if self.phase not in (Phase.SEND, Phase.HEAD) or self.last is not None:
            return
        self.phase = Phase.HEAD
        self._departed = at
        self.departed_at = at.monotonic
        self.departure_took_s = took_s
        self.sent_s = (self.resolve_s or 0.0) + (self.connect_s or 0.0) + (self.tls_s or 0.0)
        if self._first_departed_at is None:
            self._first_departed_at = at.monotonic
            if self._own_clock_since is not None:
                self.opening_lag_s = self._lateness.worst_since(self._own_clock_since, at.monotonic)
        if self.on_departure is not None:
            self.on_departure(at.monotonic)

    def read(
        self,
        size_bytes: int,
        stamp: float | None,
        now: Moment,
        look: Callable[[], Look] = _no_look,
    ) -> None:
        """Take down that bytes were read at `now`, with the kernel's stamp (wall time) or None.

        `look` is asked whether they had come in all at once, when we were so late that it matters.
        Raises WireCapError when the exchange has brought in too much.
        """
        self.wire_bytes += size_bytes
        if self.wire_bytes > self.limit_bytes:
            self.oversized = True
            raise WireCapError("the response is larger than one exchange may be")
        if self._departed is None:
            self._handshake = arrival(stamp, now, now), self._sends
            return
        read = arrival(stamp, now, self._departed)
        self._early = self._is_early(read)
        if read.at < self._departed.monotonic:
            read = Arrival(now.monotonic, kernel=False)
        if max(read.late_s, self._lateness.unseen_s(now.monotonic)) > PILED_S:
            looked = look()
            read = read._replace(piled=not looked.at_once, hung_up=looked.hung_up)
        self._newest, self._reading = read, True

    def nothing_read(self) -> None:
        """Take down that a read found the end of what the peer sends."""
        self._reading = False

    def _is_early(self, read: Arrival) -> bool:
        # Of a request in parts the first one counts: a server may refuse it while it still leaves.
        from_s = self._first_departed_at
        return read.kernel and from_s is not None and read.at < from_s - STEP_TOLERANCE_S

    # What the connection says.

    def writing(self, *, one_round_trip: bool) -> None:
        """Take down that the connection is ready and the request about to be written to it.

        What was read before this belongs to the TLS handshake, whose time runs from the departure
        of our hello to the arrival of the server's last part in it. With `one_round_trip` (TLS 1.3)
        that is what our last message answered: anything later is session tickets.
        """
        self.phase = Phase.SEND
        last = self._handshake
        if one_round_trip and self._handshake_answered is not None:
            last = self._handshake_answered
        if last is not None and self._first_send_at is not None:
            read, sends = last
            self.tls_s = max(0.0, read.at - self._first_send_at)
            if (sends > 1 or not read.kernel) and self._own_clock_since is None:
                self._own_clock_since = self._first_send_at

    def released(self) -> Arrival:
        """Return the read that is under way: it has released bytes of the response.

        Raises UnaskedError, and takes nothing down, when these bytes had arrived before the
        request left.
        """
        read = self._newest
        if read is None or self._early:
            raise UnaskedError("a response came before the request had left")
        self.last = read
        # The reads before the one that completes the head are in no figure.
        self.trusted = read.kernel and (self.trusted or self.head_at is None)
        return read

    def head_complete(self) -> None:
        """Take down that the newest read completed the response head."""
        self.phase = Phase.BODY
        self.head_at = self.last.at if self.last is not None else None

    def followed(self) -> None:
        """Take down that more came behind the end of the answer, perhaps in the same read."""
        if self._reading and self._newest is self.last:
            self._end_is_apart = True

    # What the prober asks.

    @property
    def end_is_doubtful(self) -> bool:
        """Whether the time of the newest bytes may be that of something notably later."""
        last = self.last
        return last is not None and last.piled and (last.hung_up or self._end_is_apart)

    def ended(self, now: float) -> float:
        """Return the offset at which the newest bytes came; with none, that of `now`."""
        return self.offset(now if self.last is None else self.last.at)

    def offset(self, at: float) -> float:
        """Return the offset of a moment after the departure. Never negative."""
        if self.departed_at is None or self.sent_s is None:
            raise ValueError("there is no origin before the request has departed")
        return self.sent_s + max(0.0, at - self.departed_at)
