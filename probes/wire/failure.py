"""What can go wrong on the wire, translated at this edge into the closed set of wire failures.

Libraries' exceptions are not for showing: their texts hold addresses and header values. A detail
says the class of the error and the system's own words for its number, and nothing else.
"""

import errno
import os
import re
import socket
import ssl
from typing import Final

import aiohttp
from aiohttp.http_exceptions import ContentLengthError

from probes.classify import WireFailure
from probes.wire.content import ContentCapError, ContentCutError, ContentError
from probes.wire.resolver import TooManyLookupsError
from probes.wire.timeline import Timeline

_OURS: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)
"""Errors of this machine: out of descriptors, memory or ports."""
_CONNECT_OURS: Final = _OURS | {errno.EPERM}
"""And while connecting a firewall of our own. Later the same number means something else: aiohttp
hands on an OpenSSL error as an OSError with OpenSSL's number, which is 1 for almost all of them."""

_OPENSSL: Final = re.compile(r"\[(?:SSL|X509): ([A-Z0-9_]+)\]")
"""How Python begins the text of an OpenSSL error, with its reason."""

_DNS_OURS: Final = frozenset({socket.EAI_MEMORY, socket.EAI_SYSTEM})
"""The resolver says that it, not the name, has a problem."""


class ExchangeError(Exception):
    """An exchange ended without a usable answer. The message holds no address and no secret."""

    def __init__(self, kind: WireFailure, detail: str, *, after_s: float | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.after_s = after_s
        """Offset at which it was known, where that is not simply now (a deadline that passed)."""


def failure_of(
    error: Exception, timeline: Timeline, *, below: BaseException | None = None
) -> ExchangeError | None:
    """Translate an exception that ended an exchange; None when it is not the wire's (a bug).

    `below` is what ended the connection, where it is known and the exception does not say it.
    """
    if timeline.oversized or isinstance(error, ContentCapError):
        return ExchangeError(WireFailure.OVERSIZED, "the response is larger than a probe reads")
    failure = _while_connected(error, timeline, below)
    if failure is not None and failure.kind is WireFailure.RESET and _unheard(timeline):
        return ExchangeError(WireFailure.STALE, f"{_idle(timeline)}: {failure.detail}")
    return failure


def _while_connected(
    error: Exception, timeline: Timeline, below: BaseException | None
) -> ExchangeError | None:
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ClientConnectorCertificateError():
            return _while_connecting(error, timeline)
    broken_tls = _tls_words_in(error) or _tls_words_in(below)
    if broken_tls is not None:
        return ExchangeError(WireFailure.TLS, f"{broken_tls} {timeline.phase}")
    match error:
        case ContentCutError():
            return ExchangeError(WireFailure.TRUNCATED, str(error))
        case ContentError():
            return ExchangeError(WireFailure.PROTOCOL, str(error))
        case TooManyLookupsError():
            return ExchangeError(WireFailure.MONITOR, str(error))
        case aiohttp.ClientResponseError():
            return ExchangeError(
                WireFailure.PROTOCOL, f"not a valid HTTP response: {error.message}"
            )
        case aiohttp.ClientPayloadError():
            return _in_body(error, timeline)
        case aiohttp.InvalidURL():
            return ExchangeError(WireFailure.MONITOR, "the base URL is not usable")
        case aiohttp.ServerDisconnectedError():
            return ExchangeError(WireFailure.RESET, f"connection closed {timeline.phase}")
        case OSError() | aiohttp.ClientConnectionError():
            return _broken(error, timeline)
        case _:
            return None


def _while_connecting(
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError,
    timeline: Timeline,
) -> ExchangeError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return ExchangeError(WireFailure.TLS, f"certificate refused: {_reason(error)}")
    cause = error.os_error
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        ours = cause.errno in _DNS_OURS
        kind = WireFailure.MONITOR if ours else WireFailure.DNS
        return ExchangeError(kind, f"the name was not resolved: {cause.strerror or 'no reason'}")
    if _is_ours(cause, _CONNECT_OURS):
        return ExchangeError(WireFailure.MONITOR, _words(cause))
    if isinstance(error, aiohttp.ClientConnectorSSLError) or timeline.connect_s is not None:
        return ExchangeError(WireFailure.TLS, f"no TLS handshake: {_words(cause)}")
    return ExchangeError(WireFailure.CONNECT, _words(cause))


def _in_body(error: aiohttp.ClientPayloadError, timeline: Timeline) -> ExchangeError:
    """Tell a body that was cut from one that is not framed as HTTP wants it."""
    if timeline.broken is not None:
        return ExchangeError(WireFailure.RESET, f"{_words(timeline.broken)} {timeline.phase}")
    cause = error.__cause__
    if isinstance(cause, ContentLengthError) or "Not enough data" in str(cause):
        return ExchangeError(WireFailure.TRUNCATED, "the connection ended before the body did")
    return ExchangeError(WireFailure.PROTOCOL, "the body is not framed as HTTP wants it")


def _broken(error: Exception, timeline: Timeline) -> ExchangeError:
    cause = timeline.broken if timeline.broken is not None else error
    if _is_ours(cause, _OURS):
        return ExchangeError(WireFailure.MONITOR, _words(cause))
    return ExchangeError(WireFailure.RESET, f"{_words(cause)} {timeline.phase}")


def _unheard(timeline: Timeline) -> bool:
    """Whether a kept connection broke before it brought anything of this answer."""
    return timeline.reused is True and timeline.arrivals.last is None


def _idle(timeline: Timeline) -> str:
    if timeline.idle_s is None:  # it was gone before the request could be written
        return "reused connection"
    return f"reused connection, idle {timeline.idle_s:.1f} s"


def _is_ours(error: Exception, numbers: frozenset[int]) -> bool:
    """Whether this machine, not the peer or the way to it, has the problem."""
    if isinstance(error, ssl.SSLError):  # its errno is OpenSSL's own number, not the system's
        return False
    return isinstance(error, OSError) and error.errno in numbers


def _tls_words_in(error: BaseException | None) -> str | None:
    """Find the TLS error behind an exception, and its reason; None when there is none."""
    seen: set[int] = set()
    copied: re.Match[str] | None = None
    while error is not None and id(error) not in seen:
        if isinstance(error, ssl.SSLError):
            return _words(error)
        if isinstance(error, OSError):
            # With nobody waiting, aiohttp keeps a copy as an OSError, without saying of what.
            copied = copied or _OPENSSL.match(str(error.strerror))
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return _reason_words(copied[1]) if copied is not None else None


def _reason(error: aiohttp.ClientConnectorCertificateError) -> str:
    """Return OpenSSL's short reason, such as `self-signed certificate`."""
    cause = error.certificate_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message or "not verified"
    return type(cause).__name__


def _words(error: Exception) -> str:
    """Describe an error by its number or OpenSSL's reason: its own text may hold an address."""
    if isinstance(error, ssl.SSLError):
        return _reason_words(error.reason or type(error).__name__)
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return type(error).__name__


def _reason_words(reason: str) -> str:
    return reason.lower().replace("_", " ")
