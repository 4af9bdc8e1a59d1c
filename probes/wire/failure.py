"""What can go wrong on the wire, translated at this edge into the closed set of wire failures.

The texts of exceptions are not for showing: they hold addresses. A detail says the class of the
error and the system's own words for its number, and nothing else.
"""

import errno
import os
import socket
import ssl
from typing import Final

from probes.classify import WireFailure
from probes.wire.content import ContentCapError, ContentCutError, ContentError
from probes.wire.resolver import TooManyLookupsError
from probes.wire.response import CutError, FramingError
from probes.wire.timeline import Phase, Timeline, UnaskedError

_OURS: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)
"""Errors of this machine: out of descriptors, memory or ports."""
_CONNECT_OURS: Final = _OURS | {errno.EPERM}
"""And while connecting a firewall of our own."""
_BEFORE_SENDING: Final = frozenset({Phase.START, Phase.RESOLVE, Phase.CONNECT, Phase.TLS})

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
            return ExchangeError(WireFailure.MONITOR, str(error))
        case CutError() if timeline.phase is Phase.BODY:
            return ExchangeError(WireFailure.TRUNCATED, str(error))
        case CutError():
            return _reset("connection closed", timeline)
        case OSError() if timeline.phase in _BEFORE_SENDING:
            return _while_connecting(error, timeline)
        case ssl.SSLError():
            return ExchangeError(WireFailure.TLS, f"{_words(error)} {timeline.phase}")
        case OSError() if error.errno in _OURS:
            return ExchangeError(WireFailure.MONITOR, _words(error))
        case OSError():
            return _reset(_words(error), timeline)
    return None


def _while_connecting(error: OSError, timeline: Timeline) -> ExchangeError:
    if isinstance(error, socket.gaierror):
        ours = error.errno in _DNS_OURS
        kind = WireFailure.MONITOR if ours else WireFailure.DNS
        return ExchangeError(kind, f"the name was not resolved: {error.strerror or 'no reason'}")
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or "not verified"
        return ExchangeError(WireFailure.TLS, f"certificate refused: {reason}")
    # An SSLError's number is OpenSSL's own, not the system's.
    if error.errno in _CONNECT_OURS and not isinstance(error, ssl.SSLError):
        return ExchangeError(WireFailure.MONITOR, _words(error))
    if timeline.phase is Phase.TLS:
        return ExchangeError(WireFailure.TLS, f"no TLS handshake: {_words(error)}")
    return ExchangeError(WireFailure.CONNECT, _words(error))


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
