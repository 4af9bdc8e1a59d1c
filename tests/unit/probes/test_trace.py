"""What a close look keeps of an exchange: headers that matter, and no secret."""

import math

import pytest

from probes.result import Operation
from probes.target import Target
from probes.trace import MOST_SHOWN, Trace, address, shown
from probes.wire.request import Origin
from probes.wire.stamps import Moment
from probes.wire.timeline import Phase, Timeline

KEY = "sk-test-0123456789abcdef"


def target(deadline_s: float = 30.0) -> Target:
    return Target(
        name="chat",
        provider="p",
        preset="openai",
        model="m",
        operation=Operation.CHAT,
        prompt="ok?",
        deadline_s=deadline_s,
    )


def test_only_headers_that_matter_are_shown() -> None:
    """A cookie, an account or a header nobody has heard of is counted, not shown."""
    headers = {
        "set-cookie": "__cf_bm=secret",
        "openai-organization": "acme-inc",
        "x-new": "?",
        "authorization": "Bearer x",
        "x-request-id": "req_1",
        "x-ratelimit-remaining-requests": "99",
        "anthropic-ratelimit-tokens-limit": "1000",
        "content-type": "application/json",
    }
    trace = Trace()
    trace.ended(Timeline(), headers, ())
    assert trace.headers == (
        ("anthropic-ratelimit-tokens-limit", "1000"),
        ("content-type", "application/json"),
        ("x-ratelimit-remaining-requests", "99"),
        ("x-request-id", "req_1"),
    )
    assert trace.hidden_headers == 4


def test_an_echoed_key_is_masked_in_names_and_values() -> None:
    """A server that sends our key back in a header that is shown does not get it shown."""
    headers = {f"x-ratelimit-{KEY}": "1", "warning": f"key {KEY} is old", "via": "Bearer abcd1234x"}
    told = repr(shown(headers, (KEY,)))
    assert KEY not in told
    assert "abcd1234x" not in told
    assert told.count("***") == 3


def test_values_become_one_printable_line() -> None:
    """Escape sequences and a megabyte of text are nothing a terminal gets to see."""
    ((_, value),) = shown({"server": "a\x1b[2J\u202eb" + "x" * 10_000}, ())
    assert value.isprintable()
    assert len(value) == 200


def test_a_redirect_is_shown_without_its_query() -> None:
    """Where it leads matters; what stands behind the question mark may log somebody in."""
    headers = {"location": "https://login.example/x?token=abc#code=def"}
    assert shown(headers, ()) == (("location", "https://login.example/x"),)


def test_a_flood_of_headers_is_bounded() -> None:
    """Of a hundred rate limits forty are shown, and the rest is counted."""
    trace = Trace()
    trace.ended(Timeline(), {f"x-ratelimit-{n:03}": "1" for n in range(100)}, ())
    assert (len(trace.headers), trace.hidden_headers) == (MOST_SHOWN, 100 - MOST_SHOWN)


def test_no_head_means_no_headers() -> None:
    """Of a server that never answered there is nothing to show, and nothing hidden."""
    trace = Trace()
    trace.ended(Timeline(), None, ())
    assert (trace.headers, trace.hidden_headers, trace.reached) == ((), 0, Phase.START)


def test_what_the_wire_noticed_is_kept() -> None:
    """Bytes that came, how long the connection had been idle, how far the exchange got."""
    timeline = Timeline()
    timeline.idle_s = 3.0
    timeline.resolving()
    timeline.read(70, None, Moment(1.0, 1.0))
    trace = Trace()
    trace.ended(timeline, None, ())
    assert (trace.received_bytes, trace.idle_s, trace.reached) == (70, 3.0, Phase.RESOLVE)


def test_the_request_is_named_by_its_first_line_alone() -> None:
    """Method and address, no query and no header: the key stands in the second line."""
    data = f"POST /v1/chat?api-version=1 HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n\r\n{{}}"
    trace = Trace()
    trace.asked(Origin("api.example", 443, secure=True), data.encode(), (KEY,))
    assert trace.request == "POST https://api.example/v1/chat"
    assert trace.sent_bytes == len(data)
    assert KEY not in repr(trace)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin("a.example", 443, secure=True), "https://a.example"),
        (Origin("a.example", 80, secure=False), "http://a.example"),
        (Origin("a.example", 8000, secure=False), "http://a.example:8000"),
        (Origin("::1", 443, secure=False), "http://[::1]:443"),
    ],
)
def test_addresses(origin: Origin, expected: str) -> None:
    """The port stands there where it is not the scheme's own, and IPv6 in brackets."""
    assert address(origin) == expected


@pytest.mark.parametrize(
    ("within_s", "waited_s", "deadline_s"),
    [(math.inf, 5.0, 30.0), (40.0, 5.0, 30.0), (9.5, 0.0, 9.5), (9.5, 2.0, 7.5), (9.5, 10.0, 0.0)],
)
def test_patience_shortens_the_deadline(
    within_s: float, waited_s: float, deadline_s: float
) -> None:
    """The shorter of the two holds, the time spent waiting for a place taken off; never below 0."""
    limited = Trace(within_s=within_s).limited(target(), waited_s)
    assert limited.deadline_s == deadline_s
    assert limited.name == "chat"
