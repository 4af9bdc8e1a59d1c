"""Answers a receiver may give instead of its own, scripted by a test: one callable per request."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status(code: int, text: str = "", **headers: str) -> Answer:
    """Answer with a status, a body, and headers written with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text, headers=named)

    return answer


def html(code: int = 200) -> Answer:
    """Answer with a page, as a sink, a portal or a proxy does; its bytes are not even UTF-8."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=code, body=b"<html>w\xe4lcome</html>", content_type="text/html", charset="utf-8"
        )

    return answer


def json(body: object, code: int = 200) -> Answer:
    """Answer with JSON."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=code)

    return answer


async def hang(_request: web.Request) -> web.StreamResponse:
    """Never answer; ends when the server closes."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def reset(request: web.Request) -> web.StreamResponse:
    """Drop the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    """Answer 200 with a body that never ends."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 65_536)
