"""What is counted of every target and every provider; families.py shows it.

Plain values instead of a metrics library's objects: a result changes a dozen of them, hundreds of
results come a second, and thousands of targets are shown in one go.
"""

from functools import lru_cache
from itertools import product
from typing import Final

from monitor.exposition import Buckets, Series, more_labels
from probes.result import Fault, ProbeResult, SkipReason, StampQuality, Verdict

DURATION_BUCKETS: Final = tuple(0.01 * 2**i for i in range(15))
"""0.01 s to 163.84 s: the OpenTelemetry GenAI client buckets."""
FIRST_TOKEN_BUCKETS: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5),
    *(0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0),
)
INTER_TOKEN_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28)

_RESOLVE, _CONNECT, _TLS, _PROCESSING, _TRANSFER = (
    more_labels(("phase",), (phase,))
    for phase in ("resolve", "connect", "tls", "processing", "transfer")
)
_NOTHING_SPENT: Final = dict.fromkeys((_RESOLVE, _CONNECT, _TLS, _PROCESSING, _TRANSFER), 0.0)
_INPUT, _OUTPUT = (more_labels(("type",), (kind,)) for kind in ("input", "output"))
_LATENCY, _STREAM = (more_labels(("what",), (what,)) for what in ("latency", "stream"))
_RESULTS: Final = {
    pair: more_labels(("verdict", "fault"), pair) for pair in product(Verdict, Fault)
}
_REASONS: Final = {reason: more_labels(("reason",), (reason,)) for reason in SkipReason}
_QUALITIES: Final = {quality: more_labels(("quality",), (quality,)) for quality in StampQuality}


@lru_cache(maxsize=64)  # the dialects name a handful
def _limit_labels(bucket: str) -> str:
    return more_labels(("limit_type",), (bucket,))


class TargetSeries(Series):
    """The counters, gauges and histograms of one target. None and absent: never seen."""

    __slots__ = (
        *("success", "duration", "phases", "first_token", "inter_token", "tokens_per_s"),
        *("results", "tokens", "cost_usd", "skipped", "tainted", "last_slot_at"),
        *("remaining", "limit"),
    )

    def __init__(self, labels: str) -> None:
        super().__init__(labels)
        self.success: int | None = None
        self.duration: Buckets | None = None
        self.phases: dict[str, float] = {}
        self.first_token: Buckets | None = None
        self.inter_token: Buckets | None = None
        self.tokens_per_s: float | None = None
        self.results: dict[str, int] = {}
        self.tokens: dict[str, int] = {}
        self.cost_usd: float | None = None
        self.skipped: dict[str, int] = {}
        self.tainted: dict[str, int] = {}
        self.last_slot_at: float | None = None
        self.remaining: dict[str, int] = {}
        self.limit: dict[str, int] = {}

    def observe(self, result: ProbeResult) -> None:
        """Count one first attempt's result."""
        self.success = 1 if result.ok else 0
        _count(self.results, _RESULTS[result.verdict, result.fault])
        if result.latency_tainted:
            _count(self.tainted, _LATENCY)
        elif result.answered or result.censored:
            if self.duration is None:
                self.duration = Buckets(DURATION_BUCKETS)
            self.duration.observe(result.latency_s)
        self.phases = _phases(result)
        self.spend(result)
        if result.stream_tainted:
            _count(self.tainted, _STREAM)
        if result.first_token_s is not None and result.answered and not result.tainted:
            self._observe_stream(result, result.first_token_s)
        for bucket in result.rate_limits:
            kind = _limit_labels(bucket.bucket)
            if bucket.remaining is not None:
                self.remaining[kind] = bucket.remaining
            if bucket.limit is not None:
                self.limit[kind] = bucket.limit

    def spend(self, result: ProbeResult) -> None:
        """Count what an attempt used up, a confirming one's too."""
        _count_tokens(self.tokens, result)
        if result.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + result.cost_usd

    def _observe_stream(self, result: ProbeResult, first_token_s: float) -> None:
        if self.first_token is None:
            self.first_token = Buckets(FIRST_TOKEN_BUCKETS)
        self.first_token.observe(first_token_s)
        inter_token_s, tokens_per_s = result.inter_token_s, result.tokens_per_s
        if inter_token_s is not None:
            if self.inter_token is None:
                self.inter_token = Buckets(INTER_TOKEN_BUCKETS)
            self.inter_token.observe(inter_token_s)
        if tokens_per_s is not None:
            self.tokens_per_s = tokens_per_s

    def slot_started(self, at: float) -> None:
        """Note a slot that is being run; `at` is its wall time."""
        self.last_slot_at = at

    def slot_skipped(self, reason: SkipReason) -> None:
        """Count a slot without a probe."""
        _count(self.skipped, _REASONS[reason])


class ProviderSeries(Series):
    """What is counted once for one provider key."""

    __slots__ = ("stamps", "tokens")

    def __init__(self, labels: str) -> None:
        super().__init__(labels)
        self.tokens: dict[str, int] = {}
        self.stamps: dict[str, int] = {}

    def observe(self, result: ProbeResult) -> None:
        """Count one first attempt's result."""
        self.spend(result)
        _count(self.stamps, _QUALITIES[result.stamps])

    def spend(self, result: ProbeResult) -> None:
        """Count what an attempt used up, a confirming one's too."""
        _count_tokens(self.tokens, result)


class StatusSeries(Series):
    """The HTTP statuses of everything."""

    __slots__ = ("statuses",)

    def __init__(self) -> None:
        super().__init__("")
        self.statuses: dict[int, int] = {}

    def observe(self, result: ProbeResult) -> None:
        """Count one first attempt's status, if it has one."""
        if result.status is not None:
            self.statuses[result.status] = self.statuses.get(result.status, 0) + 1

    def by_label(self) -> dict[str, int]:
        """Return the counts by their label."""
        return {f'code="{status}"': count for status, count in self.statuses.items()}


def _count(counts: dict[str, int], labels: str) -> None:
    counts[labels] = counts.get(labels, 0) + 1


def _count_tokens(counts: dict[str, int], result: ProbeResult) -> None:
    if result.input_tokens is not None:
        counts[_INPUT] = counts.get(_INPUT, 0) + result.input_tokens
    if result.output_tokens is not None:
        counts[_OUTPUT] = counts.get(_OUTPUT, 0) + result.output_tokens


def _phases(result: ProbeResult) -> dict[str, float]:
    """Return the phases of a result in seconds, by label; one that was never reached is absent.

    processing: request left to response head; transfer: head to the end.
    """
    # A kept-alive connection spent nothing on connecting: 0, not the figure of a fresh one before.
    spent = _NOTHING_SPENT.copy() if result.reused else {}
    if result.resolve_s is not None:
        spent[_RESOLVE] = result.resolve_s
    if result.connect_s is not None:
        spent[_CONNECT] = result.connect_s
    if result.tls_s is not None:
        spent[_TLS] = result.tls_s
    if result.sent_s is not None and result.first_byte_s is not None:
        spent[_PROCESSING] = result.first_byte_s - result.sent_s
        spent[_TRANSFER] = max(0.0, result.total_s - result.first_byte_s)
    return spent
