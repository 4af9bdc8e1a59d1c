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
from probes.wire.content import ContentCapError, ContentCutError, ContentError
from probes.wire.failure import failure_of
from probes.wire.resolver import TooManyLookupsError
from probes.wire.stamps import Arrival
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
    (ContentCutError("in the middle"), WireFailure.TRUNCATED, "in the middle"),
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


def _wrapped(error: Exception) -> aiohttp.ClientOSError:
    """Wrap an error as aiohttp does: the same arguments, so OpenSSL's number as the system's."""
    wrapping = aiohttp.ClientOSError(*error.args)
    wrapping.__cause__ = error
    return wrapping


def test_a_tls_error_is_found_behind_what_wraps_it() -> None:
    """Number 1 of OpenSSL is not EPERM: nobody is to look for a firewall of ours."""
    damaged = _ssl("DECRYPTION_FAILED_OR_BAD_RECORD_MAC")
    context = aiohttp.ClientPayloadError("not completed")
    context.__context__ = _wrapped(damaged)
    for error in (_wrapped(damaged), context):
        failure = failure_of(error, Timeline())
        assert failure is not None
        assert failure.kind is WireFailure.TLS
        assert "decryption failed or bad record mac" in failure.detail


def test_a_tls_error_is_known_by_what_ended_the_connection() -> None:
    """A body that ends too early says nothing of it; the connection does, at times as a copy."""
    copy = aiohttp.ClientOSError(1, f"[SSL: WRONG_VERSION_NUMBER] wrong {SECRET} (_ssl.c:2580)")
    for below in (_ssl("WRONG_VERSION_NUMBER"), copy):
        failure = failure_of(aiohttp.ClientPayloadError("not"), Timeline(), below=below)
        assert failure is not None
        assert failure.kind is WireFailure.TLS
        assert failure.detail == "wrong version number before the connection"


def test_errors_that_go_round_in_circles_end() -> None:
    """A chain that leads back to itself is walked once."""
    first, second = aiohttp.ClientOSError(32, "x"), aiohttp.ClientOSError(32, "y")
    first.__cause__, second.__cause__ = second, first
    failure = failure_of(first, Timeline())

    assert failure is not None
    assert failure.kind is WireFailure.RESET


def test_not_permitted_is_ours_only_while_connecting() -> None:
    """A firewall of our own refuses connections; on one that stands the number is somebody's."""
    failure = failure_of(aiohttp.ClientOSError(errno.EPERM, SECRET), Timeline())

    assert failure is not None
    assert failure.kind is WireFailure.RESET


def test_a_kept_connection_that_breaks_before_a_byte_is_stale() -> None:
    """Then, and only then, the way is blamed, with how long it was idle where that is known."""
    kept, idle, answering, fresh = Timeline(), Timeline(), Timeline(), Timeline()
    kept.reused = idle.reused = answering.reused = True
    fresh.reused = False
    idle.idle_s = 49.96
    answering.arrivals.note(0, Arrival(1.0, kernel=True))
    found = {}
    for name, timeline in (("kept", kept), ("idle", idle), ("ans", answering), ("new", fresh)):
        failure = failure_of(aiohttp.ServerDisconnectedError(), timeline)
        assert failure is not None
        found[name] = (failure.kind, failure.detail.split(":")[0])

    assert found["kept"] == (WireFailure.STALE, "reused connection")
    assert found["idle"] == (WireFailure.STALE, "reused connection, idle 50.0 s")
    assert found["ans"][0] is WireFailure.RESET
    assert found["new"][0] is WireFailure.RESET


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
