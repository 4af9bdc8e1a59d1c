"""Before every route of the API: who may ask, who may change, and what a bug of ours answers."""

import asyncio
from typing import Final

import structlog
from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.api.access import SAFE, Denial, Door
from monitor.api.audit import WHO
from monitor.api.problems import problem

BODY_BYTES: Final = 16 * 1024
"""The largest body of a request: a silence of twenty matchers is some 5 KB."""
BODY_S: Final = 10.0
"""How long somebody may take to send one."""
_TOO_LARGE: Final = Denial(413, f"At most {BODY_BYTES} bytes are taken.", {"Connection": "close"})

log = structlog.get_logger("sonde.api")


class Gate:
    """An ASGI application that answers for those who may not come in."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        denial = self._door.denial(request)
        if denial is None and request.method not in SAFE:
            denial = self._door.write_denial(request) or _announced(request)
            taken = denial or await _body(receive)
            if isinstance(taken, Denial):
                denial = taken
            else:
                receive = taken
        if denial is not None:
            await _refused(denial)(scope, receive, send)
            return
        scope[WHO] = self._door.who(request)
        await _contained(self._app, scope, receive, send)


def _announced(request: Request) -> Denial | None:
    """Refuse a body by the size it is said to have, before any of it comes."""
    length = request.headers.get("content-length", "0")  # digits: the server looked
    return None if int(length) <= BODY_BYTES else _TOO_LARGE


async def _body(receive: Receive) -> Receive | Denial:
    """Read a request's body; return what gives it out again, or why it is not taken."""
    body = b""
    try:
        async with asyncio.timeout(BODY_S):
            while len(body) <= BODY_BYTES:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        return Denial(408, f"The body took more than {BODY_S:g} s to come.")
    if len(body) > BODY_BYTES:
        return _TOO_LARGE
    whole: Message = {"type": "http.request", "body": body, "more_body": False}
    waiting = [whole]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _refused(denial: Denial) -> Response:
    return problem(denial.status, denial.detail, denial.headers)


async def _contained(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Log a bug of ours, which has been answered as a problem; cut off a body that has begun."""
    ended = False

    async def noted(message: Message) -> None:
        nonlocal ended
        await send(message)
        ended = message["type"] == "http.response.body" and not message.get("more_body", False)

    try:
        await app(scope, receive, noted)
    except Exception:
        log.exception("api.crashed", path=scope["path"])
        if not ended:
            raise
