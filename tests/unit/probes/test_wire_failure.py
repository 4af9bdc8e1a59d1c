"""Exceptions of everything below, translated into the closed set of wire failures."""

import errno
import socket
import ssl

import pytest

from probes.hints import Hint
from probes.verdicts import WireFailure
from probes.wire.content import ContentCapError, ContentCutError, ContentError
from probes.wire.failure import failure_of
from probes.wire.resolver import TooManyLookupsError
from probes.wire.response import CutError, FramingError
from probes.wire.stamps import Arrival
from probes.wire.timeline import Phase, Timeline, UnaskedError

SECRET = "sk-secret-0123456789"


def _os(number: int) -> OSError:
    return OSError(number, f"something about {SECRET}")


def _ssl(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: X] {SECRET}")
    error.reason = reason
    return error


def _certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed for {SECRET}")
    error.verify_message = "certificate has expired"
    error.verify_code = 10
    return error


CONNECT, TLS, HEAD, BODY = Phase.CONNECT, Phase.TLS, Phase.HEAD, Phase.BODY
CASES: list[tuple[Exception, Phase, WireFailure, str]] = [
    (ContentError("damaged"), BODY, WireFailure.PROTOCOL, "damaged"),
    (ContentCutError("in the middle"), BODY, WireFailure.TRUNCATED, "in the middle"),
    (ContentCapError("too large"), BODY, WireFailure.OVERSIZED, "larger"),
    (FramingError("not framed"), BODY, WireFailure.PROTOCOL, "not framed"),
    (UnaskedError("came before"), Phase.SEND, WireFailure.PROTOCOL, "came before"),
    (CutError("before the body"), BODY, WireFailure.TRUNCATED, "before the body"),
    (CutError("x"), HEAD, WireFailure.RESET, "connection closed while waiting for the response"),
    (TooManyLookupsError("16 hang"), Phase.RESOLVE, WireFailure.MONITOR, "16 hang"),
    (
        socket.gaierror(socket.EAI_NONAME, "unknown name"),
        Phase.RESOLVE,
        WireFailure.DNS,
        "the name was not resolved: unknown name",
    ),
    (
        socket.gaierror(socket.EAI_MEMORY, "no memory"),
        Phase.RESOLVE,
        WireFailure.MONITOR,
        "no memory",
    ),
    (_os(errno.EMFILE), Phase.START, WireFailure.MONITOR, "Too many open files"),
    (_os(errno.ECONNREFUSED), CONNECT, WireFailure.CONNECT, "Connection refused"),
    (_os(errno.ENETUNREACH), CONNECT, WireFailure.CONNECT, "Network is unreachable"),
    (_os(errno.ETIMEDOUT), CONNECT, WireFailure.CONNECT, "timed out"),
    (_os(errno.EPERM), CONNECT, WireFailure.MONITOR, "not permitted"),
    (OSError(f"Multiple exceptions: {SECRET}"), CONNECT, WireFailure.CONNECT, "OSError"),
    (_ssl("WRONG_VERSION_NUMBER"), TLS, WireFailure.TLS, "no TLS handshake: wrong version number"),
    (_certificate(), TLS, WireFailure.TLS, "certificate refused: certificate has expired"),
    (_os(errno.ECONNRESET), TLS, WireFailure.TLS, "no TLS handshake: Connection reset"),
    (ConnectionResetError(), TLS, WireFailure.TLS, "no TLS handshake: ConnectionResetError"),
    (_ssl("DECRYPTION_FAILED"), BODY, WireFailure.TLS, "decryption failed after the response head"),
    (_os(errno.EPIPE), Phase.SEND, WireFailure.RESET, "Broken pipe while sending"),
    (_os(errno.ENOBUFS), HEAD, WireFailure.MONITOR, "No buffer space"),
    (_os(errno.EPERM), HEAD, WireFailure.RESET, "not permitted"),
    (_os(errno.ECONNRESET), BODY, WireFailure.RESET, "reset by peer after the response head"),
]


@pytest.mark.parametrize(
    ("error", "phase", "kind", "says"), CASES, ids=lambda case: repr(case)[:40]
)
def test_translation(error: Exception, phase: Phase, kind: WireFailure, says: str) -> None:
    """Each error has its kind; its text (addresses, header values) is never in the detail."""
    timeline = Timeline()
    timeline.phase = phase
    failure = failure_of(error, timeline)

    assert failure is not None
    assert failure.kind is kind
    assert says in failure.detail
    assert SECRET not in failure.detail


def test_a_kept_connection_that_breaks_before_a_byte_is_stale() -> None:
    """Then, and only then, the way is blamed, with how long it was idle."""
    found = {}
    for name, reused, answering in (
        ("kept", True, False),
        ("answering", True, True),
        ("new", False, False),
    ):
        timeline = Timeline()
        timeline.phase, timeline.reused, timeline.idle_s = HEAD, reused, 49.96
        timeline.last = Arrival(1.0, kernel=True) if answering else None
        failure = failure_of(CutError("x"), timeline)
        assert failure is not None
        found[name] = (failure.kind, failure.detail.split(":")[0])

    closed = f"connection closed {HEAD}"
    assert found == {
        "kept": (WireFailure.STALE, "reused connection, idle 50.0 s"),
        "answering": (WireFailure.RESET, closed),
        "new": (WireFailure.RESET, closed),
    }


@pytest.mark.parametrize(
    ("error", "phase", "hint"),
    [
        (_certificate(), TLS, Hint.EXPIRED),
        (_ssl("WRONG_VERSION_NUMBER"), TLS, Hint.NO_TLS),
        (_ssl("TLSV13_ALERT_CERTIFICATE_REQUIRED"), HEAD, Hint.CLIENT_CERTIFICATE),
        (_ssl("UNHEARD_OF"), TLS, None),
        (_os(errno.ECONNRESET), TLS, None),
        (_os(errno.EPERM), CONNECT, Hint.FIREWALL),
        (_os(errno.EMFILE), CONNECT, Hint.DESCRIPTORS),
        (_os(errno.EMFILE), HEAD, Hint.DESCRIPTORS),
        (TooManyLookupsError("16 hang"), Phase.RESOLVE, Hint.RESOLVER),
        (socket.gaierror(socket.EAI_MEMORY, "no memory"), Phase.RESOLVE, Hint.RESOLVER),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), Phase.RESOLVE, None),
    ],
    ids=repr,
)
def test_what_to_do_about_it(error: Exception, phase: Phase, hint: Hint | None) -> None:
    """A cause that a person can remove is named; None leaves it to what is true in general."""
    timeline = Timeline()
    timeline.phase = phase
    failure = failure_of(error, timeline)

    assert failure is not None
    assert failure.hint is hint


def test_too_many_bytes_outweigh_what_followed() -> None:
    """The cap makes the read fail; that failure is the cap's."""
    timeline = Timeline()
    timeline.oversized = True
    failure = failure_of(_os(errno.ECONNRESET), timeline)

    assert failure is not None
    assert failure.kind is WireFailure.OVERSIZED


def test_a_bug_is_not_the_wires() -> None:
    """Anything else is not translated: it must be seen as what it is."""
    assert failure_of(KeyError("x"), Timeline()) is None
    assert failure_of(ZeroDivisionError(), Timeline()) is None
