"""Where a probe is sent: servers with a behaviour, and addresses where there is none."""

import json
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.asked import good_body, kind_of
from tests.faults.certificates import Certificates, certificates
from tests.integration.fault_server import (
    ANSWER,
    Answering,
    FaultServer,
    Handler,
    free_port,
    never_accepting,
    server_context,
    serving,
    trusting_context,
)


@dataclass
class Place:
    """An address, and what was seen there."""

    url: str
    tls: ssl.SSLContext | None = None
    server: FaultServer = field(default_factory=FaultServer)


PlaceOf = Callable[[], AbstractContextManager[Place]]


def served(handler: Handler) -> PlaceOf:
    """A server that behaves so."""

    @contextmanager
    def place() -> Iterator[Place]:
        with serving(handler) as server:
            yield Place(server.url, server=server)

    return place


@contextmanager
def redirecting() -> Iterator[Place]:
    """A server that sends us on to another origin; whatever arrives there counts as a request."""

    async def here(a: Answering) -> None:
        there_url = f"http://user:hunter2@127.0.0.1:{there.port}/v1?key=hunter2"
        await a.head("307 Temporary Redirect", Location=there_url, Content_Length="0")

    async def arrived(a: Answering) -> None:
        server.requests.append(a.seen)
        await a.head("500 Followed")

    with serving(arrived) as there, serving(here) as server:
        yield Place(server.url, server=server)


def at(url: str) -> PlaceOf:
    """An address where nothing is."""

    @contextmanager
    def place() -> Iterator[Place]:
        yield Place(url)

    return place


@contextmanager
def refused() -> Iterator[Place]:
    """A port where nobody listens."""
    yield Place(f"http://127.0.0.1:{free_port()}/v1")


@contextmanager
def backlog_full() -> Iterator[Place]:
    """A server that accepts nobody."""
    with never_accepting() as port:
        yield Place(f"http://127.0.0.1:{port}/v1")


def on_connection(act: Callable[[socket.socket], None], *, secure: bool = False) -> PlaceOf:
    """A blocking server that does this with its one connection, which it then closes."""

    @contextmanager
    def place() -> Iterator[Place]:
        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                act(connection)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, name="place")
            thread.start()
            port = listener.getsockname()[1]
            context = trusting_context(certificates().good) if secure else None
            yield Place(f"http{'s' if secure else ''}://127.0.0.1:{port}/v1", context)
            thread.join(5)

    return place


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _speak_first(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    _wait(connection)


def _wait(connection: socket.socket) -> None:
    connection.settimeout(20)
    while connection.recv(65536):
        continue


def _half_a_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x16\x03\x03\x00\x7a\x02\x00")


def _close_after_hello(connection: socket.socket) -> None:
    connection.recv(65536)


def _reset_after_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    _reset(connection)


def _stall_in_hello(connection: socket.socket) -> None:
    _half_a_hello(connection)
    _wait(connection)


def _drip_hello(connection: socket.socket) -> None:
    _half_a_hello(connection)
    while True:
        connection.sendall(b"\x00")
        time.sleep(0.02)


def _plain_http(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def _want_certificate(connection: socket.socket) -> None:
    asking = server_context(certificates().good)
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.load_verify_locations(certificates().good)
    # With a blocking socket: asyncio's server would not send its alert.
    with asking.wrap_socket(connection, server_side=True) as secure:
        secure.recv(65536)


def _slow_tls(connection: socket.socket) -> None:
    time.sleep(0.15)
    with server_context(certificates().good).wrap_socket(connection, server_side=True) as secure:
        secure.recv(65536)
        body = json.dumps(ANSWER)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        secure.sendall(f"{head}\r\n\r\n{body}".encode())
        _wait(secure)


def _reset_soon(connection: socket.socket) -> None:
    time.sleep(0.02)  # sooner, and whether it was refused or reset would be a matter of chance
    _reset(connection)


def _close_soon(_connection: socket.socket) -> None:
    time.sleep(0.02)


reset_at_once = on_connection(_reset_soon)
closed_at_once = on_connection(_close_soon)
speaks_first = on_connection(_speak_first)
tls_silent = on_connection(_wait, secure=True)
tls_stalled = on_connection(_stall_in_hello, secure=True)
tls_dripping = on_connection(_drip_hello, secure=True)
tls_closed = on_connection(_close_after_hello, secure=True)
tls_reset = on_connection(_reset_after_hello, secure=True)
tls_not_spoken = on_connection(_plain_http, secure=True)
tls_slow = on_connection(_slow_tls, secure=True)
tls_wants_certificate = on_connection(_want_certificate, secure=True)


def secured(
    handler: Handler,
    shown: Callable[[Certificates], Path] = lambda known: known.good,
    trusted: Callable[[Certificates], Path] = lambda known: known.good,
) -> PlaceOf:
    """A TLS server that shows one certificate to a client that trusts another, or the same."""

    @contextmanager
    def place() -> Iterator[Place]:
        with serving(handler, server_context(shown(certificates()))) as server:
            yield Place(server.url, trusting_context(trusted(certificates())), server)

    return place


def past_tls(a: Answering) -> None:
    """Write past the TLS layer: whoever reads it finds a damaged record."""
    os.write(a.writer.get_extra_info("socket").fileno(), b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def no_record(a: Answering) -> None:
    """Answer without TLS where TLS has been agreed on."""
    past_tls(a)
    await a.hang()


async def damaged_record(a: Answering) -> None:
    """Damage a record in the middle of the body."""
    body = good_body(a)
    await a.head(Content_Type=kind_of(a), Content_Length=str(len(body)))
    await a.send(body[: len(body) // 2])
    past_tls(a)
    await a.hang()
