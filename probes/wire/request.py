"""A finished request: where it goes, and every byte of it. Nothing is added on the way."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit


class Origin(NamedTuple):
    """Whom a connection is with."""

    host: str
    port: int
    secure: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Its bytes hold the key."""

    origin: Origin
    data: bytes = field(repr=False)
    fresh: bool = False
    """Whether it wants a connection of its own, which is closed behind it."""


def address_of(url: str) -> tuple[Origin, str, str]:
    """Take a URL apart: whom to connect to, the Host header, the request's target.

    Raises ValueError, which does not repeat the URL, for one that cannot be asked.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the base URL is not usable") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("the base URL is not usable")
    if "@" in parts.netloc:
        raise ValueError("the base URL holds a user name or a password")
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Origin(host, port or (443 if secure else 80), secure), parts.netloc, target


def head_of(
    method: str,
    host: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    *,
    body_bytes: int,
    fresh: bool,
) -> bytes:
    """Write the head of a request with exactly these headers, Host, Content-Length and framing.

    Raises ValueError, which repeats nothing, when a line would not stay one line.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {body_bytes}")
    if fresh:
        lines.append("Connection: close")
    if any(not line.isprintable() for line in lines):
        raise ValueError("a header or the address holds a control character")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
