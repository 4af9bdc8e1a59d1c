"""A stand-in for Slack that answers as its documentation says, and is strict where Slack is.

Incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
chat.postMessage: https://docs.slack.dev/reference/methods/chat.postMessage
Blocks: https://docs.slack.dev/reference/block-kit/blocks
"""

import json
import re
from typing import Any

from aiohttp import web

from tests.standins.server import Server

TOKEN = "xoxb-1111-2222-standin"
CHANNEL = "#alerts"
WEBHOOK_PATH = "/services/T0000/B0000/standinsecret"

_MESSAGE = {"text", "blocks", "attachments", "unfurl_links", "unfurl_media", "metadata"}
_FOR_WEBHOOK = _MESSAGE | {"response_type", "replace_original", "delete_original"}
_FOR_BOT = _MESSAGE | {"channel", "parse", "mrkdwn", "thread_ts", "link_names", "username"}
_PINGS = re.compile(r"<(?:!|@|#|https?:)[^>]*>")


class Slack(Server):
    """One workspace with one webhook, one bot and one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        """Messages that were posted."""
        self.pings: list[str] = []
        """Mentions and links that the posted messages would have made."""
        self._app.router.add_post("/services/{path:.*}", self._webhook)
        self._app.router.add_post("/api/chat.postMessage", self._post_message)

    @property
    def webhook_url(self) -> str:
        """The webhook's URL."""
        return self.origin + WEBHOOK_PATH

    @property
    def api_url(self) -> str:
        """The Web API's base."""
        return self.origin + "/api/"

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith("/services/T0000/"):
            return web.Response(status=404, text="no_service")
        if request.path != WEBHOOK_PATH:
            return web.Response(status=403, text="invalid_token")
        try:
            message = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        error = fault_in(message, _FOR_WEBHOOK)
        if error is not None:
            return web.Response(status=400, text=error)
        self._post(message)
        return web.Response(text="ok")

    async def _post_message(self, request: web.Request) -> web.StreamResponse:
        error = await self._bot_fault(request)
        if error is not None:
            return web.json_response({"ok": False, "error": error})
        message = await request.json()
        self._post(message)
        return web.json_response({"ok": True, "channel": "C0000", "ts": "1.2", "message": message})

    async def _bot_fault(self, request: web.Request) -> str | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return "not_authed"
        if not token.startswith("xoxb-"):
            return "not_allowed_token_type"
        if token != TOKEN:
            return "invalid_auth"
        if "application/json" not in request.headers.get("Content-Type", ""):
            return "invalid_post_type"
        try:
            message = json.loads(await request.text())
        except ValueError:
            return "invalid_json"
        if isinstance(message, dict) and message.get("channel") != CHANNEL:
            return "channel_not_found"
        return fault_in(message, _FOR_BOT)

    def _post(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        shown = json.dumps(message.get("blocks", [])) + message.get("text", "")
        self.pings += _PINGS.findall(shown)


def fault_in(message: object, fields: set[str]) -> str | None:
    """Return Slack's word for what is wrong with a message, or None."""
    if not isinstance(message, dict) or set(message) - fields:
        return "invalid_payload"
    if not isinstance(message.get("text"), str) or not message["text"].strip():
        return "no_text"
    blocks = message.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > 50:
        return "invalid_blocks"
    return None if all(_valid_block(block) for block in blocks) else "invalid_blocks"


def _valid_block(block: Any) -> bool:
    match block:
        case {"type": "header", "text": text, **rest}:
            return not rest and _valid_text(text, 150, {"plain_text"})
        case {"type": "section", "text": text, "fields": [*fields], **rest}:
            valid = all(_valid_text(field, 2000) for field in fields)
            return not rest and _valid_text(text, 3000) and 1 <= len(fields) <= 10 and valid
        case {"type": "context", "elements": [*elements], **rest}:
            valid = all(_valid_text(element, 3000) for element in elements)
            return not rest and 1 <= len(elements) <= 10 and valid
        case {"type": "actions", "elements": [*elements], **rest}:
            return not rest and bool(elements) and all(_valid_button(each) for each in elements)
    return False


def _valid_text(text: Any, limit: int, kinds: frozenset[str] | set[str] = frozenset()) -> bool:
    match text:
        case {"type": str(kind), "text": str(words), **rest}:
            allowed = {"verbatim"} if kind == "mrkdwn" else {"emoji"}
            known = kind in (kinds or {"mrkdwn", "plain_text"})
            return known and 1 <= len(words) <= limit and set(rest) <= allowed
    return False


def _valid_button(button: Any) -> bool:
    match button:
        case {"type": "button", "text": text, "url": str(url), **rest}:
            return not rest and _valid_text(text, 75, {"plain_text"}) and len(url) <= 3000
    return False
