"""One endpoint, asked once: no credentials, no redirects, nothing read but the answer's first word.

It goes its own way to the network, apart from the probes' pools: what is broken there must not
break the check that is to explain it.
"""

import asyncio
import errno
import socket
import ssl
from typing import Final

import aiohappyeyeballs
from aiohappyeyeballs import AddrInfoType

from monitor.egress.endpoint import Endpoint, Scheme, address
from monitor.egress.verdict import Contact
from probes.wire.resolver import ThreadResolver, TooManyLookupsError

DIAL_S: Final = 3.0
"""A whole look at one endpoint: a lost SYN is sent again after 1 s (RFC 6298, section 2.1), and
half the world is within 0.5 s."""
_EYEBALLS_S: Final = 0.25
"""RFC 8305, section 8: the recommended delay before the next address is tried as well."""
_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
"""What this machine's own routing says, as far as anybody can tell: connect(2)."""


async def dial(endpoint: Endpoint, resolver: ThreadResolver, tls: ssl.SSLContext | None) -> Contact:
    """Ask one endpoint within DIAL_S. `tls` is needed for https alone. Raises nothing."""
    failing = Contact.NO_NAME
    try:
        async with asyncio.timeout(DIAL_S):
            addresses = await _addresses(endpoint, resolver)
            failing = Contact.SILENT
            connected = await aiohappyeyeballs.start_connection(
                addresses, happy_eyeballs_delay=_EYEBALLS_S
            )
            if endpoint.scheme is Scheme.TCP:
                connected.close()
                return Contact.REACHED
            return await _head(endpoint, connected, tls)
    except OSError as error:  # TimeoutError, gaierror and SSLError are kinds of it
        return Contact.NO_ROUTE if error.errno in _NO_ROUTE else failing
    except (EOFError, TooManyLookupsError):  # hung up, or our own look-ups all hang
        return failing


async def _addresses(endpoint: Endpoint, resolver: ThreadResolver) -> list[AddrInfoType]:
    literal = address(endpoint.host)
    if literal is None:
        found, _ = await resolver.resolve(endpoint.host, endpoint.port)
        return found
    family = socket.AF_INET6 if ":" in literal else socket.AF_INET
    where = (literal, endpoint.port, 0, 0) if ":" in literal else (literal, endpoint.port)
    return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]


async def _head(
    endpoint: Endpoint, connected: socket.socket, tls: ssl.SSLContext | None
) -> Contact:
    secure = endpoint.scheme is Scheme.HTTPS
    try:
        reader, writer = await asyncio.open_connection(
            sock=connected,
            ssl=tls if secure else None,
            server_hostname=endpoint.host if secure else None,
        )
    except BaseException:
        connected.close()
        raise
    try:
        writer.write(
            f"HEAD {endpoint.path} HTTP/1.1\r\nHost: {_authority(endpoint)}\r\n"
            "User-Agent: sonde\r\nConnection: close\r\n\r\n".encode("ascii")
        )
        spoken = await reader.readexactly(5)
    finally:
        writer.transport.abort()
    return Contact.REACHED if spoken == b"HTTP/" else Contact.SILENT


def _authority(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"
