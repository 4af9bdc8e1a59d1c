"""A webhook receiver that believes nothing: signatures checked from the specification's text.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
The body is Alertmanager's: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.standins.server import Server

TOLERANCE_S = 300
_BODY = {
    "version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
    "commonAnnotations", "externalURL", "alerts",
}  # fmt: skip
_ALERT = {
    "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint",
}  # fmt: skip


class Receiver(Server):
    """Accepts at `/hook` what is signed with its secret, and remembers it by id."""

    def __init__(
        self,
        secret: str | None,
        now: Callable[[], float],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls=tls)
        self.secret = secret
        """`whsec_…`, or None for a receiver that asks for no signature."""
        self.deliveries: list[dict[str, Any]] = []
        """Bodies that were accepted, repeats left out."""
        self.ids: list[str] = []
        """The id of every accepted request, repeats included."""
        self.hosts: list[str] = []
        self._now = now
        self._app.router.add_post("/hook", self.take)

    @property
    def url(self) -> str:
        """Where to post."""
        return self.origin + "/hook"

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Check one delivery and remember it."""
        body = await request.read()
        if self.secret is not None and not self._signed(request, body):
            return web.Response(status=401, text="bad signature")
        document = json.loads(body)
        if set(document) != _BODY or any(set(alert) != _ALERT for alert in document["alerts"]):
            return web.Response(status=400, text="not version 4")
        # Alertmanager, the other sender of this body, numbers nothing and signs nothing.
        unnumbered = f"unnumbered {len(self.ids)}" if self.secret is None else ""
        message_id = request.headers.get("webhook-id", unnumbered)
        if message_id not in self.ids:
            self.deliveries.append(document)
        self.ids.append(message_id)
        self.hosts.append(request.headers["Host"])
        return web.Response(status=204)

    def _signed(self, request: web.Request, body: bytes) -> bool:
        timestamp = request.headers.get("webhook-timestamp", "")
        if not timestamp.isdigit() or abs(int(timestamp) - self._now()) > TOLERANCE_S:
            return False
        assert self.secret is not None
        key = base64.b64decode(self.secret[len("whsec_") :])
        message_id = request.headers.get("webhook-id", "")
        signed = b".".join([message_id.encode(), timestamp.encode(), body])
        expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        offered = request.headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(expected, each) for each in offered)
