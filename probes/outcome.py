"""What became of one attempt, and the ProbeResult made of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from probes.classify import Classified, hint_of
from probes.pricing import cost_usd
from probes.providers import PRESETS
from probes.ratelimit import COMPATIBLE_DIALECT, rate_limits, retry_after_s
from probes.reading import Reading
from probes.result import Operation, ProbeResult, StampQuality
from probes.retirement import deprecated_at, sunset_at
from probes.sanitise import mask_values, sanitise
from probes.target import Slot, Target
from probes.wire.timeline import Timeline

DEPARTURE_DOUBT_S: Final = 0.0005
"""From here on it matters where in the sending call the request left. That happens to one in some
thousands, when the processor is taken away between our look at the clock and the send."""
TAINTING_LAG_S: Final = 0.005
"""Lateness of our loop up to this is within what our own clock can tell at all."""
TAINTING_RATIO: Final = 0.01
"""And up to this part of a latency it changes no conclusion."""
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Which attempt this is: known before anything is sent."""

    target: Target
    slot: Slot
    attempt: int
    location: str
    at: float
    """Wall time when it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended."""

    found: Classified
    total_s: float
    """Offset at which that was known."""
    status: int | None = None
    headers: Mapping[str, str] | None = None
    """None: no response head arrived."""
    reading: Reading | None = None
    """What the answer held, as far as it came; None when there was none to read."""
    tainted: bool = False
    """Whether a token time that is told is doubtful because our own loop was late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What we know about ourselves during the attempt."""

    waited_s: float = 0.0
    loop_lag_s: float = 0.0
    gc_s: float = 0.0
    prompt_chars: int = 0
    answered_at: float = 0.0
    """Wall time at the end, for headers that name a time."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be in any text of the result: a server may echo it anywhere. The key first."""


def result_of(
    errand: Errand, timeline: Timeline, outcome: Outcome, around: Circumstances
) -> ProbeResult:
    """Put one attempt together; the one place that all text from outside passes."""
    target, secrets = errand.target, around.secrets
    headers = NO_HEADERS if outcome.headers is None else outcome.headers
    preset = PRESETS.get(target.preset)
    dialect = COMPATIBLE_DIALECT if preset is None else preset.rate_limits
    return ProbeResult(
        target=target.name,
        provider=target.provider,
        model=target.model,
        operation=target.operation,
        location=errand.location,
        slot=errand.slot.number,
        slot_at=errand.slot.at,
        attempt=errand.attempt,
        at=errand.at,
        verdict=outcome.found.verdict,
        fault=outcome.found.fault,
        detail=mask_values(outcome.found.detail, secrets),
        hint=hint_of(outcome.found, target.preset, secrets[0] if secrets else ""),
        status=outcome.status,
        waited_s=around.waited_s,
        total_s=outcome.total_s,
        prompt_chars=around.prompt_chars,
        rate_limits=rate_limits(headers, dialect, now_wall=around.answered_at),
        retry_after_s=retry_after_s(headers, around.answered_at),
        request_id=_request_id(headers, secrets),
        deprecated_at=deprecated_at(headers),
        sunset_at=sunset_at(headers),
        server_ms=_server_ms(headers),
        loop_lag_s=around.loop_lag_s,
        gc_s=around.gc_s,
        latency_tainted=is_tainted(
            _stamps(timeline),
            timeline.departure_took_s,
            outcome.total_s,
            around.loop_lag_s,
            opening_lag_s=timeline.opening_lag_s,
            end_is_doubtful=timeline.end_is_doubtful,
        ),
        stream_tainted=outcome.tainted,
        **_phases(timeline),
        **_contents(target, outcome.reading, secrets),
    )


def is_tainted(
    stamps: StampQuality,
    departure_took_s: float,
    total_s: float,
    loop_lag_s: float,
    *,
    opening_lag_s: float = 0.0,
    end_is_doubtful: bool = False,
) -> bool:
    """Say whether our own lateness may be a notable part of a latency."""
    if stamps is StampQuality.NONE:
        return False
    lag_s = loop_lag_s if stamps is StampQuality.USER else opening_lag_s
    late = lag_s > max(TAINTING_LAG_S, TAINTING_RATIO * total_s)
    return late or end_is_doubtful or departure_took_s > DEPARTURE_DOUBT_S


def _stamps(timeline: Timeline) -> StampQuality:
    if timeline.last is None:
        return StampQuality.NONE
    return StampQuality.KERNEL if timeline.trusted else StampQuality.USER


def _phases(timeline: Timeline) -> dict[str, Any]:  # Any: keyword arguments of several types
    head_at = timeline.head_at
    return {
        "resolve_s": timeline.resolve_s,
        "connect_s": timeline.connect_s,
        "tls_s": timeline.tls_s,
        "sent_s": timeline.sent_s,
        "first_byte_s": timeline.offset(head_at) if head_at is not None else None,
        "reused": timeline.reused,
        "stamps": _stamps(timeline),
    }


def _contents(
    target: Target, reading: Reading | None, secrets: tuple[str, ...]
) -> dict[str, Any]:  # Any: as above
    if reading is None:
        return {}
    says_text = target.operation in (Operation.CHAT, Operation.RESPONSES)
    return {
        "finish_reason": _masked(reading.finish_reason, secrets),
        "first_token_s": reading.first_token_s,
        "first_visible_token_s": reading.first_visible_token_s,
        "last_token_s": reading.last_token_s,
        "input_tokens": reading.usage.input_tokens,
        "output_tokens": reading.usage.output_tokens,
        "cached_tokens": reading.usage.cached_tokens,
        "reasoning_tokens": reading.usage.reasoning_tokens,
        "response_chars": len(reading.text) if says_text else None,
        "cost_usd": cost_usd(target.price, reading.usage),
        "returned_model": _masked(reading.returned_model, secrets),
        "fingerprint": _masked(reading.fingerprint, secrets),
        "cosine": reading.cosine,
    }


def _masked(text: str | None, secrets: tuple[str, ...]) -> str | None:
    return mask_values(text, secrets) if text else None


def _request_id(headers: Mapping[str, str], secrets: tuple[str, ...]) -> str | None:
    """https://platform.openai.com/docs/api-reference/debugging-requests."""
    return sanitise(headers.get("x-request-id", ""), secrets) or None


def _server_ms(headers: Mapping[str, str]) -> float | None:
    """Read the provider's claim of its processing time; None when it is missing or nonsense."""
    try:
        claimed_ms = float(headers.get("openai-processing-ms", ""))
    except ValueError:
        return None
    return claimed_ms if math.isfinite(claimed_ms) and claimed_ms >= 0.0 else None
