"""What metrics show of each provider key, as of the newest evaluation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from aggregator.rate_limits import LimitType
from monitor.exposition import Series, label_text, more_labels, several, single, written


def _nothing() -> Mapping[LimitType, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReading:
    """One provider key at one moment."""

    provider: str
    requests_per_min: int = 0
    """Requests sent in the last minute, confirming and refused ones among them."""
    tokens_per_min: int = 0
    headroom: float | None = None
    """What is left of the tightest bucket, 0..1; None: unknown."""
    observed: Mapping[LimitType, int] = field(default_factory=_nothing)
    """Per minute, at which 429s began."""
    retry_after_ratio: float | None = None
    breaker_open: bool = False


class _Row(Series):
    __slots__ = ("reading",)

    def __init__(self, reading: KeyReading) -> None:
        super().__init__(label_text(("provider",), (reading.provider,)))
        self.reading = reading


def written_keys(readings: Iterable[KeyReading]) -> Iterator[str]:
    """Yield the lines of all keys in small pieces."""
    return written(_FAMILIES, [_Row(reading) for reading in readings])


def _observed(row: _Row) -> Mapping[str, float]:
    return {_LABELS[kind]: limit for kind, limit in row.reading.observed.items()}


_LABELS: Final = {kind: more_labels(("limit_type",), (kind,)) for kind in LimitType}
_GAUGES: Final[tuple[tuple[str, str, Callable[[_Row], float | None]], ...]] = (
    (
        "sonde_provider_requests_per_minute",
        "Requests sent with one provider key in the last minute, every attempt counted.",
        lambda row: row.reading.requests_per_min,
    ),
    (
        "sonde_provider_tokens_per_minute",
        "Tokens used with one provider key in the last minute, as far as is known.",
        lambda row: row.reading.tokens_per_min,
    ),
    (
        "sonde_ratelimit_headroom_ratio",
        "What is left of the tightest rate limit of a provider key.",
        lambda row: row.reading.headroom,
    ),
    (
        "sonde_ratelimit_retry_after_ratio",
        "How long until requests were granted again / what Retry-After had said, the last time.",
        lambda row: row.reading.retry_after_ratio,
    ),
    (
        "sonde_breaker_open",
        "Whether a provider key's slots are refused and read as failing.",
        lambda row: int(row.reading.breaker_open),
    ),
)
_FAMILIES: Final = (
    *(single(name, "gauge", text, read) for name, text, read in _GAUGES),
    several(
        "sonde_ratelimit_observed",
        "gauge",
        "Per minute, at which 429s began within the last hour.",
        _observed,
    ),
)
