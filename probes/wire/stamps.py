"""When the bytes of one exchange left and arrived, however late our own loop was.

Theory. The kernel stamps every packet when it arrives; a socket with SO_TIMESTAMPNS hands that
stamp out with the read that takes the packet's bytes. A read happens when the event loop gets
round to it, the stamp is from before that, so a latency taken from stamps does not grow when
this process is busy.

What a read contains is not what it *releases*: under TLS a read may hold a session ticket or half
a record and release nothing, and HTTP framing releases no body either. So each read is tied to
the plaintext it released. At the time of a read we note `progress`, the number of body bytes the
HTTP parser has given out so far (before this read's own bytes go through it). Whatever the next
read finds there, this read has released; hence body byte number `o` arrived with the LAST read
whose progress is <= o. Reads that released nothing have the same progress as their successor and
are thereby overruled, which is what makes tickets harmless.

The parser's counter is reachable only once the response object is ours, that is when the request
coroutine has returned. No read can slip in between: the read that completes the head wakes our
task, and a task's wake-up is queued before the loop polls its sockets again, so the task runs (and
attaches the counter) before any later read. Until then progress is 0, which is right: whatever
body came along with the head has offset 0 and up, and belongs to that same last read. For the same
reason the head was complete with the last read before the coroutine returned.

One stamp covers one read. Chunks that pile up while the loop is late arrive in one read and share
its last segment's stamp: the end of an answer stays exact, the times between its tokens do not.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

STEP_TOLERANCE_S: Final = 0.001
"""Wall and monotonic clock may move apart this much between two looks: reading both takes less."""
SLEW_RATIO: Final = 0.001
"""Twice the 500 ppm at which the kernel may slew the wall clock (adjtimex(2), https://man7.org/linux/man-pages/man2/adjtimex.2.html)."""


class Moment(NamedTuple):
    """Both clocks, read together. Seconds."""

    monotonic: float
    wall: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the bytes of one read came in, on the monotonic clock."""

    at: float
    kernel: bool
    """Whether the kernel said so, or only our own clock at the time of the read."""
    late_s: float = 0.0
    """How long the newest of these bytes lay there unread; 0.0 when only our clock can tell."""


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


class Arrivals:
    """The reads of one response, by the body bytes they released.

    Only reads whose bytes have not been asked for yet are kept, so memory is bounded by what the
    parser holds back for its consumer, not by the number of reads.
    """

    __slots__ = ("_reads", "last")

    def __init__(self) -> None:
        self._reads: deque[tuple[int, Arrival]] = deque()
        self.last: Arrival | None = None
        """The newest read of all, None before the first."""

    def note(self, progress: int, read: Arrival) -> None:
        """Record a read at which `progress` body bytes had been released by earlier ones."""
        if self._reads and self._reads[-1][0] >= progress:
            self._reads.pop()
        self._reads.append((progress, read))
        self.last = read

    def split(self, start: int, end: int) -> list[tuple[int, Arrival]]:
        """Cut the body range start..end at the reads: (length, arrival) of each part, in order.

        The parts cover the range. Ranges must be asked for in order: reads that end before `start`
        are forgotten. Raises LookupError when there are bytes, but no read that brought them.
        """
        reads = self._reads
        if end > start and not reads:
            raise LookupError("bytes without a read")
        while len(reads) > 1 and reads[1][0] <= start:
            reads.popleft()
        parts: list[tuple[int, Arrival]] = []
        for index, (_, read) in enumerate(reads):
            until = min(reads[index + 1][0], end) if index + 1 < len(reads) else end
            if until > start:
                parts.append((until - start, read))
                start = until
            if until >= end:
                break
        return parts
