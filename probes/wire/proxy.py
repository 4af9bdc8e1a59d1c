"""The way through an HTTP proxy: CONNECT, for https and for http alike.

A tunnel for both, because then everything behind it is the same: the provider's own TLS, the
connection that is kept, the stamps of its answer; and no proxy reads or rewrites what a probe says.
https://www.rfc-editor.org/rfc/rfc9110#name-connect

What goes wrong here is never the provider's: not reached through a proxy is not down.
"""

import asyncio
import re
import socket
import time
from base64 import b64encode
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from probes.secret import SecretError, SecretSource
from probes.wire.request import Origin
from probes.wire.timeline import Phase, Timeline

_T = TypeVar("_T")

DEFAULT_PORT: Final = 3128
"""Squid's; there is no registered one."""
HEAD_BYTES: Final = 16 * 1024
"""Most that a proxy may say before the way is open."""
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
TO_PROXY: Final = frozenset({Phase.RESOLVE, Phase.CONNECT, Phase.PROXY})
"""Phases in which an exchange through a proxy has not come farther than that."""
_REFUSALS: Final = frozenset({401, 403, 405, 407})
"""It is there, and does not want us: wrong credentials, or a rule against this host or port."""


class ProxyError(Exception):
    """The proxy did not open the way. The message holds no address and no secret."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused
        """Whether it wants something else of us, rather than not being able to."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy, and what it is told about us."""

    origin: Origin
    authorization: str | None = field(default=None, repr=False)
    """The value of Proxy-Authorization; None: it asks for none."""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """What must not be shown: the password, and the form it is sent in."""


def proxy_of(source: SecretSource) -> Proxy:
    """Read a proxy's address. Raises SecretError, which does not repeat it."""
    text = source.read().reveal()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme != "http" or not host or port == 0 or not bare or " " in text:
        raise SecretError("not a proxy's address such as http://proxy.example:3128")
    origin = Origin(host, port or DEFAULT_PORT, secure=False)
    if parts.username is None:
        return Proxy(origin)
    user, password = unquote(parts.username), unquote(parts.password or "")
    if ":" in user:
        raise SecretError("a proxy's user name holds a colon")
    token = b64encode(f"{user}:{password}".encode()).decode("ascii")
    return Proxy(origin, f"Basic {token}", (password, token))


class ProxyAddress:
    """A provider's proxy: read again when its file has changed."""

    def __init__(self, source: SecretSource) -> None:
        self._source = source
        self._version: tuple[int, int, int] | None = None
        self._proxy: Proxy | None = None

    def now(self) -> Proxy:
        """Return it as it is now. Raises ProxyError when it cannot be read or is none."""
        try:
            version = self._source.version()
            if self._proxy is None or version != self._version:
                self._proxy, self._version = proxy_of(self._source), version
        except SecretError as error:
            raise ProxyError(f"the proxy is not usable: {error}", refused=True) from None
        return self._proxy


async def open_way(sock: socket.socket, proxy: Proxy, origin: Origin, timeline: Timeline) -> None:
    """Have the proxy connect us to `origin`: what is sent after this goes there.

    The time this takes is part of connecting. Raises ProxyError. Whoever calls sets the deadline
    and closes the socket.
    """
    since = time.monotonic()
    timeline.tunnelling()
    loop = asyncio.get_running_loop()
    await _said(loop.sock_sendall(sock, _request(proxy, origin)))
    head = bytearray()
    while (end := _HEAD_END.search(head)) is None:
        data = await _said(loop.sock_recv(sock, 4096))
        head += data
        if not data or len(head) > HEAD_BYTES:
            raise ProxyError("the proxy gave no answer that could be read")
    _check(head, after=len(head) - end.end())
    timeline.tunnelled(since, time.monotonic())


def _request(proxy: Proxy, origin: Origin) -> bytes:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _said(talk: Awaitable[_T]) -> _T:
    try:
        return await talk
    except OSError as error:
        raise ProxyError(f"the connection to the proxy broke: {type(error).__name__}") from error


def _check(head: bytearray, after: int) -> None:
    found = _STATUS_LINE.match(head)
    if found is None:
        raise ProxyError("the proxy gave no answer that could be read")
    status = int(found[1])
    if status // 100 != 2:
        raise ProxyError(f"the proxy answered CONNECT with {status}", refused=status in _REFUSALS)
    if after:  # nobody speaks first behind it: neither TLS nor HTTP
        raise ProxyError("the proxy sent more than its answer to CONNECT")
