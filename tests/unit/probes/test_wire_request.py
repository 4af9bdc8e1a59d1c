"""Requests as bytes: exactly what was asked for, or nothing."""

import pytest

from probes.wire.request import Origin, Request, address_of, head_of


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://h/v1", (Origin("h", 80, secure=False), "h", "/v1")),
        ("https://H.example:8443", (Origin("h.example", 8443, secure=True), "H.example:8443", "/")),
        ("https://[::1]/a?b=c", (Origin("::1", 443, secure=True), "[::1]", "/a?b=c")),
    ],
)
def test_addresses(url: str, found: tuple[Origin, str, str]) -> None:
    """Whom to connect to, what to call it, what to ask it for."""
    assert address_of(url) == found


@pytest.mark.parametrize(
    "url",
    ["", "h/v1", "ftp://h/hunter2", "http:///hunter2", "http://h:99999/hunter2", "http://[h/"],
)
def test_unusable_addresses_are_refused(url: str) -> None:
    """One ValueError for all of them, which does not repeat the address."""
    with pytest.raises(ValueError, match="not usable") as caught:
        address_of(url)
    assert "hunter2" not in str(caught.value)


def test_credentials_in_an_address_are_refused() -> None:
    """They would be lost: the key is in a header."""
    with pytest.raises(ValueError, match="a user name or a password") as caught:
        address_of("http://user:hunter2@h/")
    assert "hunter2" not in str(caught.value)


def test_a_head_holds_exactly_what_was_given() -> None:
    """The headers in their order, Host and Content-Length; `close` only when it is wanted."""
    headers = [("accept", "*/*"), ("x-name", "ü")]
    kept = head_of("POST", "h:1", "/v1?a=b", headers, body_bytes=7, fresh=False)
    fresh = head_of("POST", "h:1", "/v1?a=b", headers, body_bytes=7, fresh=True)

    lines = (
        "POST /v1?a=b HTTP/1.1\r\nHost: h:1\r\naccept: */*\r\nx-name: ü\r\nContent-Length: 7\r\n"
    )
    assert kept == f"{lines}\r\n".encode()
    assert fresh == f"{lines}Connection: close\r\n\r\n".encode()


@pytest.mark.parametrize("control", ["\r\n", "\n", "\r", "\0", "\u2028"])
@pytest.mark.parametrize("place", ["method", "host", "target", "name", "value"])
def test_no_line_becomes_two(place: str, control: str) -> None:
    """Whatever is put into a head, it holds one request."""
    texts = dict.fromkeys(("method", "host", "target", "name", "value"), "x")
    texts[place] += f"{control}secret"
    method, host, target, name, value = texts.values()
    with pytest.raises(ValueError, match="control character") as caught:
        head_of(method, host, target, [(name, value)], body_bytes=0, fresh=False)
    assert "secret" not in str(caught.value)


def test_a_request_does_not_show_its_bytes() -> None:
    """They hold the key."""
    assert "secret" not in repr(Request(Origin("h", 80, secure=False), b"secret"))
