"""One connection: writes a request, takes its response in, and nothing that was not asked for."""

import asyncio
import select
from collections.abc import Callable
from typing import cast

from probes.wire.response import CutError, FramingError, Response
from probes.wire.sockets import StampingSocket
from probes.wire.timeline import Timeline, UnaskedError


class HttpConnection(asyncio.BufferedProtocol):
    """Carries one exchange at a time. The loop calls it from inside the socket's reads."""

    __slots__ = (
        "_buffer",
        "_enough",
        "_failure",
        "_news",
        "_poll",
        "_response",
        "_sock",
        "_transport",
        "idle_since",
    )

    def __init__(self, sock: StampingSocket, buffer: memoryview) -> None:
        """Prepare. What is read passes through `buffer`, which any number may share in one loop."""
        self.idle_since = 0.0
        """When its last exchange ended, on the monotonic clock."""
        self._sock = sock
        self._buffer = buffer
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._failure: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._enough: Callable[[], bool] | None = None
        self._poll = select.poll()  # unlike select(2) it takes descriptors beyond 1,023
        self._poll.register(sock, select.POLLIN)

    # What an exchange asks for.

    def ask(self, data: bytes, timeline: Timeline, response: Response) -> None:
        """Write a request at once; its response goes into `response`. Raises what has ended it."""
        if self._failure is not None or self._transport is None:
            raise self._failure or CutError("the connection has ended")
        tls = self._transport.get_extra_info("ssl_object") if not timeline.reused else None
        if not timeline.reused and tls is None and self._poll.poll(0) and self._sock.spoke_first():
            raise UnaskedError("a response came before the request had left")
        self._sock.timeline = timeline
        self._response = response
        timeline.writing(one_round_trip=tls is not None and tls.version() == "TLSv1.3")
        self._transport.write(data)

    async def news(self, enough: Callable[[], bool] | None = None) -> None:
        """Wait until more of the response has come in. Raises what has ended the connection.

        `enough` is asked from inside each read whether to go on waiting: to wake a task for a few
        bytes costs more than to look at them.
        """
        if self._failure is not None:
            raise self._failure
        self._news, self._enough = asyncio.get_running_loop().create_future(), enough
        try:
            await self._news
        finally:
            self._news = self._enough = None

    def rest(self, now: float) -> bool:
        """End the exchange. Returns whether another may follow."""
        response, transport = self._response, self._transport
        self._response = self._sock.timeline = None
        self.idle_since = now
        return (
            self._failure is None
            and transport is not None
            and transport.get_write_buffer_size() == 0  # refused while it was still leaving
            and response is not None
            and response.complete
            and response.reusable
        )

    def usable(self) -> bool:
        """Whether it stands, and nothing (its end included) waits in the kernel to be read."""
        return self._failure is None and not self._poll.poll(0)

    def abort(self, reason: Exception | None = None) -> None:
        """End it at once, both ways. Whoever waits is told the reason."""
        self._fail(reason or CutError("the connection has ended"))
        self._sock.cut()
        if self._transport is not None:
            self._transport.abort()

    # What the loop says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)  # that of a TCP connection is one

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop's signature
        """Say where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what the read that is under way has released."""
        response, timeline = self._response, self._sock.timeline
        if response is None or timeline is None:  # TLS hands it on before the request has left
            self.abort(UnaskedError("a response came before the request had left"))
            return
        if response.complete:  # nobody's: in no figure, and nothing may follow it
            response.reusable = False
            return
        headless = response.status is None
        try:
            response.feed(self._buffer[:nbytes], timeline.released())
        except (UnaskedError, FramingError) as error:
            self.abort(error)
        if response.followed:
            timeline.followed()
        if headless and response.status is not None:
            timeline.head_complete()
        waiting = self._news is not None and not self._news.done()
        if waiting and (self._enough is None or self._enough()):
            self._tell()

    def eof_received(self) -> None:
        """Take note that the peer sends no more; the transport then closes."""
        response, timeline = self._response, self._sock.timeline
        if timeline is not None and response is not None and response.complete:
            timeline.followed()  # under TLS the end may share a read with the answer
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end, and of its reason if there is one."""
        self._ended(exc)
        self._transport = None

    def _ended(self, reason: Exception | None) -> None:
        try:
            if reason is None and self._response is not None:
                self._response.end()
        except CutError as error:
            reason = error
        self._fail(reason or CutError("the connection has ended"))

    def _fail(self, reason: Exception) -> None:
        if self._failure is None:
            self._failure = reason
        self._tell()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
