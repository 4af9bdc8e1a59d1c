"""ETags: who asks again for what did not change gets 304 and no body.

A strong one, the hash of the body: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
"""

from hashlib import blake2s
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FROM_BYTES: Final = 256
"""Shorter bodies are sent: a 304 with its headers is no shorter."""
DIGEST_BYTES: Final = 12


class Tagging:
    """Gives JSON that was read an ETag, and every answer the headers about keeping it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start: Message = {}
        chunks: list[bytes] = []

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                kept = _set_keeping(message, scope["method"])
                if not kept:
                    await send(message)
                else:
                    start = message
            elif not start:
                await send(message)
            else:
                chunks.append(message.get("body", b""))
                if not message.get("more_body", False):
                    await _send_tagged(start, b"".join(chunks), Headers(scope=scope), send)

        await self._app(scope, receive, tagged)


def _set_keeping(message: Message, method: str) -> bool:
    """Say in the headers whether an answer may be kept; return whether it gets an ETag."""
    headers = MutableHeaders(raw=message["headers"])
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    length = int(headers.get("content-length", 0))
    json = headers.get("content-type", "").startswith("application/json")
    worth_it = method == "GET" and message["status"] == 200 and json and length >= FROM_BYTES
    headers.setdefault("Cache-Control", "private, no-cache" if worth_it else "no-store")
    message["headers"] = headers.raw
    return worth_it


async def _send_tagged(start: Message, body: bytes, asked: Headers, send: Send) -> None:
    tag = f'"{blake2s(body, digest_size=DIGEST_BYTES).hexdigest()}"'
    headers = MutableHeaders(raw=start["headers"])
    headers["ETag"] = tag
    if _known(asked.get("if-none-match", ""), tag):
        del headers["content-length"]
        del headers["content-type"]
        start["status"], body = 304, b""
    start["headers"] = headers.raw
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _known(if_none_match: str, tag: str) -> bool:
    """Say whether somebody has the body of this tag already.

    https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
    """
    tags = (each.strip().removeprefix("W/") for each in if_none_match.split(","))
    return if_none_match.strip() == "*" or tag in tags
