"""Tags of what is read, and what may be kept of it."""

from typing import Any

import httpx2
import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from monitor.api.etag import FROM_BYTES, Tagging

LONG = {"text": "x" * FROM_BYTES}


async def ask(app: ASGIApp, method: str = "GET", **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=Tagging(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        return await http.request(method, "/", headers=headers)


async def test_the_tag_is_of_the_body() -> None:
    """The same body the same tag, another another; a change of one letter is a change."""
    tags = [
        (await ask(JSONResponse(body))).headers["etag"]
        for body in (LONG, LONG, {"text": "y" + "x" * (FROM_BYTES - 1)})
    ]
    assert tags[0] == tags[1] != tags[2]
    assert tags[0].startswith('"')


async def test_a_304_has_the_tag_and_no_body() -> None:
    """Nothing of the body's own headers either: they would be those of nothing."""
    tag = (await ask(JSONResponse(LONG))).headers["etag"]
    answer = await ask(JSONResponse(LONG), **{"If-None-Match": f'"other", {tag}'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("app", "method"),
    [
        (JSONResponse({}), "GET"),
        (JSONResponse(LONG), "POST"),
        (JSONResponse(LONG, 404), "GET"),
        (Response(b"x" * FROM_BYTES, media_type="text/plain"), "GET"),
        (StreamingResponse(iter([b"x" * FROM_BYTES]), media_type="text/event-stream"), "GET"),
    ],
)
async def test_what_gets_no_tag_is_not_kept(app: ASGIApp, method: str) -> None:
    """Short bodies, writes, refusals, streams: they go through as they are."""
    answer = await ask(app, method, **{"If-None-Match": "*"})
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_in_pieces_is_whole() -> None:
    """Whatever way a body comes, one tag is of all of it."""

    async def in_pieces(scope: Any, receive: Any, send: Any) -> None:  # Any: ASGI's dictionaries
        headers = [(b"content-type", b"application/json"), (b"content-length", b"999")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"a" * 900, "more_body": True})
        await send({"type": "http.response.body", "body": b"b" * 99})

    answer = await ask(in_pieces)
    assert answer.content == b"a" * 900 + b"b" * 99
    assert "etag" in answer.headers
