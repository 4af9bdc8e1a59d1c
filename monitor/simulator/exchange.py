"""One request and the ways it can end on the wire."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from aiohttp import web

from monitor.simulator.answers import ChatEvents
from monitor.simulator.journal import Entry
from monitor.simulator.script import Behaviour, Outcome

Timed = tuple[float, bytes]
"""Bytes and when they leave, in seconds since the request was admitted."""

HEAD_RATIO = 0.6
"""A stream's head and its role-only chunk leave after this part of the time to the first token,
as a real service sends them: once the request is admitted, before there is anything to say."""


def timeline(events: ChatEvents, behaviour: Behaviour, factor: float) -> tuple[Timed, ...]:
    """Return when each event of a stream leaves; a cut or dropped one stops halfway."""
    first_s = behaviour.first_token_s * factor
    token_s = behaviour.token_s * factor
    opening = (first_s * HEAD_RATIO, events.opening)
    tokens = tuple((first_s + token_s * n, event) for n, event in enumerate(events.tokens))
    if behaviour.outcome in (Outcome.CUT, Outcome.DROPPED):
        return (opening, *tokens[: (len(tokens) + 1) // 2])
    last_s = tokens[-1][0] if tokens else first_s
    return (opening, *tokens, *((last_s, event) for event in events.closing))


class Exchange:
    """One request: it is answered by exactly one of `whole`, `half`, `stream` and `hang`."""

    def __init__(self, request: web.Request, entry: Entry, wall: Callable[[], float]) -> None:
        self.entry = entry
        self._request = request
        self._wall = wall

    async def whole(
        self, body: bytes, headers: Mapping[str, str], *, status: int = 200
    ) -> web.StreamResponse:
        """Answer with a JSON body, all of it."""
        response = web.Response(
            status=status, body=body, headers=headers, content_type="application/json"
        )
        await self._open(response)
        return await self._finish(response)

    async def half(self, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
        """Promise a JSON body, send its first half, and drop the connection."""
        response = web.StreamResponse(headers=headers)
        response.content_type = "application/json"
        response.content_length = len(body)
        await self._open(response)
        await response.write(body[: len(body) // 2])
        return self._drop(response)

    async def stream(
        self, events: Sequence[Timed], headers: Mapping[str, str], outcome: Outcome
    ) -> web.StreamResponse:
        """Send events, each at its time; `outcome` says how the stream ends after the last."""
        response = web.StreamResponse(headers=headers)
        response.content_type = "text/event-stream"
        response.charset = "utf-8"
        response.headers["Cache-Control"] = "no-cache"
        start_s = loop_time()
        for number, (at_s, event) in enumerate(events):
            await asyncio.sleep(start_s + at_s - loop_time())
            if number == 0:
                await self._open(response)
            if number == len(events) - 1 and outcome is Outcome.ANSWER:
                self._completed()
            await response.write(event)
        if outcome is Outcome.DROPPED:
            return self._drop(response)
        await response.write_eof()
        return response

    async def hang(self) -> NoReturn:
        """Say nothing until the client goes, which cancels this."""
        await asyncio.Event().wait()
        raise AssertionError  # nobody sets that event

    async def _open(self, response: web.StreamResponse) -> None:
        self.entry.status = response.status
        self.entry.first_byte_at = self._wall()
        await response.prepare(self._request)

    async def _finish(self, response: web.StreamResponse) -> web.StreamResponse:
        self._completed()
        await response.write_eof()
        return response

    def _completed(self) -> None:
        # Noted before the last bytes leave: whoever has seen the end of an answer finds it here.
        self.entry.completed = True
        self.entry.answered_at = self._wall()

    def _drop(self, response: web.StreamResponse) -> web.StreamResponse:
        if self._request.transport is not None:
            self._request.transport.close()
        return response


def loop_time() -> float:
    """Return the running loop's monotonic time in seconds."""
    return asyncio.get_running_loop().time()
