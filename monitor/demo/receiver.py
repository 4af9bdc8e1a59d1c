"""The demo's webhook receiver: it takes messages the way a customer's would, signature and all."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from aiohttp import web


class Receiver:
    """An HTTP server on loopback that checks Standard Webhooks signatures.

    A message with a wrong signature is answered 401 and never shown.
    """

    def __init__(self, secret: str, on_message: Callable[[dict[str, Any]], None]) -> None:
        # Any: the body is JSON from outside
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._on_message = on_message
        self._seen: set[str] = set()
        app = web.Application()
        app.router.add_post("/hook", self._hook)
        self._runner = web.AppRunner(app)

    async def start(self) -> str:
        """Start serving; return the URL to post to."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}/hook"

    async def stop(self) -> None:
        """Stop serving."""
        await self._runner.cleanup()

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        message_id = request.headers.get("webhook-id", "")
        signed = f"{message_id}.{request.headers.get('webhook-timestamp', '')}.".encode() + body
        expected = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        given = request.headers.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(f"v1,{expected}", signature) for signature in given):
            return web.Response(status=401, text="signature does not fit")
        if message_id not in self._seen:
            self._seen.add(message_id)
            self._on_message(await request.json())
        return web.Response(text="ok")
