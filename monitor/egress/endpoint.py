"""The endpoints that tell whether our own way out works."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit


class Scheme(StrEnum):
    """How an endpoint is asked."""

    TCP = "tcp"
    """A connection is enough."""
    HTTP = "http"
    HTTPS = "https"
    """HEAD, and any answer of an HTTP server is enough; a certificate that does not fit is not."""


_PORTS: Final = {Scheme.HTTP: 80, Scheme.HTTPS: 443}
EXPECTED: Final = "expected HOST:PORT, or a URL such as https://example.com/"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that is up whatever becomes of a provider."""

    text: str
    """As it stands in the configuration: its name in metrics."""
    scheme: Scheme
    host: str
    port: int
    path: str = "/"

    @property
    def named(self) -> bool:
        """Whether the host is a name that has to be resolved."""
        return address(self.host) is None


def parse_endpoint(text: str) -> Endpoint:
    """Read `1.1.1.1:443`, `tcp://dns.google:443`, `[2606:4700::1111]:443` or `https://a.example/`.

    Raises ValueError, which does not repeat the text.
    """
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > 300:
        raise ValueError(EXPECTED)
    try:
        parts = urlsplit(text if "://" in text else f"tcp://{text}")
        scheme, host, port = Scheme(parts.scheme), parts.hostname, parts.port
    except ValueError:
        raise ValueError(EXPECTED) from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected an endpoint without a user name or password in it")
    port = port or _PORTS.get(scheme)
    if not host or port is None:
        raise ValueError(EXPECTED)
    if scheme is Scheme.TCP:
        if parts.path or parts.query or parts.fragment:
            raise ValueError("expected HOST:PORT and nothing behind it")
        return Endpoint(text, scheme, host, port)
    query = f"?{parts.query}" if parts.query else ""
    return Endpoint(text, scheme, host, port, (parts.path or "/") + query)


DEFAULT_ENDPOINTS: Final = tuple(
    parse_endpoint(text) for text in ("1.1.1.1:443", "dns.google:443", "dns.quad9.net:443")
)
"""Public resolvers of three operators, each in many places of the world and made to be asked by
anybody. One is an address, which tells a lost network from lost names; the names are of two
domains, so that one domain's trouble is not taken for our resolver's.
https://one.one.one.one https://developers.google.com/speed/public-dns https://quad9.net"""

_INSIDE: Final = (".internal", ".local", ".localhost", ".home.arpa")
"""Names that are somebody's own: https://www.rfc-editor.org/rfc/rfc6762 (local), rfc6761
(localhost), rfc8375 (home.arpa); `internal` is reserved for private use by ICANN."""


def address(host: str) -> str | None:
    """Return the host when it is an IP address; None when it is a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine: no network is between it and us."""
    if address(host) is None:
        return host == "localhost" or host.endswith(".localhost")
    return ip_address(host).is_loopback


def is_outside(host: str) -> bool:
    """Say whether the way to a host surely leads through our way out."""
    if address(host) is None:
        return "." in host and not host.endswith(_INSIDE)
    return ip_address(host).is_global
