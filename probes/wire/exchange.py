"""One request and its answer: exactly one, whatever happens.

The exchange owns its connection until it has ended. It ends in one of two ways: the answer was
read to its end and the connection is kept for the next one, or everything is cut at once. Nothing
is drained for longer than GRACE_S.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NoReturn

from probes.wire.connection import HttpConnection
from probes.wire.content import Inflater, decoder_for
from probes.wire.failure import failure_of
from probes.wire.pool import ClosedError, Pool
from probes.wire.request import Request
from probes.wire.response import CutError, FramingError, Piece, Response
from probes.wire.timeline import Timeline, UnaskedError

GRACE_S: Final = 0.05
"""How long to wait, once all we want is there, for the end of the HTTP message: servers send the
last chunk of a stream in a packet of its own right behind the end marker, and a connection whose
message has not ended cannot be kept. In no figure; one that lingers is closed."""
GRACE_BYTES: Final = 4096
"""And how much more may come in that time."""

SMALL_BYTES: Final = 8 * 1024
"""How much of a stream is taken apart at a time, about 10 ms at the very worst: then others, and
the probe's own deadlines, have their turn. A piece up to this size is, inside its read."""


class Exchange:
    """One request on its way. Every method raises ExchangeError for what the wire did wrong."""

    def __init__(self, pool: Pool, request: Request, timeline: Timeline) -> None:
        self._pool = pool
        self._request = request
        self._timeline = timeline
        self._response = Response()
        self._connection: HttpConnection | None = None
        self._inflater: Inflater | None = None

    @property
    def status(self) -> int | None:
        """HTTP status; None while no response head is there."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str] | None:
        """Response headers, their names in lower case; None while no response head is there."""
        return self._response.headers if self._response.status is not None else None

    async def send(self) -> int:
        """Send the request, wait for the response head, return its status."""
        request, response = self._request, self._response
        try:
            connection = await self._pool.get(request.origin, self._timeline, fresh=request.fresh)
            self._connection = connection
            connection.ask(request.data, self._timeline, response)
            while response.status is None:
                await connection.news()
        except Exception as error:  # noqa: BLE001 - translated, or raised again
            self._translate(error)
        return response.status

    async def pieces(self, take: Callable[[Piece], bool] | None = None) -> list[Piece] | None:
        """Wait for more of the body; None at its end.

        Each piece is what one read from the socket brought. The list is empty when what came is not
        enough to decode anything. `take`, if given, gets small pieces at once, from inside the
        read, and not by way of the list, which comes (empty, perhaps) when it has returned True.
        """
        response = self._response
        if self._timeline.oversized and not response.complete:
            response.pieces.clear()  # nobody needs to know what the rest of it holds
        try:
            if not response.pieces and not response.complete:
                await self._standing().news(None if take is None else partial(self._enough, take))
            if response.complete and not response.pieces:
                if self._inflater is not None:
                    self._inflater.close()
                return None
            came, response.pieces = response.pieces, []
            return self._decoded(came)
        except Exception as error:  # noqa: BLE001 - as above
            self._translate(error)

    def _enough(self, take: Callable[[Piece], bool]) -> bool:
        response = self._response
        if len(response.pieces) != 1 or "content-encoding" in response.headers:
            return bool(response.pieces) or response.complete
        if len(response.pieces[0].data) > SMALL_BYTES:
            return True
        return take(response.pieces.pop()) or response.complete

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
        if not self._response.complete:
            await self._wait_for_the_end()
        self.end()

    async def _wait_for_the_end(self) -> None:
        most_bytes = self._timeline.wire_bytes + GRACE_BYTES
        try:
            async with asyncio.timeout(GRACE_S):
                while not self._response.complete and self._timeline.wire_bytes <= most_bytes:
                    await self._standing().news()
        except (OSError, CutError, FramingError, UnaskedError, ClosedError):
            return  # the outcome is known; this connection just cannot be used again

    def end(self) -> None:
        """End the exchange, whatever its state: keep the connection if it is clean, else cut it."""
        connection, self._connection = self._connection, None
        self._response.close()
        if connection is not None:
            self._pool.put(self._request.origin, connection, keep=not self._request.fresh)

    def _translate(self, error: Exception) -> NoReturn:
        failure = failure_of(error, self._timeline)
        if failure is None:
            raise error
        raise failure from error

    def _standing(self) -> HttpConnection:
        if self._connection is None:
            raise RuntimeError("the exchange has no connection")
        return self._connection

    def _decoded(self, came: list[Piece]) -> list[Piece]:
        encoding = self._response.headers.get("content-encoding")
        if encoding is None:
            return came
        if self._inflater is None:
            self._inflater = decoder_for(encoding, self._timeline.limit_bytes)
        if self._inflater is None:
            return came
        feed = self._inflater.feed
        return [Piece(part, at, piled) for data, at, piled in came for part in feed(data)]
