"""An Alertmanager's API v2 for alerts, as strict as version 0.25 about their labels.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import re
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.standins.server import Server

TOKEN = "am-token-0123456789"
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ALERT = {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}


class Alertmanager(Server):
    """Takes alerts from those who know its token."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[list[dict[str, Any]]] = []
        """The alerts of every request that was taken."""
        self._app.router.add_post("/api/v2/alerts", self._take)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        alerts = await request.json()
        if not isinstance(alerts, list) or any(map(_is_bad, alerts)):
            return web.json_response("bad alert", status=400)
        self.posts.append(alerts)
        return web.Response(status=200)


def _is_bad(alert: dict[str, Any]) -> bool:
    labels = alert.get("labels", {})
    if not labels or set(alert) - _ALERT or not all(map(_LABEL.fullmatch, labels)):
        return True
    starts_at, ends_at = (datetime.fromisoformat(alert[key]) for key in ("startsAt", "endsAt"))
    return ends_at < starts_at
