"""Rate-limit headers are read strictly; what cannot be read is unknown, never 0."""

import pytest

from probes.ratelimit import (
    COMPATIBLE_DIALECT,
    OPENAI_DIALECT,
    go_duration_s,
    rate_limits,
    retry_after_s,
)
from probes.result import RateLimit

NOW = 1_780_000_000.0  # 2026-05-28T20:26:40Z


def test_openai_headers() -> None:
    """Limits and remainders are counts, resets are Go durations."""
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": " 499 ",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
        "x-ratelimit-remaining-project-tokens": "7",
    }
    assert rate_limits(headers, OPENAI_DIALECT) == (
        RateLimit("requests", 500, 499, 0.12),
        RateLimit("tokens", 30000, 0, 360.0),
        RateLimit("project_tokens", None, 7, None),
    )


def test_no_headers_no_buckets() -> None:
    """A provider that states nothing has no buckets, rather than empty ones."""
    assert rate_limits({"content-type": "application/json"}, OPENAI_DIALECT) == ()


@pytest.mark.parametrize(
    "junk", ["-1", "", "many", "1e9", "0x10", "1,000", "1.5", "٣", "9" * 16, "5 5", "+5"]
)
def test_a_count_that_cannot_be_read_is_unknown(junk: str) -> None:
    """-1 (Azure) and anything that is not a plain number are None, never 0."""
    headers = {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": junk,
    }
    (bucket,) = rate_limits(headers, OPENAI_DIALECT)
    assert bucket == RateLimit("requests", 10, None, None)


def test_a_bucket_of_junk_alone_is_not_there() -> None:
    """A bucket of which nothing can be read is left out."""
    assert rate_limits({"x-ratelimit-remaining-tokens": "-1"}, OPENAI_DIALECT) == ()


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        pytest.param("59", 59.0, id="bare-seconds"),
        pytest.param("0", 0.0, id="zero-stated"),
        pytest.param("1.25", 1.25, id="fraction"),
        pytest.param("1780000030", 30.0, id="epoch"),
        pytest.param("1780000030500", 30.5, id="epoch-ms"),
        pytest.param("1779999999", 0.0, id="epoch-past"),
        pytest.param("2026-05-28T20:27:00Z", 20.0, id="iso"),
        pytest.param("2026-05-28T22:27:00+02:00", 20.0, id="iso-offset"),
        pytest.param("2026-05-28T20:27:00", 20.0, id="iso-utc-assumed"),
        pytest.param("2026-05-28", None, id="date-alone"),
        pytest.param("0001-01-01T00:00:00+23:59", 0.0, id="iso-first-day"),
        pytest.param("2026-13-45T00:00:00Z", None, id="no-such-day"),
        pytest.param("T" * 100, None, id="long"),
        pytest.param("soon", None, id="junk"),
        pytest.param("-5s", None, id="negative"),
    ],
)
def test_reset_shapes(reset: str, seconds: float | None) -> None:
    """Spans, epochs and ISO times are told apart by their shape."""
    headers = {"x-ratelimit-limit-requests": "1", "x-ratelimit-reset-requests": reset}
    (bucket,) = rate_limits(headers, OPENAI_DIALECT, now_wall=NOW)
    assert bucket.reset_s == seconds


def test_a_reset_written_as_a_time_needs_now() -> None:
    """Without a clock a moment cannot become a span."""
    headers = {"x-ratelimit-limit-requests": "1", "x-ratelimit-reset-requests": "1780000030"}
    (bucket,) = rate_limits(headers, OPENAI_DIALECT)
    assert bucket.reset_s is None


def test_compatible_dialect_knows_several_names() -> None:
    """Mistral's, Anthropic's and plain names are read; the first that is there counts."""
    headers = {
        "x-ratelimit-limit-req-minute": "60",
        "x-ratelimit-remaining-req-minute": "59",
        "x-ratelimit-limit": "9999",
        "anthropic-ratelimit-tokens-limit": "8000",
        "anthropic-ratelimit-tokens-reset": "2026-05-28T20:27:00Z",
    }
    assert rate_limits(headers, COMPATIBLE_DIALECT, now_wall=NOW) == (
        RateLimit("requests", 60, 59, None),
        RateLimit("tokens", 8000, None, 20.0),
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("120ms", 0.12),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("250μs", 0.00025),
        ("100ns", 1e-7),
        ("1.5h", 5400.0),
    ],
)
def test_go_durations(text: str, seconds: float) -> None:
    """Every unit of Go is known, `ms` is not read as minutes."""
    assert go_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "1", "1x", "1s ", " 1s", "1m30", "-1s", "1.s", ".5s", "1d", "1s" * 40, "٣s"]
)
def test_left_over_text_is_refused(text: str) -> None:
    """A duration is read whole or not at all."""
    assert go_duration_s(text) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "20"}, 20.0, id="seconds"),
        pytest.param({"retry-after": "0"}, 0.0, id="now"),
        pytest.param({"retry-after": "1.5"}, 1.5, id="fraction"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "20"}, 1.5, id="ms-first"),
        pytest.param({"retry-after-ms": "junk", "retry-after": "20"}, 20.0, id="ms-junk"),
        pytest.param({"retry-after": "Thu, 28 May 2026 20:27:10 GMT"}, 30.0, id="imf-date"),
        pytest.param({"retry-after": "Thursday, 28-May-26 20:27:10 GMT"}, 30.0, id="rfc850-date"),
        pytest.param({"retry-after": "Thu May 28 20:27:10 2026"}, 30.0, id="asctime-date"),
        pytest.param({"retry-after": "Thu, 28 May 2020 20:27:10 GMT"}, 0.0, id="past-date"),
        pytest.param({"retry-after": "Thu, 99 May 2026 20:27:10 GMT"}, None, id="no-such-date"),
        pytest.param({"retry-after": "a:b:c"}, None, id="no-date"),
        pytest.param({"retry-after": "-3"}, None, id="negative"),
        pytest.param({"retry-after": "inf"}, None, id="infinite"),
        pytest.param({"retry-after": "nan"}, None, id="nan"),
        pytest.param({"retry-after": "9" * 400}, None, id="endless"),
        pytest.param({"retry-after": ""}, None, id="empty"),
        pytest.param({}, None, id="absent"),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds, seconds and all three forms of an HTTP date are read; junk is None."""
    assert retry_after_s(headers, 1_780_000_000.0) == seconds
