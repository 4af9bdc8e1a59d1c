"""Endpoints as people write them."""

import pytest

from monitor.egress.endpoint import (
    DEFAULT_ENDPOINTS,
    Endpoint,
    Scheme,
    is_loopback,
    is_outside,
    parse_endpoint,
)


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "path"),
    [
        ("1.1.1.1:443", Scheme.TCP, "1.1.1.1", 443, "/"),
        ("dns.google:53", Scheme.TCP, "dns.google", 53, "/"),
        ("tcp://dns.google:53", Scheme.TCP, "dns.google", 53, "/"),
        ("[2606:4700::1111]:443", Scheme.TCP, "2606:4700::1111", 443, "/"),
        ("https://Example.com", Scheme.HTTPS, "example.com", 443, "/"),
        ("http://example.com:81/up?a=b", Scheme.HTTP, "example.com", 81, "/up?a=b"),
    ],
)
def test_what_is_read(text: str, scheme: Scheme, host: str, port: int, path: str) -> None:
    """Host and port for a connection, or a URL for HEAD; the text stays the name."""
    assert parse_endpoint(text) == Endpoint(text, scheme, host, port, path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.com", "1.1.1.1", ":443", "1.1.1.1:0", "1.1.1.1:99999", "ftp://a.example:1"),
        *("tcp://a.example:1/x", "https://", "https://u:secret@a.example", "a b:1", "é.example:1"),
        *("https://[::1", "x" * 301 + ":1"),
    ],
)
def test_what_is_refused(text: str) -> None:
    """Anything else is refused in words that do not repeat it: it may hold a password."""
    with pytest.raises(ValueError, match=r"^expected ") as caught:
        parse_endpoint(text)
    assert "secret" not in str(caught.value)


def test_the_default_tells_a_lost_network_from_lost_names() -> None:
    """At least one address, and names of at least two domains."""
    names = [endpoint.host for endpoint in DEFAULT_ENDPOINTS if endpoint.named]
    assert 0 < len(names) < len(DEFAULT_ENDPOINTS)
    assert len({name.rpartition(".")[0].rpartition(".")[2] for name in names}) == len(names) == 2


@pytest.mark.parametrize(
    ("host", "loopback", "outside"),
    [
        ("api.openai.com", False, True),
        ("1.1.1.1", False, True),
        ("10.0.0.5", False, False),
        ("vllm.internal", False, False),
        ("nas.local", False, False),
        ("vllm", False, False),
        ("127.0.0.1", True, False),
        ("::1", True, False),
        ("localhost", True, False),
        ("a.localhost", True, False),
    ],
)
def test_what_our_way_out_leads_to(host: str, loopback: bool, outside: bool) -> None:
    """Only what is surely outside is judged by it unasked, and never this machine itself."""
    assert (is_loopback(host), is_outside(host)) == (loopback, outside)
