"""What one probe found: a value, whatever happened on the wire.

Every duration is in seconds. Times named after an event (`first_byte_s`, `first_token_s`, …) are
offsets from the *origin* of the exchange, which is the departure of the request less the time that
resolving, connecting and TLS took. A delay inside this process between those phases is ours, not
the provider's, and is therefore in none of them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DETAIL_LIMIT: Final = 200
"""Characters of sanitised detail a result may carry (provider text is hostile input)."""


class Operation(StrEnum):
    """The API call a target makes."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MODELS = "models"


class Fault(StrEnum):
    """Whose fault an outcome is; only `provider` counts against a provider's availability."""

    NONE = "none"
    PROVIDER = "provider"
    ACCOUNT = "account"
    REQUEST = "request"
    NETWORK = "network"
    MONITOR = "monitor"


class Verdict(StrEnum):
    """What happened: a closed set, used as a metric label."""

    OK = "ok"
    CONTENT_MISMATCH = "content_mismatch"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    STREAM_ERROR = "stream_error"
    PROTOCOL_ERROR = "protocol_error"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    QUOTA = "quota"
    INVALID_REQUEST = "invalid_request"
    MODEL_NOT_FOUND = "model_not_found"
    DNS_ERROR = "dns_error"
    CONNECT_ERROR = "connect_error"
    TLS_ERROR = "tls_error"
    RESET = "reset"
    REDIRECTED = "redirected"
    OVERSIZED = "oversized"
    MONITOR_ERROR = "monitor_error"


class StampQuality(StrEnum):
    """Where the receive times of a result come from."""

    KERNEL = "kernel"
    """The kernel stamped the packets: a busy process does not lengthen the latency."""
    USER = "user"
    """Read from the clock when the event loop got round to it."""
    NONE = "none"
    """Nothing was received."""


class SkipReason(StrEnum):
    """Why a slot got no probe. A skipped slot is not a result, but it is counted and seen."""

    IN_FLIGHT = "in_flight"
    """The target's previous probe had not ended."""
    LATE = "late"
    """We came to the slot too late (a busy loop, a starved process)."""
    PAUSED = "paused"
    """Something of our own failed: the target's code, and is being backed off from, or the ledger
    that its money would have to be drawn from."""
    BUDGET = "budget"
    """The day's money is spent: probing it would cost more than its owner allowed."""
    THROTTLED_BY_US = "throttled_by_us"
    """We hold back: the provider asked for it, a limit is near, or the money must last the day."""
    NOT_CLAIMED = "not_claimed"
    """Another replica took it, and nothing was heard of it since."""
    BREAKER = "breaker"
    """The key's breaker is open: another probe would tell nothing new. Counts as a failure."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A failure without its particulars: what a slot counts as that was refused because of it."""

    verdict: Verdict
    fault: Fault


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One bucket of a provider's rate limit, as its response headers state it.

    A part the headers do not state (or state as -1) is None: unknown, never 0.
    """

    bucket: str
    """`requests`, `tokens`, `project_tokens`, …: a small closed set per header dialect."""
    limit: int | None
    remaining: int | None
    reset_s: float | None
    """Seconds until the bucket is full again, counted from the response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """One attempt at one slot of one target.

    A field is None when it was not observed: no token means no `first_token_s`, an answer without
    usage means unknown tokens, a model without a price means unknown cost.
    """

    target: str
    provider: str
    model: str
    operation: Operation
    location: str
    slot: int
    """Slot number: floor((wall - phase) / interval). The same on every replica."""
    slot_at: float
    """Wall time of the slot, seconds since the epoch."""
    attempt: int = 1
    """1 for the slot's own probe; confirming attempts count on from 2 and stand beside it."""
    at: float
    """Wall time when this attempt began, seconds since the epoch."""

    verdict: Verdict
    fault: Fault
    detail: str = ""
    """Why, for people: error class and at most 200 sanitised characters. Never a secret."""
    hint: str = ""
    """What a person can do about it: a sentence of ours, never the provider's; "" when we have
    none."""
    status: int | None = None
    """HTTP status; None when no response head arrived, as in most timeouts. Never made up."""
    finish_reason: str | None = None

    waited_s: float = 0.0
    """Time spent waiting for a place under the provider's `max_concurrency`: in no other figure."""
    resolve_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    """resolve, connect, tls: durations; None on a reused connection or when never reached."""
    sent_s: float | None = None
    """Offset at which the request had left: the sum of the three above. None: it never left."""
    first_byte_s: float | None = None
    """Offset at which the response head was complete."""
    first_token_s: float | None = None
    """Offset of the first token of any kind, reasoning included (streams only)."""
    first_visible_token_s: float | None = None
    """Offset of the first token of the answer itself (streams only)."""
    last_token_s: float | None = None
    """Offset of the last token (streams only)."""
    total_s: float
    """Offset at which the outcome was known: last byte, end marker, error. For a timeout the
    deadline that passed: then it is a lower bound (see `censored`)."""
    reused: bool | None = None
    """Whether a kept-alive connection carried the request; None when there was no connection."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    """From the provider's usage, reasoning included; never counted from stream chunks."""
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_chars: int = 0
    response_chars: int | None = None
    cost_usd: float | None = None

    rate_limits: tuple[RateLimit, ...] = ()
    retry_after_s: float | None = None
    request_id: str | None = None
    returned_model: str | None = None
    fingerprint: str | None = None
    cosine: float | None = None
    """Embeddings: cosine between this vector and the target's stored reference, -1..1; None when
    there is no reference."""
    deprecated_at: float | None = None
    """Wall time from which the model or API counts as deprecated, by the answer's header."""
    sunset_at: float | None = None
    """Wall time at which the model or API ends, by the answer's header."""
    server_ms: float | None = None
    """The provider's own claim of its processing time (`openai-processing-ms`)."""

    stamps: StampQuality = StampQuality.NONE
    loop_lag_s: float = 0.0
    """The worst lateness of this process's event loop while the probe ran."""
    gc_s: float = 0.0
    """The longest time the garbage collector stopped this process while the probe ran."""
    latency_tainted: bool = False
    """True when `latency_s` may hold our own lateness, and no latency statistic has it: the end, or
    a part of connecting, was timed by our own clock while our loop was notably late; the end was
    read late together with something behind it; or we were stopped while sending."""
    stream_tainted: bool = False
    """True when our own loop was too late to tell this stream's first or last token from others."""
    interrupted: bool = False
    """True when the wall clock was stepped, or this machine was suspended, while the probe ran."""

    @property
    def ok(self) -> bool:
        """Whether the answer was complete and as expected."""
        return self.verdict is Verdict.OK

    @property
    def censored(self) -> bool:
        """Whether `latency_s` is only a lower bound, because a deadline cut the exchange short."""
        return self.verdict is Verdict.TIMEOUT

    @property
    def answered(self) -> bool:
        """Whether a complete answer arrived, as expected or not: its latency is a real one."""
        return self.verdict in (Verdict.OK, Verdict.CONTENT_MISMATCH)

    @property
    def tainted(self) -> bool:
        """Whether some time in it is not to be believed, for our own lateness."""
        return self.latency_tainted or self.stream_tainted

    @property
    def lateness_s(self) -> float:
        """How long after its slot this attempt began; a wall clock set back makes it 0."""
        return max(0.0, self.at - self.slot_at)

    @property
    def latency_s(self) -> float:
        """How long the user would have waited: to the last token of a stream, else `total_s`.

        The last token of a tainted stream shares its stamp with others: there too `total_s`.
        """
        if self.last_token_s is not None and self.answered and not self.stream_tainted:
            return self.last_token_s
        return self.total_s

    @property
    def inter_token_s(self) -> float | None:
        """(latency - first token) / (output tokens - 1); None below two tokens or if tainted.

        https://docs.nvidia.com/nim/benchmarking/llm/latest/metrics.html
        """
        if self.first_token_s is None or not self.output_tokens or self.output_tokens < 2:
            return None
        if self.tainted or not self.answered:
            return None
        return (self.latency_s - self.first_token_s) / (self.output_tokens - 1)

    @property
    def tokens_per_s(self) -> float | None:
        """Output tokens / (latency - first token), from `usage`; None where it is undefined."""
        if self.first_token_s is None or not self.output_tokens or self.output_tokens < 2:
            return None
        span_s = self.latency_s - self.first_token_s
        if self.tainted or not self.answered or span_s <= 0:
            return None
        return self.output_tokens / span_s
