"""A stand-in for Slack that answers as its documentation says, and is strict where Slack may be.

Incoming webhooks answer an HTTP status and a word:
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
chat.postMessage answers 200 and JSON, `ok: false` with a word for what it refuses:
https://docs.slack.dev/reference/methods/chat.postMessage#errors
chat.update does so for a message that is there, by the channel's id and the message's `ts`:
https://docs.slack.dev/reference/methods/chat.update#errors
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from tests.standins.server import Server
from tests.standins.slack_blocks import text_in, valid_blocks

TOKEN: Final = "xoxb-1111-2222-standin"
CHANNEL: Final = "#alerts"
CHANNEL_ID: Final = "C0000"
"""By which alone a message is edited."""
NOT_JOINED: Final = "#general"
"""A channel the bot is not in."""
WEBHOOK_PATH: Final = "/services/T0000/B0000/standinsecret"

WEBHOOK_REFUSALS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "invalid_payload": 400,
        "invalid_blocks": 400,
        "no_text": 400,
        "too_many_attachments": 400,
        "user_not_found": 400,
        "action_prohibited": 403,
        "invalid_token": 403,
        "posting_to_general_channel_denied": 403,
        "team_disabled": 403,
        "channel_not_found": 404,
        "no_active_hooks": 404,
        "no_service": 404,
        "no_team": 404,
        "channel_is_archived": 410,
        "rollup_error": 500,
    }
)
"""Status of every refusal a webhook knows; a word that is not here is answered 400.

https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks has the statuses.
"""
TEXT_LIMIT: Final = 40_000
"""Of `text`. Beyond it Slack may also cut the message and say so in a warning, which loses words as
surely: https://api.slack.com/changelog/2018-04-truncating-really-long-messages"""
ATTACHMENTS_LIMIT: Final = 100
"""https://docs.slack.dev/reference/methods/chat.postMessage#errors (too_many_attachments)"""
BLOCKS_TEXT_LIMIT: Final = 9_500
"""Of all blocks together. Slack does not say; 9,597 characters were seen to pass and 11,341 not:
https://github.com/slackapi/bolt-js/issues/2867"""

_MESSAGE = {"text", "blocks", "attachments", "unfurl_links", "unfurl_media", "metadata"}
_FOR_WEBHOOK = _MESSAGE | {"response_type", "replace_original", "delete_original"}
_FOR_BOT = _MESSAGE | {
    "channel", "parse", "mrkdwn", "thread_ts", "reply_broadcast", "link_names", "username",
    "icon_emoji", "icon_url",
}  # fmt: skip
_FOR_UPDATE = {
    "channel", "ts", "text", "blocks", "attachments", "parse", "link_names", "as_user", "metadata",
    "reply_broadcast", "file_ids",
}  # fmt: skip
_PINGS = re.compile(r"<(?:!|@|#|https?:)[^>]*>")


class Slack(Server):
    """One workspace with one webhook, one bot and two channels."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        """Messages that were posted."""
        self.pings: list[str] = []
        """Mentions and links that the posted messages would have made."""
        self.warnings: list[str] = []
        """What was taken with a warning."""
        self.refusing: str | None = None
        """The word that every message is refused with, whatever it is (an archived channel…)."""
        self.throttled_s: int | None = None
        """Seconds in Retry-After, while it limits everybody's rate."""
        self._app.router.add_post("/services/{path:.*}", self._webhook)
        self.shown: dict[str, dict[str, Any]] = {}
        """By `ts`: each message as the channel shows it now. A bot's alone."""
        self.frozen: str | None = None
        """The word that every edit is refused with (a window that closed…)."""
        self._app.router.add_post("/api/chat.postMessage", self._post_message)
        self._app.router.add_post("/api/chat.update", self._update)

    @property
    def webhook_url(self) -> str:
        """The webhook's URL."""
        return self.origin + WEBHOOK_PATH

    @property
    def api_url(self) -> str:
        """The Web API's base."""
        return self.origin + "/api/"

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        if self.throttled_s is not None:
            return web.Response(status=429, text="rate_limited", headers=self._wait())
        error = self.refusing or await self._webhook_fault(request)
        if error is not None:
            return web.Response(status=WEBHOOK_REFUSALS.get(error, 400), text=error)
        self._post(json.loads(await request.text()))
        return web.Response(text="ok")

    async def _webhook_fault(self, request: web.Request) -> str | None:
        if not request.path.startswith("/services/T0000/"):
            return "no_team"
        if not request.path.startswith("/services/T0000/B0000/"):
            return "no_service"
        if request.path != WEBHOOK_PATH:
            return "invalid_token"
        if _type_fault(request) is not None:
            return "invalid_payload"
        return fault_in(_json(await request.text()), _FOR_WEBHOOK)

    async def _post_message(self, request: web.Request) -> web.StreamResponse:
        if self.throttled_s is not None:
            limited = {"ok": False, "error": "ratelimited"}
            return web.json_response(limited, status=429, headers=self._wait())
        error = self.refusing or await self._bot_fault(request)
        if error is not None:
            return web.json_response({"ok": False, "error": error})
        message = await request.json()
        self._post(message)
        ts = f"1700000000.{len(self.messages):06}"
        self.shown[ts] = message
        answer = {"ok": True, "channel": CHANNEL_ID, "ts": ts, "message": message}
        if request.charset is None:
            # https://docs.slack.dev/reference/methods/chat.postMessage#warnings
            self.warnings.append("missing_charset")
            answer["response_metadata"] = {"warnings": ["missing_charset"]}
        return web.json_response(answer)

    async def _bot_fault(self, request: web.Request) -> str | None:
        fault = _token_fault(request) or _type_fault(request)
        if fault is not None:
            return fault
        message = _json(await request.text())
        if not isinstance(message, dict):
            return "invalid_json" if message is None else "json_not_object"
        if message.get("channel") == NOT_JOINED:
            return "not_in_channel"
        if message.get("channel") not in (CHANNEL, CHANNEL_ID):
            return "channel_not_found"
        if message.get("parse", "none") not in ("none", "full"):
            return "invalid_arguments"
        thread = message.get("thread_ts")
        if thread is not None and "thread_ts" in self.shown.get(thread, {"thread_ts": ""}):
            return "message_not_found"  # a reply's own name, or nobody's
        if message.get("reply_broadcast") and "actions" in str(message.get("blocks")):
            return "invalid_blocks"
        return fault_in(message, _FOR_BOT, unknown="invalid_arguments")

    async def _update(self, request: web.Request) -> web.StreamResponse:
        if self.throttled_s is not None:
            limited = {"ok": False, "error": "ratelimited"}
            return web.json_response(limited, status=429, headers=self._wait())
        error = self.refusing or await self._update_fault(request)
        if error is not None:
            return web.json_response({"ok": False, "error": error})
        edit = await request.json()
        self.shown[edit["ts"]] |= {"text": edit["text"], "blocks": edit["blocks"]}
        return web.json_response({"ok": True, "channel": CHANNEL_ID, "ts": edit["ts"]})

    async def _update_fault(self, request: web.Request) -> str | None:
        fault = _token_fault(request) or _type_fault(request)
        if fault is not None:
            return fault
        edit = _json(await request.text())
        if not isinstance(edit, dict):
            return "invalid_json" if edit is None else "json_not_object"
        if edit.get("channel") != CHANNEL_ID:
            return "channel_not_found"
        if edit.get("ts") not in self.shown:
            return "message_not_found"
        if edit.get("parse", "client") not in ("none", "full", "client"):
            return "invalid_arguments"
        return self.frozen or fault_in(edit, _FOR_UPDATE, unknown="invalid_arguments")

    def _post(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        shown = json.dumps(message.get("blocks", [])) + message.get("text", "")
        self.pings += _PINGS.findall(shown)

    def _wait(self) -> dict[str, str]:
        # https://docs.slack.dev/apis/web-api/rate-limits
        return {"Retry-After": str(self.throttled_s)}


def fault_in(message: object, fields: set[str], *, unknown: str = "invalid_payload") -> str | None:
    """Return Slack's word for what is wrong with a message that may have these fields, or None.

    A text is asked for beside blocks too: without it, lists and screen readers have nothing.
    """
    if not isinstance(message, dict) or set(message) - fields:
        return unknown
    text = message.get("text")
    if not isinstance(text, str) or not text.strip():
        return "no_text"
    if len(text) > TEXT_LIMIT:
        return "msg_too_long"
    if len(message.get("attachments", [])) > ATTACHMENTS_LIMIT:
        return "too_many_attachments"
    blocks = message.get("blocks", [])
    if not valid_blocks(blocks):
        return "invalid_blocks"
    return "msg_blocks_too_long" if text_in(blocks) > BLOCKS_TEXT_LIMIT else None


def _token_fault(request: web.Request) -> str | None:
    """Bot tokens alone, in the header: https://docs.slack.dev/authentication/tokens."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        return "not_authed"
    if not token.startswith("xoxb-"):
        return "not_allowed_token_type"
    return None if token == TOKEN else "invalid_auth"


def _type_fault(request: web.Request) -> str | None:
    """JSON alone: https://docs.slack.dev/apis/web-api#post-bodies."""
    if "Content-Type" not in request.headers:
        return "missing_post_type"
    if request.content_type != "application/json":
        return "invalid_post_type"
    known = (request.charset or "utf-8").lower() in ("utf-8", "iso-8859-1")
    return None if known else "invalid_charset"


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
