"""GET /stream: server-sent events of what is otherwise, one a second at most.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import time
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from monitor.api.feed import Feed
from monitor.api.models.live import Tick
from monitor.api.problems import READ, problem

MOST: Final = 100
"""Streams at once: more people than look after any one daemon, and a browser tab costs one each."""
QUIET_S: Final = 15.0
"""After so long without a change the time alone is sent: nothing on the way then takes the
connection for dead, and a page can tell that it is not."""
OPEN_S: Final = 3_600.0
"""How long a stream is open at most. Browsers come back by themselves, and a token that was changed
meanwhile lets nobody back in."""
RETRY_MS: Final = 2_000
"""After how long a browser comes back when the connection was lost."""


class EventStream(Response):
    """An answer that does not end."""

    media_type = "text/event-stream"


class Listening(EventStream):
    """One open stream: all it holds is the last number that was sent."""

    def __init__(self, feed: Feed, last_id: str, refused: Callable[[], None]) -> None:
        super().__init__()
        self._feed = feed
        self._last_id = last_id
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell of changes until either side ends it; 503 when too many are open."""
        if self._feed.listeners >= MOST:
            self._refused()
            await problem(503, f"{MOST} streams are open.", {"Retry-After": "10"})(
                scope, receive, send
            )
            return
        self._feed.listening(1)
        try:
            headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            body = told(self._feed, self._last_id)
            answer = StreamingResponse(body, media_type=self.media_type, headers=headers)
            await answer(scope, receive, send)
        finally:
            self._feed.listening(-1)


async def told(
    feed: Feed, last_id: str, monotonic: Callable[[], float] = time.monotonic
) -> AsyncGenerator[bytes, None]:
    """Yield the events of a stream whose listener heard everything up to `last_id`."""
    ends_at = monotonic() + OPEN_S
    yield b"retry: %d\n\n" % RETRY_MS
    life, number = _place(last_id, feed)
    while not feed.stopped and monotonic() < ends_at:
        if life != feed.life:
            life, number = feed.life, feed.number
            yield _event("resync", life, number, b"{}")
        await feed.moved(life, number, QUIET_S)
        if life == feed.life and not feed.stopped:
            missing, number = feed.tick(number), feed.number
            yield _event("tick", life, number, missing)


def _place(last_id: str, feed: Feed) -> tuple[str, int]:
    """Return the life and number up to which somebody heard everything.

    Nothing yet: they get everything as it is. A number that was never given: another life.
    """
    if not last_id:
        return feed.life, 0
    life, _, number = last_id.partition(".")
    if not (number.isascii() and number.isdigit()) or len(number) > _DIGITS:
        return "", 0
    return (life, int(number)) if int(number) <= feed.number else ("", 0)


_DIGITS: Final = 15


def _event(name: str, life: str, number: int, data: bytes) -> bytes:
    return b"id: %b.%d\nevent: %b\ndata: %b\n\n" % (life.encode(), number, name.encode(), data)


def stream_routes(feed: Feed, refused: Callable[[], None]) -> APIRouter:
    """Return the route of the stream; `refused` is called for each that finds no place."""
    router = APIRouter(tags=["live"])
    id_of_ours = "Such as 1f2e3d4c.17: what was sent up to there is not sent again."

    @router.get("/stream", response_class=EventStream, responses={**READ, 200: {"model": Tick}})
    async def stream(
        last_event_id: Annotated[str, Header(max_length=100, description=id_of_ours)] = "",
        last_id: Annotated[str, Query(max_length=100, description=id_of_ours)] = "",
    ) -> Response:
        """Tell what is otherwise as it happens: events `tick` (a Tick each) and `resync`.

        `resync`, whose data says nothing, is sent when what was missed is not known any more: after
        a restart, or a new configuration. Ask for /overview then. Who brings no id gets everything
        with the first tick.
        """
        return Listening(feed, last_event_id or last_id, refused)

    return router
