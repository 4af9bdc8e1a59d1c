"""One request and its answer: exactly one, whatever happens.

The exchange owns its connection until it has ended. It ends in one of two ways: the answer was
read to its end and the connection is kept for the next one, or everything is cut at once. Nothing
is drained for longer than GRACE_S.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from aiohttp.payload import BytesPayload
from multidict import CIMultiDictProxy
from yarl import URL

from probes.classify import WireFailure
from probes.wire.content import Decoder, decoder_for
from probes.wire.failure import ExchangeError, failure_of
from probes.wire.sockets import exchange_of_task
from probes.wire.timeline import Timeline

GRACE_S: Final = 0.05
"""How long to wait, once all we want is there, for the end of the HTTP message: servers send the
last chunk of a stream in a packet of its own right behind the end marker, and a connection whose
message has not ended cannot be kept. In no figure; one that lingers is closed."""
GRACE_BYTES: Final = 4096
"""And how much more may come in that time."""


@dataclass(frozen=True, slots=True)
class Request:
    """A finished request. Its headers are sent as they are, with Host added; they hold the key."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class Piece(NamedTuple):
    """Some decoded bytes of the body and when the last of them arrived, on the monotonic clock."""

    data: bytes
    at: float
    late_s: float = 0.0
    """How long they lay unread, as far as the kernel can tell."""


class _Payload(BytesPayload):
    """A body that says when it is about to be written: the connection stands by then."""

    def __init__(self, value: bytes, timeline: Timeline) -> None:
        super().__init__(value)
        self._timeline = timeline

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write the body (and the head with it)."""
        self._timeline.writing(one_round_trip=_tls_version(writer) == "TLSv1.3")
        await super().write_with_length(writer, content_length)


def _tls_version(writer: AbstractStreamWriter) -> str | None:
    transport = writer.transport if isinstance(writer, StreamWriter) else None
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    version: str | None = ssl_object.version() if ssl_object is not None else None
    return version


class Exchange:
    """One request on its way. Every method raises ExchangeError for what the wire did wrong."""

    def __init__(self, session: aiohttp.ClientSession, timeline: Timeline) -> None:
        self._session = session
        self._timeline = timeline
        self._response: aiohttp.ClientResponse | None = None
        self._decoder: Decoder | None = None
        self._taken_bytes = 0

    @property
    def status(self) -> int | None:
        """HTTP status; None while no response head is there."""
        return self._response.status if self._response is not None else None

    @property
    def headers(self) -> CIMultiDictProxy[str] | None:
        """Response headers; None while no response head is there."""
        return self._response.headers if self._response is not None else None

    async def send(self, request: Request) -> int:
        """Send the request, wait for the response head, return its status."""
        token = exchange_of_task.set(self._timeline)
        try:
            response = await self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=_Payload(request.body, self._timeline),
                allow_redirects=False,
            )
        except Exception as error:
            raise self._translated(error) from error
        finally:
            exchange_of_task.reset(token)
        # No await between the head's arrival and this line: see probes.wire.stamps.
        if not self._timeline.head_complete(response.content):
            response.close()
            raise ExchangeError(WireFailure.PROTOCOL, "a response came before the request had left")
        self._response = response
        self._timeline.on_close = self._lost
        return response.status

    async def pieces(self) -> list[Piece] | None:
        """Wait for more of the body; None at its end.

        What several reads from the socket brought is cut where they met, so each piece has the
        stamp of its own bytes. The list is empty when what came is not enough to decode anything.
        """
        response = self._head()
        try:
            data = await response.content.readany()
            if data:
                return list(self._decoded(data))
            if self._decoder is not None:
                self._decoder.close()
        except Exception as error:
            raise self._translated(error) from error
        return None

    async def body_into(self, body: bytearray, limit_bytes: int) -> None:
        """Read the body to its end, or until there are `limit_bytes` of it, into `body`.

        Into the caller's buffer, so that what had come is not lost when the rest does not come.
        """
        while len(body) < limit_bytes:
            pieces = await self.pieces()
            if pieces is None:
                return
            for piece in pieces:
                body += piece.data

    async def finish(self) -> None:
        """Give the connection back if the message ends within the grace, else cut it.

        Called when everything wanted has been read. Never raises for what the server does now.
        """
        content = self._head().content
        if not content.is_eof():
            await self._wait_for_the_end(content)
        self.end()

    async def _wait_for_the_end(self, content: aiohttp.StreamReader) -> None:
        extra_bytes = 0
        try:
            async with asyncio.timeout(GRACE_S):
                while extra_bytes <= GRACE_BYTES and not content.at_eof():
                    extra_bytes += len(await content.readany())
        except (TimeoutError, aiohttp.ClientError, OSError):
            return  # the outcome is known; this connection just cannot be used again

    def end(self) -> None:
        """End the exchange, whatever its state: keep the connection if it is clean, else cut it.

        Once the whole message has been parsed, aiohttp has put the connection back among those to
        be used again, and another exchange may be on it already: it is not ours to cut.
        """
        if self._timeline.finished:
            return
        kept = False
        if self._response is not None:
            kept = self._response.content.is_eof() and not self._fresh()
        self._timeline.finish(cut=not kept)
        if self._response is not None:
            self._response.close()

    def _fresh(self) -> bool:
        connector = self._session.connector
        return connector is not None and connector.force_close

    def _lost(self) -> None:
        """Wake the reader when the connection is gone and nobody has told it.

        aiohttp does not when it finds, in the middle of a body, that the framing is broken: it
        closes the connection and leaves the reader waiting. Otherwise it knows why, but with TLS it
        hears of it a turn of the loop after the socket was closed, and is given that turn.
        """
        asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        content = self._head().content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection was closed"))

    def _head(self) -> aiohttp.ClientResponse:
        if self._response is None:
            raise RuntimeError("the exchange has no response yet")
        return self._response

    def _decoded(self, data: bytes) -> Iterator[Piece]:
        decoder = self._decoder
        if decoder is None:
            encoding = self._head().headers.get("Content-Encoding", "")
            decoder = self._decoder = decoder_for(encoding, self._timeline.limit_bytes)
        start, offset = 0, self._taken_bytes
        self._taken_bytes += len(data)
        for length, read in self._timeline.split(offset, offset + len(data)):
            for part in decoder.feed(data[start : start + length]):
                yield Piece(part, read.at, read.late_s)
            start += length

    def _translated(self, error: Exception) -> Exception:
        connection = self._response.connection if self._response is not None else None
        protocol = connection.protocol if connection is not None else None
        below = protocol.exception() if protocol is not None else None
        return failure_of(error, self._timeline, below=below) or error
