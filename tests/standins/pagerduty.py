"""PagerDuty's Events API v2 as it is documented, for one integration.

https://developer.pagerduty.com/docs/send-alert-event
https://developer.pagerduty.com/docs/events-api-v2-overview#response-codes--retry-logic
"""

import json
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.standins.server import Server

ROUTING_KEY = "R0123456789ABCDEFGHIJKLMNOPQRSTU"
EVENT_LIMIT_BYTES = 512 * 1024
SUMMARY_LIMIT = 1024
DEDUP_KEY_LIMIT = 255
_EVENT = {
    "routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links",
    "images",
}  # fmt: skip
_PAYLOAD = {
    "summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details",
}  # fmt: skip


class PagerDuty(Server):
    """Takes events at `/v2/enqueue` and keeps the incidents they open and close."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        """Events that were taken."""
        self.open: set[str] = set()
        """Keys of incidents that are open."""
        self._app.router.add_post("/v2/enqueue", self._enqueue)

    @property
    def url(self) -> str:
        """Where to post."""
        return self.origin + "/v2/enqueue"

    async def _enqueue(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if len(body) > EVENT_LIMIT_BYTES:
            return web.Response(status=413)
        fault = fault_in(json.loads(body))
        if fault is not None:
            invalid = {"status": "invalid event", "message": "Event object is invalid"}
            return web.json_response(invalid | {"errors": [fault]}, status=400)
        event = json.loads(body)
        self.events.append(event)
        key = event["dedup_key"]
        if event["event_action"] == "trigger":
            self.open.add(key)
        elif event["event_action"] == "resolve":
            self.open.discard(key)
        answer = {"status": "success", "message": "Event processed", "dedup_key": key}
        return web.json_response(answer, status=202)


def fault_in(event: dict[str, Any]) -> str | None:
    """Say what is wrong with an event, or None."""
    if event.get("routing_key") != ROUTING_KEY:
        return "Invalid routing key"
    if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        return "'event_action' is invalid"
    if set(event) - _EVENT or not 1 <= len(event.get("dedup_key", "")) <= DEDUP_KEY_LIMIT:
        return "'dedup_key' or another field is invalid"
    if event["event_action"] != "trigger":
        return None
    if any(set(link) - {"href", "text"} or "href" not in link for link in event.get("links", [])):
        return "'links' is invalid"
    return _payload_fault(event.get("payload", {}))


def _payload_fault(payload: dict[str, Any]) -> str | None:
    if set(payload) - _PAYLOAD:
        return "'payload' has unknown fields"
    if not 1 <= len(payload.get("summary", "")) <= SUMMARY_LIMIT:
        return "'payload.summary' is missing, blank or too long"
    if not payload.get("source"):
        return "'payload.source' is missing or blank"
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        return "'payload.severity' is invalid"
    datetime.fromisoformat(payload.get("timestamp", "2000-01-01"))
    return None
