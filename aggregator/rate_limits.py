"""What rate limits are said to be, and what they turn out to be, for one provider key.

Said: the newest reading of every bucket of every model. Turned out: how many requests (or tokens)
we had been granted in the minute before 429s began. Any limiter that lets N through in a minute has
granted at least N in the minute before it refuses us: a sliding log exactly N, a bucket that was
full what it held and what it was refilled with (2 N at most), a fixed window what both its halves
held. So the smallest figure of many is the limit, and one alone an upper bound of it, within twice.
If others use the same key it is what they leave us, which is the figure that matters to us.

A 429 that follows a 429 says nothing new: we had been waiting. All times are steady ones, passed
in; a request counts for when it was sent.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probes.result import ProbeResult, RateLimit, Verdict

MINUTE_S: Final = 60.0
STALE_S: Final = 900.0
"""A reading older than this says nothing of now: fifteen probes at the usual interval. Its reset
does not end it: a bucket that is near empty at every probe is what people should hear of."""
REMEMBERED_S: Final = 3600.0
"""Beginnings of 429s count for so long: limits are raised, and a tier is bought."""
REMEMBERED: Final = 64
"""And so many of them, of each kind."""


class LimitType(StrEnum):
    """What a limit counts: a metric label."""

    REQUESTS = "requests"
    TOKENS = "tokens"


def kind_of(bucket: str) -> LimitType:
    """Return what a bucket counts, by its name in the header dialect."""
    return LimitType.TOKENS if bucket.endswith("tokens") else LimitType.REQUESTS


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that left us."""

    at: float
    tokens: int
    granted: bool
    """Whether it was not answered with a 429."""


@dataclass(slots=True)
class _Promise:
    """A Retry-After, until the first request after it that is granted."""

    at: float
    seconds: float
    broken: bool = False
    """Whether a request that waited for as long was refused again."""


class KeyLimits:
    """Readings and findings of one provider key. Fed with every attempt, confirming ones too."""

    def __init__(self) -> None:
        self._readings: dict[tuple[str, str], tuple[float, RateLimit]] = {}
        self._sent: deque[Sent] = deque()
        self._begun: dict[LimitType, deque[tuple[float, int]]] = {}
        self._promises: dict[str, _Promise] = {}
        self._throttled = False
        self.retry_after_ratio: float | None = None
        """How long it really took until requests were granted again / how long Retry-After had
        asked for, the last time: 1 for a promise that was kept, more for one that was not, less
        where another request was granted sooner. None before the first."""

    def learn(self, result: ProbeResult, now: float) -> None:
        """Take note of one attempt that ended at `now`."""
        for limit in result.rate_limits:
            self._readings[result.model, limit.bucket] = (now, limit)
        if result.status is None and result.sent_s is None:
            return  # it never left us
        throttled = result.verdict is Verdict.THROTTLED
        sent_at = now - result.total_s
        if throttled and not self._throttled:
            self._begin(result, sent_at)
        self._throttled = throttled
        tokens = (result.input_tokens or 0) + (result.output_tokens or 0)
        self._sent.append(Sent(sent_at, tokens, not throttled))
        while self._sent[0].at <= now - MINUTE_S:
            self._sent.popleft()
            if not self._sent:
                break
        if throttled or self._promises:
            self._hold_to_promise(result, sent_at, now)

    def requests_per_minute(self, now: float) -> int:
        """Return how many requests were sent in the last minute, refused ones among them."""
        return sum(sent.at > now - MINUTE_S for sent in self._sent)

    def tokens_per_minute(self, now: float) -> int:
        """Return how many tokens the requests of the last minute used, as far as is known."""
        return sum(sent.tokens for sent in self._sent if sent.at > now - MINUTE_S)

    def headroom(self, now: float) -> float | None:
        """Return what is left of the tightest bucket, 0..1; None when nothing is known of any."""
        known = [
            min(1.0, limit.remaining / limit.limit)
            for at, limit in self._readings.values()
            if now - at <= STALE_S and limit.limit and limit.remaining is not None
        ]
        return min(known, default=None)

    def readings(self) -> Iterator[tuple[str, float, RateLimit]]:
        """Yield the newest reading of every bucket: its model, when it was had, what it said."""
        for (model, _), (at, limit) in self._readings.items():
            yield model, at, limit

    def observed(self, now: float) -> Mapping[LimitType, int]:
        """Return at what rate a minute 429s began within the last hour; without any, nothing."""
        found: dict[LimitType, int] = {}
        for kind, begun in self._begun.items():
            counts = [count for at, count in begun if now - at <= REMEMBERED_S]
            if counts:
                found[kind] = min(counts)
        return found

    def _begin(self, result: ProbeResult, at: float) -> None:
        kind = _exhausted(result)
        granted = [sent for sent in self._sent if sent.granted and at - MINUTE_S < sent.at <= at]
        requests = kind is LimitType.REQUESTS
        count = len(granted) if requests else sum(sent.tokens for sent in granted)
        self._begun.setdefault(kind, deque(maxlen=REMEMBERED)).append((at, count))

    def _hold_to_promise(self, result: ProbeResult, sent_at: float, now: float) -> None:
        promise = self._promises.get(result.model)
        if result.verdict is Verdict.THROTTLED:
            if promise is None:
                if result.retry_after_s:
                    self._promises[result.model] = _Promise(now, result.retry_after_s)
            elif sent_at >= promise.at + promise.seconds:
                promise.broken = True
        elif promise is not None and result.answered and sent_at >= promise.at:
            took_s = sent_at - promise.at
            kept = took_s >= promise.seconds and not promise.broken
            self.retry_after_ratio = 1.0 if kept else took_s / promise.seconds
            del self._promises[result.model]


def _exhausted(result: ProbeResult) -> LimitType:
    """Return what ran out, for all the 429's own headers say; requests when they do not."""
    left = {kind_of(limit.bucket): limit.remaining for limit in result.rate_limits}
    tokens = LimitType.TOKENS in left and left.get(LimitType.REQUESTS)
    return LimitType.TOKENS if tokens else LimitType.REQUESTS
