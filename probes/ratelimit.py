"""What response headers say about rate limits.

Providers agree on little: the names differ (a `Dialect` lists them), and a bucket's reset is
written as a Go duration (OpenAI: `6m0s`), as bare seconds (Azure), as an ISO-8601 time (Anthropic)
or as an epoch (OpenRouter, in milliseconds). The four shapes cannot be mistaken for each other, so
the shape decides, not the provider. Whatever cannot be read is unknown (None), never 0: a 0 would
look like an exhausted account. Nothing here raises, and no figure is infinite or NaN.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from probes.result import RateLimit


@dataclass(frozen=True, slots=True)
class BucketHeaders:
    """The header names of one bucket, in lower case; None where the dialect has no such header."""

    bucket: str
    limit: str
    remaining: str
    reset: str | None = None


Dialect = tuple[BucketHeaders, ...]
"""Buckets in order of preference: of two with one name, the first that the headers hold counts."""

_REQUESTS: Final = BucketHeaders(
    "requests",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
)
_TOKENS: Final = BucketHeaders(
    "tokens",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
)
_PROJECT_TOKENS: Final = BucketHeaders(
    "project_tokens",
    "x-ratelimit-limit-project-tokens",
    "x-ratelimit-remaining-project-tokens",
    "x-ratelimit-reset-project-tokens",
)

OPENAI_DIALECT: Final[Dialect] = (_REQUESTS, _TOKENS, _PROJECT_TOKENS)
"""https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers"""

MISTRAL_DIALECT: Final[Dialect] = (
    # It names the period: https://docs.mistral.ai/deployment/ai-studio/tier
    BucketHeaders("requests", "x-ratelimit-limit-req-minute", "x-ratelimit-remaining-req-minute"),
    BucketHeaders(
        "tokens", "x-ratelimit-limit-tokens-minute", "x-ratelimit-remaining-tokens-minute"
    ),
)
_ANTHROPIC_OWN: Final[Dialect] = (
    # https://docs.claude.com/en/api/rate-limits#response-headers
    BucketHeaders(
        "requests",
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    BucketHeaders(
        "tokens",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
)
ANTHROPIC_DIALECT: Final[Dialect] = (_REQUESTS, _TOKENS, *_ANTHROPIC_OWN)
"""OpenAI's names on the compatible endpoint: https://docs.claude.com/en/api/openai-sdk."""
COMPATIBLE_DIALECT: Final[Dialect] = (
    _REQUESTS,
    _TOKENS,
    *MISTRAL_DIALECT,
    *_ANTHROPIC_OWN,
    # Gateways without separate buckets, OpenRouter among them
    BucketHeaders("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)

_COUNT: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)
_GO_PART: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)(h|ms|m|s|us|µs|μs|ns)", re.ASCII)
_GO_UNITS: Final = {
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,  # micro sign
    "μs": 1e-6,  # Greek mu: Go accepts both, https://pkg.go.dev/time#ParseDuration
    "ns": 1e-9,
}
_LONGEST_TEXT: Final = 64
"""Characters of the longest value worth reading: a date has 29."""
_EPOCH_FROM: Final = 1e9
"""A bare number from here on is a time, not a span: 1e9 s are 31 years, or September 2001."""
_EPOCH_MS_FROM: Final = 1e11
"""And from here on a time in milliseconds: 1e11 s would be the year 5138."""


def rate_limits(
    headers: Mapping[str, str], dialect: Dialect, *, now_wall: float | None = None
) -> tuple[RateLimit, ...]:
    """Read the buckets the headers state, in the dialect's order; () when they state none.

    `now_wall` (seconds since the epoch) is needed for resets that are written as a time; without
    it those are None. Header names are in lower case.
    """
    found: dict[str, RateLimit] = {}
    for names in dialect:
        if names.bucket in found:
            continue
        limit = _count(headers.get(names.limit))
        remaining = _count(headers.get(names.remaining))
        reset_s = _reset_s(headers.get(names.reset or ""), now_wall)
        if limit is not None or remaining is not None or reset_s is not None:
            found[names.bucket] = RateLimit(names.bucket, limit, remaining, reset_s)
    return tuple(found.values())


def retry_after_s(headers: Mapping[str, str], now_wall: float) -> float | None:
    """Read how long the server asks us to wait, in seconds; None when it does not say.

    `retry-after-ms` first (it is the finer one), then `retry-after` as seconds or as an HTTP date,
    of which a past one means 0. Names are in lower case. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    wait_ms = _number(headers.get("retry-after-ms"))
    if wait_ms is not None:
        return wait_ms / 1000.0
    text = headers.get("retry-after", "").strip()
    wait_s = _number(text)
    return wait_s if wait_s is not None else _until(http_date(text), now_wall)


def go_duration_s(text: str) -> float | None:
    """Read a Go duration such as `1h2m3.5s` or `120ms`; None when any of it is something else.

    https://pkg.go.dev/time#ParseDuration
    """
    if len(text) > _LONGEST_TEXT:
        return None
    total_s, position = 0.0, 0
    while part := _GO_PART.match(text, position):
        total_s += float(part[1]) * _GO_UNITS[part[2]]
        position = part.end()
    return total_s if position and position == len(text) else None


def http_date(text: str) -> float | None:
    """Read an HTTP date as seconds since the epoch; None when it is none of its three forms.

    https://www.rfc-editor.org/rfc/rfc9110#http.date
    """
    if len(text) > _LONGEST_TEXT or text.count(":") != 2:  # all three forms hold HH:MM:SS
        return None
    try:
        return _epoch(parsedate_to_datetime(text))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _count(text: str | None) -> int | None:
    if not text:
        return None
    text = text.strip()
    return int(text) if _COUNT.fullmatch(text) else None


def _number(text: str | None) -> float | None:
    if not text:
        return None
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _reset_s(text: str | None, now_wall: float | None) -> float | None:
    if not text:
        return None
    text = text.strip()
    number = _number(text)
    if number is None:
        span_s = go_duration_s(text)
        return span_s if span_s is not None else _until(_iso_time(text), now_wall)
    if number < _EPOCH_FROM:
        return number
    return _until(number / 1000.0 if number >= _EPOCH_MS_FROM else number, now_wall)


def _until(moment: float | None, now_wall: float | None) -> float | None:
    if moment is None or now_wall is None:
        return None
    return max(0.0, moment - now_wall)


def _iso_time(text: str) -> float | None:
    # fromisoformat also reads bare dates and week dates; a reset has a time of day.
    if len(text) > _LONGEST_TEXT or "T" not in text:
        return None
    try:
        return _epoch(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _epoch(moment: datetime) -> float:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
