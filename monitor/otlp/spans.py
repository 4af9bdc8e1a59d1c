"""The trace of one probe: a span of the call, and one below it for each stage. Pure.

Its ids follow from which attempt it is, so that a batch that is sent twice makes no second trace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2s
from typing import Final

from monitor.otlp.subject import Subject, Value
from monitor.stages import Stage, stages
from probes.result import ProbeResult, Verdict
from probes.wire.timeline import Phase

_ENDED_IN: Final = {
    Verdict.DNS_ERROR: Phase.RESOLVE,
    Verdict.CONNECT_ERROR: Phase.CONNECT,
    Verdict.TLS_ERROR: Phase.TLS,
}
"""Where an exchange without a departure came to, when its verdict says so."""
NAMES: Final = {
    "head": "wait for response",
    "first_token": "wait for first token",
    "reasoning": "reasoning",
    "answer": "stream",
    "body": "read answer",
    "end": "end of answer",
}
"""What a stage's span is called, where the stage's own name says too little."""


@dataclass(frozen=True, slots=True)
class Span:
    """One span; times are wall times in nanoseconds."""

    name: str
    start_ns: int
    end_ns: int
    attributes: tuple[tuple[str, Value], ...] = ()
    ended: bool = True
    """False: the probe failed in it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All spans of one probe."""

    trace_id: bytes
    """Sixteen bytes."""
    subject: Subject
    """Its attributes are the call's, too."""
    call: Span
    stages: tuple[Span, ...]
    why: str
    """Why it failed; empty: it did not."""

    def span_id(self, index: int) -> bytes:
        """Return the eight bytes that name the call (0) or a stage (from 1)."""
        return blake2s(self.trace_id + index.to_bytes(2), digest_size=8).digest()


def trace_of(result: ProbeResult, subject: Subject, instance: str) -> Trace:
    """Return the trace of a probe; `instance` tells ours apart from those of other replicas."""
    origin_s = result.at + result.waited_s
    end_s = max(0.0, result.total_s)
    call = Span(subject.name, _ns(origin_s), _ns(origin_s + end_s), tuple(_attributes(result)))
    named = f"{instance}\n{result.target}\n{result.location}\n{result.at}\n{result.attempt}"
    return Trace(
        trace_id=blake2s(named.encode(), digest_size=16).digest(),
        subject=subject,
        call=call,
        stages=tuple(_below(each, origin_s, end_s) for each in stages(result, _reached(result))),
        why="" if result.ok else (result.detail or result.verdict.value),
    )


def _below(stage: Stage, origin_s: float, end_s: float) -> Span:
    """Return a stage as a span that lies within the call's."""
    start_s = min(stage.start_s, end_s)
    return Span(
        NAMES.get(stage.name, stage.name),
        _ns(origin_s + start_s),
        _ns(origin_s + min(max(stage.end_s, start_s), end_s)),
        ended=stage.ended,
    )


def _reached(result: ProbeResult) -> Phase:
    """Return how far the exchange came, as far as its result tells."""
    if result.first_byte_s is not None:
        return Phase.BODY
    if result.sent_s is not None:
        return Phase.HEAD
    return _ENDED_IN.get(result.verdict, Phase.START)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _attributes(result: ProbeResult) -> Iterator[tuple[str, Value]]:
    if not result.ok:
        yield "error.type", result.verdict.value
    if result.finish_reason is not None:
        yield "gen_ai.response.finish_reasons", (result.finish_reason,)
    yield from _figures(result)
    yield "sonde.verdict", result.verdict.value
    yield "sonde.fault", result.fault.value
    yield "sonde.slot", result.slot
    yield "sonde.attempt", result.attempt
    yield "sonde.latency", result.latency_s
    yield "sonde.stamps", result.stamps.value
    yield "sonde.tainted", result.tainted
    if result.hint:
        yield "sonde.hint", result.hint


def _figures(result: ProbeResult) -> Iterator[tuple[str, Value]]:
    """Yield what may not have been observed."""
    found: tuple[tuple[str, Value | None], ...] = (
        ("gen_ai.response.model", result.returned_model),
        ("gen_ai.response.time_to_first_chunk", result.first_token_s),
        ("gen_ai.usage.input_tokens", result.input_tokens),
        ("gen_ai.usage.output_tokens", result.output_tokens),
        ("gen_ai.usage.cache_read.input_tokens", result.cached_tokens),
        ("gen_ai.usage.reasoning.output_tokens", result.reasoning_tokens),
        ("openai.response.system_fingerprint", result.fingerprint),
        ("http.response.status_code", result.status),
        ("sonde.connection.reused", result.reused),
        ("sonde.request.id", result.request_id),
        ("sonde.cost_usd", result.cost_usd),
    )
    return ((name, value) for name, value in found if value is not None)
