"""Uvicorn inside our own loop: it serves, we decide about signals and when to stop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

GRACE_S = 2
"""How long open responses may go on once we stop; part of the stop budget."""

STALLED_MS = 30_000
"""How long somebody may take nothing of what was sent before the kernel drops the connection; what
waits for him would otherwise be kept for ever. Only Linux can (TCP_USER_TIMEOUT):
https://man7.org/linux/man-pages/man7/tcp.7.html"""


HEAD_S = 30.0
"""How long somebody may take to say what he wants. Uvicorn waits for ever, so that connections on
which nothing is asked would use up the descriptors that probes need."""


class ListenError(Exception):
    """The listening address cannot be used."""


class _Patient(H11Protocol):
    """HTTP/1.1 for those who ask within HEAD_S."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # As the class above has it, where asyncio says BaseTransport.
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._heard()

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._heard()
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_S, self.transport.close)

    def _heard(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the daemon: it stops everything in order, not HTTP first."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket. Raises ListenError saying what is in the way.

    Done before anything else starts: a port that is taken must stop us while nothing has begun.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS)  # inherited
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ListenError(
            f"cannot listen on {host}:{port}: {error.strerror}; set http.listen to a free address"
        ) from error
    listener.setblocking(False)
    return listener


class WebServer:
    """Serves one application on one listening socket until stopped."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # whom to believe, monitor/api/access.py decides
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=30,
            loop="asyncio",
            http=_Patient,
            ws="none",
        )
        self._server = _Server(config)

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Finish open responses, at most two seconds long, and return from `run`."""
        self._server.should_exit = True
