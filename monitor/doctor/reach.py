"""The way to one place: its name, a connection, TLS, and what time it has. No secret is sent."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohappyeyeballs
from aiohappyeyeballs import AddrInfoType

from monitor.clock import Clock
from monitor.doctor.finding import Finding, Level
from monitor.doctor.issuer import issuer
from monitor.doctor.place import Place
from monitor.egress.endpoint import address
from probes.ratelimit import http_date
from probes.sanitise import sanitise
from probes.wire.resolver import ThreadResolver, TooManyLookupsError

STEP_S: Final = 5.0
"""For each step of the way: a lost SYN is sent again after 1 s and 3 s (RFC 6298)."""
SOON_S: Final = 14 * 86_400.0
"""A certificate that ends before this should have been renewed: Let's Encrypt's are, 30 days
before their end (https://letsencrypt.org/docs/integration-guide/)."""
HEAD_BYTES: Final = 16 * 1024
UNTRUSTED: Final = frozenset({18, 19, 20, 21})
"""X509_V_ERR_* of a chain that ends in nobody we know:
https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/"""

Contexts = Callable[[Place], ssl.SSLContext]


@dataclass(frozen=True, slots=True)
class Reached:
    """What was found on the way to one place."""

    finding: Finding
    ahead_s: float | None = None
    """How far its clock is ahead of ours, to within a second; None: it does not say."""


class _OffTrackError(Exception):
    """The way ends here; the text says how, and the remedy what to do."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


async def reach(
    place: Place, resolver: ThreadResolver, contexts: Contexts, clock: Clock
) -> Reached:
    """Go to a place as far as it is possible. Raises nothing."""
    where = f"{place.whose}: {place.host}:{place.port}"
    try:
        began = clock.monotonic()
        addresses = await _resolved(place, resolver)
        named = clock.monotonic()
        connection = await _connected(place, addresses)
        connected = clock.monotonic()
        reader, writer = await _secured(place, connection, addresses, contexts)
        secured = clock.monotonic()
    except _OffTrackError as error:
        return Reached(Finding("way", Level.FAIL, f"{where}: {error}", error.remedy))
    try:
        parts = [f"name {_ms(named - began)}", f"TCP {_ms(connected - named)}"]
        level, remedy = Level.OK, ""
        if place.tls:
            paper: Mapping[str, Any] = writer.get_extra_info("peercert") or {}
            version = writer.get_extra_info("ssl_object").version()
            left_s = ssl.cert_time_to_seconds(paper["notAfter"]) - clock.wall()
            parts.append(f"{version} {_ms(secured - connected)}")
            parts.append(f"certificate of {_issuer_of(paper)}, {left_s // 86_400:.0f} days left")
            if left_s < SOON_S:
                level, remedy = Level.WARN, "tell whoever runs it: it should have been renewed"
        ahead_s = await _ahead_s(place, reader, writer, clock)
    finally:
        writer.transport.abort()
    return Reached(Finding("way", level, f"{where}: {', '.join(parts)}", remedy), ahead_s)


def _ms(seconds: float) -> str:
    return f"{1000.0 * seconds:.0f} ms"


async def _resolved(place: Place, resolver: ThreadResolver) -> list[AddrInfoType]:
    literal = address(place.host)
    if literal is not None:
        family = socket.AF_INET6 if ":" in literal else socket.AF_INET
        where = (literal, place.port, 0, 0) if ":" in literal else (literal, place.port)
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)]
    try:
        async with asyncio.timeout(STEP_S):
            found, _ = await resolver.resolve(place.host, place.port)
    except TimeoutError:
        raise _OffTrackError(
            f"its name is not resolved within {STEP_S:g} s",
            "the name servers in /etc/resolv.conf do not answer",
        ) from None
    except (OSError, TooManyLookupsError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise _OffTrackError(
            f"its name does not resolve ({words})",
            f"is it spelled so? If others resolve neither: /etc/resolv.conf. {place.remedy}",
        ) from None
    return found


async def _connected(place: Place, addresses: list[AddrInfoType]) -> socket.socket:
    remedy = f"does a firewall want a proxy to be used? {place.remedy}"
    try:
        async with asyncio.timeout(STEP_S):
            return await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=0.25)
    except TimeoutError:
        raise _OffTrackError(f"no connection within {STEP_S:g} s", remedy) from None
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else "at none of its addresses"
        raise _OffTrackError(f"no connection ({words})", remedy) from None


async def _secured(
    place: Place, connection: socket.socket, addresses: list[AddrInfoType], contexts: Contexts
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(STEP_S):
            return await asyncio.open_connection(
                sock=connection,
                ssl=contexts(place) if place.tls else None,
                server_hostname=place.host if place.tls else None,
            )
    except ssl.SSLCertVerificationError as error:
        who = await _unverified_issuer(place, addresses)
        raise _distrusted(place, error, who) from None
    except TimeoutError:
        raise _OffTrackError(f"no TLS within {STEP_S:g} s", place.remedy) from None
    except OSError as error:
        words = sanitise(getattr(error, "reason", None) or error.strerror or str(error))
        raise _OffTrackError(f"no TLS ({words})", f"does it speak TLS? {place.remedy}") from None


def _distrusted(place: Place, error: ssl.SSLCertVerificationError, who: str) -> _OffTrackError:
    by = f"a certificate issued by {who or 'somebody without a name'}"
    if error.verify_code in UNTRUSTED:
        return _OffTrackError(
            f"{by}, whom this machine does not trust",
            "if that is your own proxy or authority, name its root in ca_file (or SSL_CERT_FILE);"
            f" else somebody listens in. {place.remedy}",
        )
    words = sanitise(error.verify_message)
    return _OffTrackError(f"{by} does not hold: {words}", f"is our clock right? {place.remedy}")


async def _unverified_issuer(place: Place, addresses: list[AddrInfoType]) -> str:
    """Return who issued the certificate that was refused; empty when that cannot be had."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname = False
    lax.verify_mode = ssl.CERT_NONE  # only to name whom we do not trust: nothing is sent
    try:
        async with asyncio.timeout(STEP_S):
            connection = await aiohappyeyeballs.start_connection(addresses)
            _, writer = await asyncio.open_connection(
                sock=connection, ssl=lax, server_hostname=place.host
            )
    except OSError:  # TimeoutError and SSLError are kinds of it
        return ""
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return sanitise(issuer(der or b""))


def _issuer_of(paper: Mapping[str, Any]) -> str:  # Any: as ssl has it
    names = {key: value for group in paper.get("issuer", ()) for key, value in group}
    return sanitise(names.get("organizationName") or names.get("commonName") or "nobody")


async def _ahead_s(
    place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock
) -> float | None:
    """Ask what time it is there; None: it does not speak HTTP, or does not say."""
    if place.port in {465, 587, 25}:
        return None
    host = f"[{place.host}]" if ":" in place.host else place.host
    try:
        async with asyncio.timeout(STEP_S):
            writer.write(
                f"HEAD / HTTP/1.1\r\nHost: {host}:{place.port}\r\nUser-Agent: sonde\r\n"
                "Connection: close\r\n\r\n".encode("ascii")
            )
            asked = clock.wall()
            head = await reader.readuntil(b"\r\n\r\n")
            date = dated(head[:HEAD_BYTES])
    except (OSError, EOFError, asyncio.LimitOverrunError, UnicodeError):  # a name beyond ASCII
        return None
    # A Date has whole seconds, rounded down: on average it is half a second behind.
    return None if date is None else date + 0.5 - (asked + clock.wall()) / 2.0


def dated(head: bytes) -> float | None:
    """Return the wall time in the Date of a response's head; None: there is none to be read."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"date":
            return http_date(value.decode("latin-1").strip())
    return None
