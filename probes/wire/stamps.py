"""When the bytes of one exchange arrived, however late our own loop was.

Theory. The kernel stamps every packet when it arrives; a socket with SO_TIMESTAMPNS hands that
stamp out with the read that takes the packet's bytes. A read happens when the event loop gets
round to it, the stamp is from before that, so a latency taken from stamps does not grow when
this process is busy.

What a read contains is not what it *releases*: under TLS a read may hold a session ticket or half
a record and release nothing. But what it releases it releases at once: the loop calls us with the
plaintext from inside the very read (through asyncio's TLS layer as well), so bytes that come to us
came with the read that is under way, and one that gave us nothing is in no figure.

One stamp covers one read. Chunks that pile up while the loop is late arrive in one read and share
its last segment's stamp: the end of an answer stays exact unless something else came behind it, the
times between its tokens do not. Which read may be such a pile is told (`Arrival.piled`).
"""

from typing import Final, NamedTuple

STEP_TOLERANCE_S: Final = 0.001
"""Wall and monotonic clock may move apart this much between two looks: reading both takes less."""
SLEW_RATIO: Final = 0.001
"""Twice the 500 ppm at which the kernel may slew the wall clock (adjtimex(2), https://man7.org/linux/man-pages/man2/adjtimex.2.html)."""


class Moment(NamedTuple):
    """Both clocks, read together. Seconds."""

    monotonic: float
    wall: float


class Arrival(NamedTuple):
    """When the bytes of one read came in, on the monotonic clock."""

    at: float
    kernel: bool
    """Whether the kernel said so, or only our own clock at the time of the read."""
    late_s: float = 0.0
    """How long the newest of these bytes lay there unread; 0.0 when only our clock can tell."""
    piled: bool = False
    """Whether others of them may have come in notably earlier than the newest."""
    hung_up: bool = False
    """Whether the newest that came in may have been the end of the peer's, and no byte."""


def arrival(stamp: float | None, now: Moment, before: Moment) -> Arrival:
    """Carry a kernel stamp (wall time) over to the monotonic clock.

    `now` is the moment of the read, `before` an earlier one of the same exchange, at or after the
    departure of the request. A stamp that a step of the wall clock has made impossible (later than
    now, earlier than `before`) or doubtful (the clocks moved apart meanwhile) is not believed: then
    the arrival is the read itself.
    """
    if stamp is None:
        return Arrival(now.monotonic, kernel=False)
    passed = now.monotonic - before.monotonic
    drift = (now.wall - before.wall) - passed
    age = now.wall - stamp
    stepped = abs(drift) > STEP_TOLERANCE_S + SLEW_RATIO * passed
    if stepped or age < 0.0:
        return Arrival(now.monotonic, kernel=False)
    return Arrival(now.monotonic - age, kernel=True, late_s=age)
