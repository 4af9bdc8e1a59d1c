"""A proxy's address: read, taken apart, and never shown."""

from pathlib import Path

import pytest

from probes.secret import Secret, SecretError, SecretSource
from probes.wire.proxy import DEFAULT_PORT, ProxyAddress, ProxyError, proxy_of
from probes.wire.request import Origin


def _source(text: str) -> SecretSource:
    return SecretSource(Secret(text))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://proxy.example:8080", Origin("proxy.example", 8080, secure=False)),
        ("http://proxy.example", Origin("proxy.example", DEFAULT_PORT, secure=False)),
        ("http://[::1]:3128/", Origin("::1", 3128, secure=False)),
    ],
)
def test_an_address_without_credentials(text: str, origin: Origin) -> None:
    """Host and port; the port has a default."""
    proxy = proxy_of(_source(text))
    assert (proxy.origin, proxy.authorization, proxy.hidden) == (origin, None, ())


def test_credentials_are_told_to_it_alone() -> None:
    """Percent-encoded in the address, Basic on the wire, in no repr."""
    proxy = proxy_of(_source("http://us%40er:p%2Fss@h:1"))
    assert proxy.authorization == "Basic dXNAZXI6cC9zcw=="
    assert proxy.hidden == ("p/ss", "dXNAZXI6cC9zcw==")
    assert "p/ss" not in repr(proxy)
    assert "dXN" not in repr(proxy)


def test_a_user_without_a_password() -> None:
    """An empty password is one."""
    assert proxy_of(_source("http://u@h:1")).authorization == "Basic dTo="


@pytest.mark.parametrize(
    "text",
    [
        "house:3128",
        "https://proxy.example:3128",
        "socks5://proxy.example:1080",
        "http://:3128",
        "http://h:0",
        "http://h:99999",
        "http://h:x",
        "http://[::1",
        "http://h:1/path",
        "http://h:1?a=b",
        "http://h:1#a",
        "http://h h:1",
        "http://u%3Av:p@h:1",
    ],
)
def test_what_is_no_proxys_address(text: str) -> None:
    """Refused, without being repeated."""
    with pytest.raises(SecretError, match="proxy") as caught:
        proxy_of(_source(text))
    assert text not in str(caught.value)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    """And only then; one that has gone says so."""
    place = tmp_path / "proxy"
    place.write_text("http://one:1\n")
    address = ProxyAddress(SecretSource(path=place))
    first = address.now()
    assert address.now() is first
    place.write_text("http://another:2\n")
    assert address.now().origin == Origin("another", 2, secure=False)
    place.unlink()
    with pytest.raises(ProxyError, match="No such file") as caught:
        address.now()
    assert caught.value.refused
