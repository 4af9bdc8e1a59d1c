"""What can go wrong on the wire, translated at this edge into the closed set of wire failures.

The texts of exceptions are not for showing: they hold addresses. A detail says the class of the
error and the system's own words for its number, and nothing else.
"""

import errno
import os
import socket
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from probes.hints import Hint
from probes.verdicts import WireFailure
from probes.wire.content import ContentCapError, ContentCutError, ContentError
from probes.wire.proxy import ProxyError
from probes.wire.resolver import TooManyLookupsError
from probes.wire.response import CutError, FramingError
from probes.wire.timeline import Phase, Timeline, UnaskedError
from probes.wire.trust import NoRootsError, TrustError

_OURS: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)
"""Errors of this machine: out of descriptors, memory or ports."""
_CONNECT_OURS: Final = _OURS | {errno.EPERM}
"""And while connecting a firewall of our own."""
_BEFORE_SENDING: Final = frozenset({Phase.START, Phase.RESOLVE, Phase.CONNECT, Phase.TLS})

_DNS_OURS: Final = frozenset({socket.EAI_MEMORY, socket.EAI_SYSTEM})
"""The resolver says that it, not the name, has a problem."""

_BY_CERTIFICATE: Final[Mapping[int, Hint]] = MappingProxyType(
    {
        9: Hint.NOT_YET_VALID,
        10: Hint.EXPIRED,
        18: Hint.PRIVATE_CA,  # self-signed
        19: Hint.PRIVATE_CA,  # self-signed certificate in the chain
        20: Hint.PRIVATE_CA,  # unable to get the local issuer's certificate
        21: Hint.PRIVATE_CA,
        62: Hint.OTHER_HOST,
        64: Hint.OTHER_HOST,  # the same for an address
    }
)
"""X509_V_ERR_…: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/#error-codes."""
_BY_TLS_REASON: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        "WRONG_VERSION_NUMBER": Hint.NO_TLS,
        "HTTP_REQUEST": Hint.NO_TLS,
        "PACKET_LENGTH_TOO_LONG": Hint.NO_TLS,
        "RECORD_LAYER_FAILURE": Hint.NO_TLS,
        "TLSV13_ALERT_CERTIFICATE_REQUIRED": Hint.CLIENT_CERTIFICATE,
    }
)


class ExchangeError(Exception):
    """An exchange ended without a usable answer. The message holds no address and no secret."""

    def __init__(
        self,
        kind: WireFailure,
        detail: str,
        *,
        after_s: float | None = None,
        hint: Hint | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.hint = hint
        self.after_s = after_s
        """Offset at which it was known, where that is not simply now (a deadline that passed)."""


def failure_of(error: Exception, timeline: Timeline) -> ExchangeError | None:
    """Translate an exception that ended an exchange; None when it is not the wire's (a bug)."""
    if timeline.oversized or isinstance(error, ContentCapError):
        return ExchangeError(WireFailure.OVERSIZED, "the response is larger than a probe reads")
    match error:
        case ContentCutError():
            return ExchangeError(WireFailure.TRUNCATED, str(error))
        case ContentError() | FramingError() | UnaskedError():
            return ExchangeError(WireFailure.PROTOCOL, str(error))
        case TooManyLookupsError():
            return ExchangeError(WireFailure.MONITOR, str(error), hint=Hint.RESOLVER)
        case ProxyError() | TrustError():
            return _on_the_way(error)
        case CutError() if timeline.phase is Phase.BODY:
            return ExchangeError(WireFailure.TRUNCATED, str(error))
        case CutError():
            return _reset("connection closed", timeline)
        case OSError() if timeline.phase in _BEFORE_SENDING:
            return _while_connecting(error, timeline)
        case ssl.SSLError():
            detail = f"{_words(error)} {timeline.phase}"
            return ExchangeError(WireFailure.TLS, detail, hint=_hint_of_tls(error))
        case OSError() if error.errno in _OURS:
            return ExchangeError(WireFailure.MONITOR, _words(error), hint=Hint.DESCRIPTORS)
        case OSError():
            return _reset(_words(error), timeline)
    return None


def _on_the_way(error: ProxyError | TrustError) -> ExchangeError:
    """Translate what kept us from speaking to the provider at all."""
    match error:
        case ProxyError(refused=refused):
            kind = WireFailure.PROXY_AUTH if refused else WireFailure.PROXY
        case NoRootsError():
            kind = WireFailure.TLS_NO_ROOTS
        case _:
            kind = WireFailure.MONITOR
    return ExchangeError(kind, str(error))


def not_reached(error: OSError) -> OSError | ProxyError:
    """Say that a proxy was not reached, unless what failed is this machine."""
    if error.errno in _CONNECT_OURS:
        return error
    named = isinstance(error, socket.gaierror)
    return ProxyError(
        "the proxy's name was not resolved"
        if named
        else f"the proxy was not reached: {_words(error)}"
    )


def _while_connecting(error: OSError, timeline: Timeline) -> ExchangeError:
    if isinstance(error, socket.gaierror):
        ours = error.errno in _DNS_OURS
        kind = WireFailure.MONITOR if ours else WireFailure.DNS
        detail = f"the name was not resolved: {error.strerror or 'no reason'}"
        return ExchangeError(kind, detail, hint=Hint.RESOLVER if ours else None)
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = f"certificate refused: {error.verify_message or 'not verified'}"
        return ExchangeError(WireFailure.TLS, detail, hint=_hint_of_tls(error))
    # An SSLError's number is OpenSSL's own, not the system's.
    if error.errno in _CONNECT_OURS and not isinstance(error, ssl.SSLError):
        hint = Hint.FIREWALL if error.errno == errno.EPERM else Hint.DESCRIPTORS
        return ExchangeError(WireFailure.MONITOR, _words(error), hint=hint)
    if timeline.phase is Phase.TLS:
        detail = f"no TLS handshake: {_words(error)}"
        return ExchangeError(WireFailure.TLS, detail, hint=_hint_of_tls(error))
    return ExchangeError(WireFailure.CONNECT, _words(error))


def _hint_of_tls(error: OSError) -> Hint | None:
    """Find what a failed handshake asks of a person; None: nothing special."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_CERTIFICATE.get(error.verify_code)
    return _BY_TLS_REASON.get(error.reason or "") if isinstance(error, ssl.SSLError) else None


def _reset(words: str, timeline: Timeline) -> ExchangeError:
    """Tell a kept connection that broke before it brought anything of this answer."""
    detail = f"{words} {timeline.phase}"
    if timeline.reused and timeline.last is None:
        idle_s = timeline.idle_s or 0.0
        detail = f"reused connection, idle {idle_s:.1f} s: {detail}"
        return ExchangeError(WireFailure.STALE, detail)
    return ExchangeError(WireFailure.RESET, detail)


def _words(error: OSError) -> str:
    """Describe an error by its number or OpenSSL's reason: its own text may hold an address."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or type(error).__name__).lower().replace("_", " ")
    return os.strerror(error.errno) if error.errno is not None else type(error).__name__
