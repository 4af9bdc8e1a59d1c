"""The connections of one provider key: opened, kept for a while, looked at before they are used.

A kept connection on which anything has come in since is not used: a response nobody asked for
would be taken for the answer to the next request, and an end that was not read yet (our loop was
late) would cost a probe that looks like the provider's fault. Between that last look and the
request there is no await. The newest connection is used first, so that the others can age.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from typing import Final, cast

import aiohappyeyeballs

from probes.wire.connection import HttpConnection
from probes.wire.failure import not_reached
from probes.wire.proxy import ProxyAddress, open_way
from probes.wire.request import Origin
from probes.wire.resolver import ThreadResolver
from probes.wire.sockets import StampingSocket
from probes.wire.timeline import Timeline
from probes.wire.trust import Trust

KEEPALIVE_S: Final = 50.0
"""Idle life of a connection. Servers and the load balancers in front of them commonly end one that
was idle for 60 to 75 s (https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html),
and a request that meets that end is lost. So at the default interval of 60 s each probe opens a
connection of its own, unless other targets of the same key keep one warm in between."""
NEXT_ADDRESS_S: Final = 0.25
"""When the next address is tried beside one that does not answer; what RFC 8305 recommends:
https://www.rfc-editor.org/rfc/rfc8305#section-5."""
READ_BYTES: Final = 64 * 1024
"""Most that one read takes: four full TLS records."""


class ClosedError(Exception):
    """The prober has been closed: nothing is sent any more."""


class Pool:
    """The connections of one provider key, all in one loop. Must be closed even if never used."""

    def __init__(
        self,
        tls: ssl.SSLContext | None,
        resolver: ThreadResolver | None = None,
        keepalive_s: float = KEEPALIVE_S,
        proxy: ProxyAddress | None = None,
        trust: Trust | None = None,
    ) -> None:
        # The kernel stamps packets while any socket asks for it, and takes its time to begin: with
        # fresh connections only, most answers would come in unstamped. This one asks all along.
        self._asking = StampingSocket(socket.AF_INET, socket.SOCK_STREAM, 0)
        self._tls = tls
        self._resolver = resolver or ThreadResolver()
        self._keepalive_s = keepalive_s
        self._proxy = proxy
        self._trust = trust
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._busy: set[HttpConnection] = set()
        self._making: set[asyncio.Timeout] = set()
        self._idle: dict[Origin, list[HttpConnection]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def get(self, origin: Origin, timeline: Timeline, *, fresh: bool) -> HttpConnection:
        """Return a connection to ask on at once, without an await in between.

        Raises ClosedError after `close`, OSError, ProxyError, TrustError and TooManyLookupsError
        when none can be had.
        """
        self._check_open()
        connection = None if fresh else self._kept(origin, timeline)
        if connection is None:
            connection = await self._made(origin, timeline)
        self._busy.add(connection)
        return connection

    def put(self, origin: Origin, connection: HttpConnection, *, keep: bool) -> None:
        """Take a connection back: keep it if it is clean, else end it at once."""
        self._busy.discard(connection)
        if not (connection.rest(time.monotonic()) and keep) or self._closed:
            connection.abort()
            return
        self._idle.setdefault(origin, []).append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._keepalive_s, self._end_old)

    async def close(self) -> None:
        """Close every connection, at once and for good; exchanges under way get ClosedError."""
        self._closed = True
        self._asking.close()
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in (*self._busy, *(each for kept in self._idle.values() for each in kept)):
            connection.abort(ClosedError("this prober has been closed"))
        self._idle.clear()
        for making in self._making:
            making.reschedule(0.0)
        await asyncio.sleep(0)  # the turn of the loop in which it closes the sockets

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this prober has been closed")

    def _kept(self, origin: Origin, timeline: Timeline) -> HttpConnection | None:
        kept, now = self._idle.get(origin, []), time.monotonic()
        while kept:
            connection = kept.pop()
            idle_s = now - connection.idle_since
            if idle_s <= self._keepalive_s and connection.usable():
                timeline.reused, timeline.idle_s = True, idle_s
                return connection
            connection.abort()
        return None

    def _end_old(self) -> None:
        """End the connections whose time is over; they stand before those that are younger."""
        self._sweep = None
        now = time.monotonic()
        for kept in self._idle.values():
            while kept and now - kept[0].idle_since >= self._keepalive_s:
                kept.pop(0).abort()
        due = [kept[0].idle_since + self._keepalive_s for kept in self._idle.values() if kept]
        if due:
            self._sweep = asyncio.get_running_loop().call_at(min(due), self._end_old)

    async def _made(self, origin: Origin, timeline: Timeline) -> HttpConnection:
        making = asyncio.timeout(None)  # passes when this pool closes
        try:
            async with making:
                self._making.add(making)
                connection = await self._connect(origin, timeline)
        except TimeoutError:
            if making.expired():
                self._check_open()
            raise
        finally:
            self._making.discard(making)
        if self._closed:
            connection.abort()
            self._check_open()
        return connection

    async def _connect(self, origin: Origin, timeline: Timeline) -> HttpConnection:
        proxy = self._proxy.now() if self._proxy is not None else None
        tls = self._tls_now() if origin.secure else None
        sock = await self._dialled(proxy.origin if proxy is not None else origin, timeline)
        connection = HttpConnection(sock, self._buffer)
        try:
            if proxy is not None:
                sock.timeline = None  # what is said to a proxy is no part of the exchange
                await open_way(sock, proxy, origin, timeline)
                sock.timeline = timeline
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=sock,
                ssl=tls,
                server_hostname=origin.host.rstrip(".") if origin.secure else None,
            )
        except BaseException:
            connection.abort()
            sock.close()
            raise
        timeline.reused = False
        return connection

    def _tls_now(self) -> ssl.SSLContext | bool:
        return self._trust.now() if self._trust is not None else self._tls or True

    async def _dialled(self, whom: Origin, timeline: Timeline) -> StampingSocket:
        try:
            addresses = await self._addresses(whom, timeline)
            sock = await aiohappyeyeballs.start_connection(
                addresses,
                happy_eyeballs_delay=NEXT_ADDRESS_S,
                socket_factory=lambda address: StampingSocket(*address[:3], timeline),
            )
        except OSError as error:
            if self._proxy is not None:
                raise not_reached(error) from error
            raise
        return cast("StampingSocket", sock)

    async def _addresses(
        self, origin: Origin, timeline: Timeline
    ) -> list[aiohappyeyeballs.AddrInfoType]:
        host, port = origin.host, origin.port
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            timeline.resolving()
            addresses, took_s = await self._resolver.resolve(host, port)
            timeline.resolved(took_s)
            return addresses
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))]
