"""What an attempt to write comes to, and what follows from it: pure decisions.

What comes back with time is tried again, sooner or later; what is wrong with a line is not. The
waits double from a second to half a minute, and what only people can mend is tried once a minute. A
little of each wait is taken off by an amount that depends on the location: replicas do not come
back as one wave.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2s
from typing import Final, Protocol

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0
"""A store that was down for a night is noticed within half a minute of its return."""
PEOPLES_WAIT_S: Final = 60.0
"""The wait where a token, a bucket or a schema has to be mended; a new token file ends it."""
LONGEST_RETRY_AFTER_S: Final = 300.0
"""The most a Retry-After is believed: what waits longer is news to nobody."""
_JITTER_RATIO: Final = 0.25
_DOUBLINGS: Final = 5


class Outcome(StrEnum):
    """What one write came to: a metric label."""

    STORED = "stored"
    EXPIRED = "expired"
    """Stored, but for points older than the bucket keeps. As a WriteError: it is not told which."""
    REJECTED = "rejected"
    """A line was not taken: 400 or 422."""
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    """5xx, or an answer that InfluxDB does not give."""
    THROTTLED = "throttled"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    BUCKET = "bucket"
    """There is no such bucket, or no such organisation."""
    BROKEN = "broken"
    """No answer at all: a bug of ours."""


PEOPLES: Final = frozenset({Outcome.TOKEN, Outcome.BUCKET, Outcome.REJECTED})
"""What does not mend itself."""


def wait_s(failure: "WriteError", attempt: int, location: str) -> float:
    """Return how long to wait after failed attempt number `attempt` in a row (from 1)."""
    if failure.retry_after_s is not None:
        return min(LONGEST_RETRY_AFTER_S, max(FIRST_WAIT_S, failure.retry_after_s))
    if failure.outcome in PEOPLES:
        return PEOPLES_WAIT_S
    full_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt - 1, _DOUBLINGS))
    digest = blake2s(f"{location} {attempt}".encode(), digest_size=4).digest()
    return full_s * (1.0 - _JITTER_RATIO * int.from_bytes(digest) / 2**32)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where points go. A cursor belongs to one of these."""

    url: str
    org: str
    """Empty where there are none (1.x)."""
    bucket: str


class WriteError(Exception):
    """A write that was not taken. The text is for people and holds no secret."""

    def __init__(self, outcome: Outcome, told: str, retry_after_s: float | None = None) -> None:
        super().__init__(told)
        self.outcome = outcome
        self.retry_after_s = retry_after_s


class Writer(Protocol):
    """What takes lines."""

    date: str | None
    """The Date of the newest answer, as the server says it; None before one that has any."""

    async def write(self, body: bytes) -> int:
        """Write lines, compressed with gzip, once; return how many were too old to be kept.

        Ends within a deadline of its own. Raises WriteError.
        """
        ...

    def renewed(self) -> bool:
        """Say whether the token has changed since the last write."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


_WORDS: Final = {
    Outcome.STORED: "takes what is written",
    Outcome.EXPIRED: "drops points older than the bucket {d.bucket!r} keeps",
    Outcome.REJECTED: "refuses lines",
    Outcome.TOO_LARGE: "refuses a single line as too large",
    Outcome.UNREACHABLE: "cannot be reached",
    Outcome.TIMEOUT: "does not answer",
    Outcome.UNAVAILABLE: "takes nothing at the moment",
    Outcome.THROTTLED: "limits how much we write",
    Outcome.TOKEN: "refuses the token: it is wrong, or may not write to the bucket {d.bucket!r}",
    Outcome.BUCKET: "has no bucket {d.bucket!r}, or no organisation {d.org!r}: create it"
    " (before 1.8 InfluxDB does not take what we write)",
    Outcome.BROKEN: "is not written to, because of a bug in Sonde: please report it",
}


def words(outcome: Outcome, destination: Destination) -> str:
    """Say what an outcome means, for people: the store does this."""
    return _WORDS[outcome].format(d=destination)
