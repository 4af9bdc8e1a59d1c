"""A loopback server around a handler, counting requests and giving scripted answers first."""

import asyncio
import ssl
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.standins.answers import Answer


class Server:
    """Base of the stand-ins: serves on a free loopback port between `async with` ends."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests = 0
        """Requests that arrived, whatever was answered."""
        self.arrived = asyncio.Event()
        """Set when a request arrives."""
        self.peers: list[str] = []
        """Address and port each request came from."""
        self.server_names: list[str | None] = []
        """Names asked for in TLS, where a test notes them."""
        self.script: deque[Answer] = deque()
        """Answers given in turn before the stand-in speaks for itself."""
        self._tls = tls
        self._app = web.Application(middlewares=[self._scripted])
        self._runner = web.AppRunner(self._app, handler_cancellation=True, shutdown_timeout=0.1)
        self.port = 0

    @property
    def origin(self) -> str:
        """Scheme, address and port."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _scripted(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        self.requests += 1
        self.arrived.set()
        self.peers.append(_peer(request))
        answer = self.script.popleft() if self.script else handler
        with suppress(ConnectionResetError):
            return await answer(request)
        raise asyncio.CancelledError


def _peer(request: web.Request) -> str:
    address = request.transport.get_extra_info("peername") if request.transport else None
    return ":".join(map(str, address[:2])) if address else ""
