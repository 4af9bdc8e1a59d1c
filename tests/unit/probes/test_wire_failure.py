"""Exceptions of the libraries below, translated into the closed set of wire failures."""

import errno
import socket
import ssl
from typing import cast

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from probes.classify import WireFailure
from probes.wire.content import ContentCapError, ContentError
from probes.wire.failure import failure_of
from probes.wire.resolver import TooManyLookupsError
from probes.wire.timeline import Timeline

SECRET = "sk-secret-0123456789"
KEY = ConnectionKey(f"{SECRET}.example", 443, True, True, None, None, None)


def _os(number: int) -> OSError:
    return OSError(number, f"something about {SECRET}")


def _ssl(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: X] {SECRET}")
    error.reason = reason
    return error


def _response_error() -> aiohttp.ClientResponseError:
    url = URL(f"http://{SECRET}.example")
    info = aiohttp.RequestInfo(url, "POST", CIMultiDictProxy(CIMultiDict()), url)
    return aiohttp.ClientResponseError(info, (), status=400, message="Bad status line")


def _connecting(error: OSError) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(KEY, error)


def _certificate(error: Exception) -> aiohttp.ClientConnectorCertificateError:
    return aiohttp.ClientConnectorCertificateError(KEY, error)


CASES: list[tuple[Exception, WireFailure, str]] = [
    (ContentError("damaged"), WireFailure.PROTOCOL, "damaged"),
    (ContentCapError("too large"), WireFailure.OVERSIZED, "larger"),
    (TooManyLookupsError("16 hang"), WireFailure.MONITOR, "16 hang"),
    (_connecting(_os(errno.ECONNREFUSED)), WireFailure.CONNECT, "Connection refused"),
    (_connecting(_os(errno.ENETUNREACH)), WireFailure.CONNECT, "Network is unreachable"),
    (_connecting(_os(errno.ETIMEDOUT)), WireFailure.CONNECT, "timed out"),
    (_connecting(_os(errno.EMFILE)), WireFailure.MONITOR, "Too many open files"),
    (_connecting(_os(errno.EPERM)), WireFailure.MONITOR, "not permitted"),
    (_connecting(OSError(f"Multiple exceptions: {SECRET}")), WireFailure.CONNECT, "OSError"),
    (
        aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_NONAME, "unknown name")),
        WireFailure.DNS,
        "unknown name",
    ),
    (
        aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_MEMORY, "no memory")),
        WireFailure.MONITOR,
        "no memory",
    ),
    (
        aiohttp.ClientConnectorSSLError(KEY, _ssl("WRONG_VERSION_NUMBER")),
        WireFailure.TLS,
        "no TLS handshake: wrong version number",
    ),
    (_certificate(ValueError(SECRET)), WireFailure.TLS, "certificate refused: ValueError"),
    (_response_error(), WireFailure.PROTOCOL, "Bad status line"),
    (aiohttp.InvalidURL(SECRET), WireFailure.MONITOR, "base URL"),
    (_ssl("DECRYPTION_FAILED"), WireFailure.TLS, "decryption failed"),
    (aiohttp.ServerDisconnectedError(SECRET), WireFailure.RESET, "closed before the connection"),
    (aiohttp.ClientOSError(errno.EPIPE, SECRET), WireFailure.RESET, "Broken pipe"),
    (aiohttp.ClientOSError(errno.ENOBUFS, SECRET), WireFailure.MONITOR, "No buffer space"),
    (aiohttp.ClientConnectionError(SECRET), WireFailure.RESET, "ClientConnectionError"),
    (ConnectionResetError(errno.ECONNRESET, SECRET), WireFailure.RESET, "reset by peer"),
]


@pytest.mark.parametrize(("error", "kind", "says"), CASES, ids=lambda case: repr(case)[:40])
def test_translation(error: Exception, kind: WireFailure, says: str) -> None:
    """Each error has its kind; its text (addresses, header values) is never in the detail."""
    failure = failure_of(error, Timeline())

    assert failure is not None
    assert failure.kind is kind
    assert says in failure.detail
    assert SECRET not in failure.detail


def test_openssls_numbers_are_not_the_systems() -> None:
    """An SSLError's errno 1 is not EPERM: a broken handshake is not a firewall of ours."""
    failure = failure_of(_connecting(_ssl("WRONG_VERSION_NUMBER")), Timeline())

    assert failure is not None
    assert failure.kind is not WireFailure.MONITOR


def test_a_reset_during_the_handshake_is_a_tls_error() -> None:
    """Once the connection stands, what breaks before the request is TLS."""
    timeline = Timeline()
    timeline.connecting(1.0)
    timeline.connected(1.1, None)
    failure = failure_of(_connecting(_os(errno.ECONNRESET)), timeline)

    assert failure is not None
    assert failure.kind is WireFailure.TLS


def test_a_certificate_is_refused_with_openssls_reason() -> None:
    """The short reason, not the text with the host name in it."""
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed for {SECRET}")
    error.verify_message = "certificate has expired"
    failure = failure_of(_certificate(error), Timeline())

    assert failure is not None
    assert failure.detail == "certificate refused: certificate has expired"


def test_a_broken_body_goes_by_what_the_socket_saw() -> None:
    """A reset that the parser reports as an incomplete body is a reset."""
    timeline = Timeline()
    timeline.broken = ConnectionResetError(errno.ECONNRESET, "reset")
    failure = failure_of(aiohttp.ClientPayloadError("not completed"), timeline)

    assert failure is not None
    assert failure.kind is WireFailure.RESET


def test_too_many_bytes_outweigh_what_followed() -> None:
    """The cap makes the read fail; that failure is the cap's."""
    timeline = Timeline()
    timeline.oversized = True
    failure = failure_of(aiohttp.ClientOSError("the response is larger"), timeline)

    assert failure is not None
    assert failure.kind is WireFailure.OVERSIZED


def test_a_bug_is_not_the_wires() -> None:
    """Anything else is not translated: it must be seen as what it is."""
    assert failure_of(KeyError("x"), Timeline()) is None
    assert failure_of(cast("Exception", ZeroDivisionError()), Timeline()) is None
