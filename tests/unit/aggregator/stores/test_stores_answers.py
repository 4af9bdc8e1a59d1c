"""What follows from a status and a server's own words."""

import pytest

from aggregator.stores.answers import (
    expired_points,
    meaning,
    outcome_of,
    retry_after_s,
    told_in,
)
from aggregator.stores.delivery import Outcome

OLD = "partial write: points beyond retention policy dropped=3"
NEWER = (
    "failure writing points to database: partial write: dropped 4 points outside retention policy"
    " of duration 24h0m0s - oldest point home at 1970-01-01T00:00:01.541Z dropped because it"
    " violates a Retention Policy Lower Bound at 2025-05-20T19:06:17.612973Z"
)
OUTSIDE = "data in table api_probe is outside of the retention period: minimum acceptable timestamp"
CONFLICT = (
    'partial write: field type conflict: input field "latency_ms" on measurement "api_probe" is'
    " type float, already exists as type integer dropped=1"
)
CONFLICT_3 = (
    "invalid column type for column 'latency_ms', expected iox::column_type::field::string,"
    " got iox::column_type::field::float"
)
FULL = "partial write: write /var/lib/influxdb/data/b/0002: no space left on device dropped=1"


@pytest.mark.parametrize(
    ("status", "told", "outcome"),
    [
        (200, "", Outcome.UNAVAILABLE),
        (202, "", Outcome.UNAVAILABLE),
        (204, "", Outcome.STORED),
        (302, "", Outcome.UNAVAILABLE),
        (400, "unable to parse", Outcome.REJECTED),
        (400, OLD, Outcome.EXPIRED),
        (400, CONFLICT_3, Outcome.REJECTED),
        (400, OUTSIDE, Outcome.EXPIRED),
        (400, FULL, Outcome.UNAVAILABLE),
        (400, "Please provide either orgID or org", Outcome.BUCKET),
        (401, "", Outcome.TOKEN),
        (403, "", Outcome.TOKEN),
        (403, OUTSIDE, Outcome.EXPIRED),
        (404, "", Outcome.BUCKET),
        (413, "", Outcome.TOO_LARGE),
        (422, "failure writing points to database: " + OLD, Outcome.EXPIRED),
        (422, NEWER, Outcome.EXPIRED),
        (422, CONFLICT, Outcome.REJECTED),
        (429, "", Outcome.THROTTLED),
        (500, "unexpected error writing points to database: " + OLD, Outcome.EXPIRED),
        (500, "unexpected error writing points to database: " + CONFLICT, Outcome.REJECTED),
        (500, "timeout", Outcome.UNAVAILABLE),
        (503, OLD, Outcome.UNAVAILABLE),
    ],
)
def test_outcomes(status: int, told: str, outcome: Outcome) -> None:
    """Every status is one of a closed set, and words count only where InfluxDB says them."""
    assert outcome_of(status, told) is outcome


@pytest.mark.parametrize("planted", [OLD, NEWER, OUTSIDE, FULL, CONFLICT])
def test_a_line_that_is_repeated_decides_nothing(planted: str) -> None:
    """What a provider said stands in a line that cannot be read: it is no word of the server's."""
    told = f"unable to parse 'api_probe error=\"{planted}\"': missing field value"
    assert outcome_of(400, told) is Outcome.REJECTED
    assert meaning(told) is None


def test_expired_points_are_counted_as_the_server_counts() -> None:
    """Its own number; none where it names none."""
    assert expired_points(OLD) == 3
    assert expired_points(NEWER) == 4
    assert expired_points(OUTSIDE) is None
    assert expired_points("partial write: field type conflict dropped=1") is None


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (CONFLICT, "the field 'latency_ms' of 'api_probe' is integer in this bucket, and we send"),
        (CONFLICT_3, "the field 'latency_ms' is string in this bucket, and we send float:"),
        (OLD, "older than the bucket keeps, or our clock is behind its server's"),
        (NEWER, "older than the bucket keeps, or our clock is behind its server's"),
        (OUTSIDE, "older than the bucket keeps, or our clock is behind its server's"),
        (FULL, "its disk is full"),
        (
            "partial write: max-series-per-database limit exceeded: (9) dropped=5",
            "the bucket takes",
        ),
    ],
)
def test_what_is_wrong_is_said_in_our_words(told: str, meant: str) -> None:
    """Which field, which type is kept and which we send; how it is mended."""
    found = meaning(told)
    assert found is not None
    assert found.startswith(meant)


def test_words_we_do_not_know_stay_as_they_are() -> None:
    """Nothing is made up."""
    assert meaning("engine is closed") is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"not JSON", "not JSON"),
        (b'{"message":' * 1_000, None),
        (b"[1, 2]", "[1, 2]"),
        (b'{"message": "2.x"}', "2.x"),
        (b'{"error": "1.x"}', "1.x"),
        (b'{"code": "x"}', '{"code": "x"}'),
        (b'{"message": [1], "error": {}}', '{"message": [1], "error": {}}'),
        (b'{"error": "partial", "data": [{"error_message": "why"}, {}]}', "partial: why"),
        (b'{"error": "all", "data": {"error_message": "why"}}', "all: why"),
        (b'{"error": "all", "data": []}', "all"),
        (b'{"error": "all", "data": [7]}', "all"),
    ],
)
def test_the_servers_own_words(body: bytes, told: str | None) -> None:
    """Of every version's shape of JSON, and whatever else comes as it is."""
    assert told_in(body) == (body.decode() if told is None else told)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("1e9", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Seconds are read; anything else says nothing."""
    assert retry_after_s(header) == seconds
