"""The connections of one provider key: what may be shared, and with what settings.

One aiohttp session over stamping sockets, kept for the life of the key, and a second one without
keep-alive for targets that want a fresh connection each time. aiohttp's own conveniences are off:
its timeouts (ours are totals), its pool limit (places are given out before), its DNS cache (a
probe is there to notice a broken name), cookies, redirects, decompression, the environment's
proxies and credentials. It repeats a request only for idempotent methods, and ours are POSTs.
"""

import socket
import ssl
from typing import Final

import aiohttp

from probes.target import Connection
from probes.wire.connector import ProbeConnector
from probes.wire.resolver import ThreadResolver
from probes.wire.sockets import StampingSocket
from probes.wire.timeline import MOST_BYTES

KEEPALIVE_S: Final = 50.0
"""Idle life of a connection. Servers and the load balancers in front of them commonly end one that
was idle for 60 to 75 s (https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html),
and a request that meets that end is lost. So at the default interval of 60 s each probe opens a
connection of its own, unless other targets of the same key keep one warm in between."""
HEADER_LINE_BYTES: Final = 16 * 1024
HEADERS: Final = 128
"""Longest header line and most headers of a response: more is no API's answer."""
READ_AHEAD_BYTES: Final = MOST_BYTES
"""As much as one exchange may bring in at all, so that the parser is never paused: while it is,
bytes would be read from the socket without being released, and stamps would not fit them."""
_NOT_OURS: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers aiohttp would add by itself: exactly those of the compiled request go out."""

_AddressInfo = tuple[
    int | socket.AddressFamily,
    int | socket.SocketKind,
    int,
    str,
    tuple[object, ...],
]


class ClosedError(Exception):
    """The prober has been closed: nothing is sent any more."""


class Sessions:
    """The HTTP sessions of one provider key. Made when first used, in the loop that uses them.

    Must be closed even when it was never used.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        # The kernel stamps packets while any socket asks for it, and takes its time to begin: with
        # fresh connections only, most answers would come in unstamped. This one asks all along.
        self._asking = StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0)
        self._tls = tls
        self._resolver = ThreadResolver()
        self._open: dict[Connection, aiohttp.ClientSession] = {}
        self._closed = False

    def get(self, connection: Connection) -> aiohttp.ClientSession:
        """Return the session for targets with this wish. Raises ClosedError after `close`."""
        if self._closed:
            raise ClosedError("this prober has been closed")
        session = self._open.get(connection)
        if session is None:
            session = self._open[connection] = self._make(connection)
        return session

    async def close(self) -> None:
        """Close every connection, at once and for good."""
        self._closed = True
        self._asking.close()
        sessions = list(self._open.values())
        self._open.clear()
        for session in sessions:
            await session.close()

    def _make(self, connection: Connection) -> aiohttp.ClientSession:
        fresh = connection is Connection.FRESH
        connector = ProbeConnector(
            ssl=self._tls if self._tls is not None else True,
            resolver=self._resolver,
            use_dns_cache=False,
            limit=0,
            force_close=fresh,
            keepalive_timeout=None if fresh else KEEPALIVE_S,
            socket_factory=_stamping_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            skip_auto_headers=_NOT_OURS,
            auto_decompress=False,
            trust_env=False,
            max_line_size=HEADER_LINE_BYTES,
            max_field_size=HEADER_LINE_BYTES,
            max_headers=HEADERS,
            read_bufsize=READ_AHEAD_BYTES,
        )


def _stamping_socket(address: _AddressInfo) -> socket.socket:
    family, kind, proto, _, _ = address
    return StampingSocket(family, kind, proto)
