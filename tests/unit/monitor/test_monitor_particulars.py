"""What a result says beside its times: known things in words, unknown ones not at all."""

import pytest

from monitor.particulars import brief, particulars, seconds, size, usd
from probes.result import Fault, ProbeResult, RateLimit, StampQuality, Verdict
from probes.trace import Trace
from probes.wire.timeline import Phase
from tests.unit.aggregator.samples import result, stream


def told(found: ProbeResult, **seen: object) -> dict[str, str]:
    trace = Trace(**({"reached": Phase.BODY} | seen))  # type: ignore[arg-type] # of many types
    return dict(particulars(found, trace))


def test_the_unknown_has_no_line() -> None:
    """A result that knows nothing but its time says nothing but its time."""
    assert told(result()) == {"latency": "1.00 s"}
    assert told(result(), reached=Phase.START) == {}


def test_a_failure_says_whose_why_and_what_to_do() -> None:
    """Fault, detail and hint, each on a line of its own."""
    found = result(
        verdict=Verdict.AUTH, fault=Fault.ACCOUNT, detail="HTTP 401", hint="check the key"
    )
    assert told(found) == {
        "fault": "account",
        "why": "HTTP 401",
        "what to do": "check the key",
        "latency": "1.00 s",
    }


def test_a_stream_of_a_reasoning_model() -> None:
    """First token and first visible token, all four kinds of tokens, pace, cost."""
    found = stream(
        0.5,
        1.5,
        11,
        first_visible_token_s=1.0,
        input_tokens=20,
        cached_tokens=8,
        reasoning_tokens=5,
        cost_usd=0.0000123,
        response_chars=42,
        finish_reason="stop",
        server_ms=1400.0,
    )
    assert told(found) == {
        "latency": "1.50 s; first token after 500 ms; first visible one after 1.00 s",
        "server says": "it worked for 1.40 s",
        "tokens": "20 in (8 cached), 11 out (5 reasoning), 11.0 a second, 100 ms between two",
        "cost": "$0.0000123",
        "answer": "42 characters, finished: stop",
    }


def test_the_wire() -> None:
    """Address, bytes both ways, and whether the connection was new."""
    request = {"request": "POST https://a/v1", "sent_bytes": 700}
    assert told(result(reused=False), **request) == {
        "latency": "1.00 s",
        "request": "POST https://a/v1",
        "bytes": "700 B sent",
        "connection": "new",
    }
    more = told(result(reused=True), received_bytes=20_480, idle_s=12.0, **request)
    assert more["bytes"] == "700 B sent, 20 KiB came back"
    assert more["connection"] == "used again, idle for 12.0 s"


def test_what_the_provider_told() -> None:
    """Model, fingerprint, request id, limits as far as they are stated, and dates of an end."""
    found = result(
        returned_model="m-2",
        fingerprint="fp",
        request_id="req_1",
        rate_limits=(
            RateLimit("requests", 10_000, 9_998, 6.0),
            RateLimit("project_tokens", None, None, None),
        ),
        retry_after_s=2.5,
        deprecated_at=1_760_000_000.0,
        sunset_at=1_770_000_000.0,
        cosine=0.99999,
    )
    assert told(found) == {
        "latency": "1.00 s",
        "answer": "cosine to the reference 0.999990",
        "model": "m-2, fingerprint fp",
        "request id": "req_1",
        "limits": "requests 9,998 left of 10,000, full again in 6 s; project tokens ? left",
        "retry after": "2.5 s",
        "deprecated": "2025-10-09",
        "ends": "2026-02-02",
    }
    assert told(result(returned_model="m"))["model"] == "m"
    assert told(result(sunset_at=1e15))["ends"] == "in no year of ours"


def test_how_far_the_figures_can_be_believed() -> None:
    """Whose clock, how late we were, and a doubt where there is one; waiting for a place apart."""
    kernel = told(result(stamps=StampQuality.KERNEL, waited_s=0.25))
    assert kernel["measured by"] == "the kernel's packet stamps"
    assert kernel["waited"] == "250 ms before that, for a place or a first request"
    own = told(result(stamps=StampQuality.USER, loop_lag_s=0.012, latency_tainted=True))
    assert own["measured by"] == "our own clock; our loop was up to 12.0 ms late"
    assert "doubtful" in own
    assert "doubtful" in told(result(interrupted=True))


@pytest.mark.parametrize(
    ("value_s", "exact", "short"),
    [
        (0.0, "0 µs", "0 µs"),
        (0.000028, "28 µs", "28 µs"),
        (0.00152, "1.52 ms", "1.52 ms"),
        (0.006, "6.00 ms", "6 ms"),
        (0.0614, "61.4 ms", "61.4 ms"),
        (0.1, "100 ms", "100 ms"),
        (0.9996, "1.00 s", "1 s"),
        (9.994, "9.99 s", "9.99 s"),
        (30.0, "30.0 s", "30 s"),
        (120.0, "120 s", "120 s"),
        (600.0, "10 min", "10 min"),
    ],
)
def test_seconds(value_s: float, exact: str, short: str) -> None:
    """Three digits that count; of a duration somebody chose, those that say something."""
    assert (seconds(value_s), brief(value_s)) == (exact, short)


@pytest.mark.parametrize(
    ("value_usd", "expected"),
    [
        (0.0, "$0"),
        (0.00000022, "$0.000000220"),
        (0.0123, "$0.0123"),
        (0.999, "$1.00"),
        (1234.5, "$1,234.50"),
    ],
)
def test_usd(value_usd: float, expected: str) -> None:
    """A probe costs so little that three digits that count say more than cents."""
    assert usd(value_usd) == expected


def test_sizes() -> None:
    """Bytes up to ten thousand, then KiB."""
    assert (size(9_999), size(10_240)) == ("9999 B", "10 KiB")
