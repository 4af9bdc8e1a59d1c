"""Everything a result says beside its times, in words: name and text, one line for each.

What is unknown is left out.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from probes.result import Fault, ProbeResult, RateLimit, StampQuality
from probes.trace import Trace
from probes.wire.timeline import Phase

TO_DO: Final = "what to do"
"""The name of the line a person is looking for when a probe fails."""


def particulars(result: ProbeResult, trace: Trace) -> Iterator[tuple[str, str]]:
    """Yield name and text of whatever else is known."""
    if result.fault is not Fault.NONE:
        yield "fault", str(result.fault)
    if result.detail:
        yield "why", result.detail
    if result.hint:
        yield TO_DO, result.hint
    if result.waited_s >= 0.001:
        yield "waited", f"{seconds(result.waited_s)} before that, for a place or a first request"
    yield from _measured(result, trace)
    yield from _told(result)
    yield from _ours(result)


def _measured(result: ProbeResult, trace: Trace) -> Iterator[tuple[str, str]]:
    if trace.reached is not Phase.START:
        yield "latency", "; ".join(_latency(result))
    if result.server_ms is not None:
        yield "server says", f"it worked for {seconds(result.server_ms / 1000.0)}"
    if tokens := ", ".join(_tokens(result)):
        yield "tokens", tokens
    if result.cost_usd is not None:
        yield "cost", usd(result.cost_usd)
    if answer := ", ".join(_answered(result)):
        yield "answer", answer
    if trace.request:
        yield "request", trace.request
        came = f", {size(trace.received_bytes)} came back" if trace.received_bytes else ""
        yield "bytes", f"{size(trace.sent_bytes)} sent{came}"
    if result.reused is not None:
        idle = "" if trace.idle_s is None else f", idle for {seconds(trace.idle_s)}"
        yield "connection", f"used again{idle}" if result.reused else "new"


def _latency(result: ProbeResult) -> Iterator[str]:
    bound = "at least " if result.censored else ""
    yield f"{bound}{seconds(result.latency_s)}"
    if result.first_token_s is not None:
        yield f"first token after {seconds(result.first_token_s)}"
    visible_s = result.first_visible_token_s
    if visible_s is not None and visible_s != result.first_token_s:
        yield f"first visible one after {seconds(visible_s)}"


def _tokens(result: ProbeResult) -> Iterator[str]:
    if result.input_tokens is not None:
        cached = f" ({result.cached_tokens} cached)" if result.cached_tokens else ""
        yield f"{result.input_tokens} in{cached}"
    if result.output_tokens is not None:
        reasoning = f" ({result.reasoning_tokens} reasoning)" if result.reasoning_tokens else ""
        yield f"{result.output_tokens} out{reasoning}"
    if result.tokens_per_s is not None:
        yield f"{result.tokens_per_s:.1f} a second"
    if result.inter_token_s is not None:
        yield f"{seconds(result.inter_token_s)} between two"


def _answered(result: ProbeResult) -> Iterator[str]:
    if result.response_chars is not None:
        yield f"{result.response_chars} characters"
    if result.finish_reason is not None:
        yield f"finished: {result.finish_reason}"
    if result.cosine is not None:
        yield f"cosine to the reference {result.cosine:.6f}"


def _told(result: ProbeResult) -> Iterator[tuple[str, str]]:
    if result.returned_model is not None:
        fingerprint = f", fingerprint {result.fingerprint}" if result.fingerprint else ""
        yield "model", f"{result.returned_model}{fingerprint}"
    if result.request_id is not None:
        yield "request id", result.request_id
    if result.rate_limits:
        yield "limits", "; ".join(map(_limit, result.rate_limits))
    if result.retry_after_s is not None:
        yield "retry after", brief(result.retry_after_s)
    for name, at in (("deprecated", result.deprecated_at), ("ends", result.sunset_at)):
        if at is not None:
            yield name, _date(at)


def _date(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):  # a header may say anything
        return "in no year of ours"


def _limit(limit: RateLimit) -> str:
    remaining = "?" if limit.remaining is None else f"{limit.remaining:,}"
    most = "" if limit.limit is None else f" of {limit.limit:,}"
    reset = "" if limit.reset_s is None else f", full again in {brief(limit.reset_s)}"
    return f"{limit.bucket.replace('_', ' ')} {remaining} left{most}{reset}"


def _ours(result: ProbeResult) -> Iterator[tuple[str, str]]:
    """Yield how far the figures can be believed."""
    if result.stamps is StampQuality.KERNEL:
        yield "measured by", "the kernel's packet stamps"
    elif result.stamps is StampQuality.USER:
        yield "measured by", f"our own clock; our loop was up to {seconds(result.loop_lag_s)} late"
    if result.tainted or result.interrupted:
        yield "doubtful", "our own lateness, or a clock that was set, may be in these times"


def seconds(value_s: float) -> str:
    """Return a duration with three digits that count, in the unit people say it in."""
    if value_s < 0.0000995:
        return f"{value_s * 1e6:.0f} µs"
    if value_s < 0.9995:
        value_ms = value_s * 1000.0
        return f"{value_ms:.{2 if value_ms < 9.995 else 1 if value_ms < 99.95 else 0}f} ms"
    if value_s < 599.5:
        return f"{value_s:.{2 if value_s < 9.995 else 1 if value_s < 99.95 else 0}f} s"
    return f"{value_s / 60.0:,.0f} min"


def brief(value_s: float) -> str:
    """Return a duration that somebody chose, not measured: without digits that say nothing."""
    number, unit = seconds(value_s).split()
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def size(count_bytes: int) -> str:
    """Return a number of bytes for people."""
    return f"{count_bytes} B" if count_bytes < 10_000 else f"{count_bytes / 1024:,.0f} KiB"


def usd(value_usd: float) -> str:
    """Return dollars: whole cents from a dollar on, below that three digits that count."""
    if value_usd == 0.0:
        return "$0"
    places = 2 if value_usd >= 0.995 else 2 - math.floor(math.log10(value_usd))
    return f"${value_usd:,.{places}f}"
