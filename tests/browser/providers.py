"""Providers for the dashboard's tests: one that does as it is told, and one that means harm."""

import asyncio
import json
from typing import Final

from aiohttp import web

from tests.browser.visiting import HOSTILE
from tests.standins.server import Server

PAYLOADS: Final = (
    HOSTILE,
    "<svg onload=window.pwned=1>",
    '"><a href="javascript:window.pwned=1">read</a>',
    "{{constructor.constructor('window.pwned=1')()}}",
    "<b>\u202etxet\u202c \x1b[31mred\x00\x07\u2066</b>",
)
"""Markup, attributes, templates, and characters that turn text around or are none."""
LIMITS: Final = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-remaining-requests": "640",
    "x-ratelimit-reset-requests": "6s",
    "x-request-id": "req_0123456789",
}
HARM: Final = {
    "x-ratelimit-limit-requests": "<svg onload=window.pwned=1>",
    "x-ratelimit-remaining-requests": "-1e999",
    "retry-after": HOSTILE,
    "x-request-id": HOSTILE,
    "server": HOSTILE,
}
USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


class Providers(Server):
    """Providers by the first word of the path: `plain` fails the models in `failing`, `hostile`."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()
        self._app.router.add_post("/plain/v1/chat/completions", self._plain)
        self._app.router.add_post("/hostile/v1/chat/completions", self._hostile)
        self._app.router.add_get("/hostile/status", self._incidents)

    async def _plain(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if asked["model"] in self.failing:
            return web.json_response({"error": {"message": "overloaded"}}, status=503)
        await asyncio.sleep(0.01)
        if asked.get("stream"):
            return await _streamed(request, asked["model"])
        return web.json_response(_answer(asked["model"], "ok"), headers=LIMITS)

    async def _hostile(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        model = asked["model"]
        harm = PAYLOADS[-1] if model == "page" else " ".join(PAYLOADS)  # details are cut
        error = {"error": {"message": harm, "type": HOSTILE, "code": HOSTILE, "param": HOSTILE}}
        if model == "refuses":
            return web.json_response(error, status=400, headers=HARM)
        if model == "limits":
            return web.json_response(error, status=429, headers=HARM)
        if model == "page":
            return web.Response(text=f"<html>{harm}", content_type="text/html", status=502)
        if model == "cuts":
            return await _cut(request, error)
        return web.json_response(_answer(HOSTILE, harm), headers=HARM)

    async def _incidents(self, _request: web.Request) -> web.Response:
        incident = {"name": HOSTILE, "status": "investigating", "impact": "major"}
        incident |= {"id": HOSTILE, "created_at": "2026-11-21T00:00:00Z", "shortlink": HOSTILE}
        part = {"id": "c", "name": HOSTILE, "status": "major_outage"}
        status = {"indicator": "major", "description": HOSTILE}
        return web.json_response(
            {"page": {"name": HOSTILE}, "status": status, "components": [part]}
            | {"incidents": [incident], "scheduled_maintenances": []}
        )


def _answer(model: str, content: str) -> dict[str, object]:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "x", "object": "chat.completion", "model": model, "choices": [choice]}
    return answer | {"usage": USAGE}


async def _streamed(request: web.Request, model: str) -> web.StreamResponse:
    response = web.StreamResponse(headers=LIMITS | {"content-type": "text/event-stream"})
    await response.prepare(request)
    for word, end in (("o", None), ("k", None), ("", "stop")):
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": end}
        chunk = {"id": "x", "object": "chat.completion.chunk", "model": model}
        await _write(response, chunk | {"choices": [choice]})
        await asyncio.sleep(0.01)
    await _write(response, chunk | {"choices": [], "usage": USAGE})
    await response.write(b"data: [DONE]\n\n")
    return response


async def _cut(request: web.Request, error: object) -> web.StreamResponse:
    """An error in the middle of a stream."""
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await _write(response, error)
    return response


async def _write(response: web.StreamResponse, event: object) -> None:
    await response.write(f"data: {json.dumps(event)}\n\n".encode())
