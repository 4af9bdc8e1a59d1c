"""What an Alertmanager is sent: alerts of its API v2, as Prometheus sends them.

https://prometheus.io/docs/alerting/latest/alerts_api/
An Alertmanager holds an alert for resolved once its `endsAt` has gone by. One that fires is sent
with an end a little ahead, again and again: should we fall silent, it is over there as well.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from alerting.notification import News, Status
from alerting.payload import annotations_of, stamp

RESEND_EVERY_S: Final = 60.0
"""Prometheus' own default (--rules.alert.resend-delay)."""
BATCH: Final = 64
"""Alerts in one request: made in two milliseconds. Prometheus sends 64 or, later, 256."""
VALID_S: Final = 4 * RESEND_EVERY_S
"""How far ahead the end of a firing alert is: three repeats may be lost, as with Prometheus."""

_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_]|^(?=[0-9])")
"""What no label's name may hold before Alertmanager 0.27:
https://prometheus.io/docs/alerting/latest/configuration/#label-matchers"""


def alertmanager_alerts(alerts: Iterable[tuple[News, str | None]], now: float) -> bytes:
    """Return alerts, each with the address of our page, as they are at wall time `now`: a body."""
    posted = [_alert(news, url, now) for news, url in alerts]
    return json.dumps(posted, separators=(",", ":")).encode("ascii")


def _alert(news: News, url: str | None, now: float) -> dict[str, Any]:  # Any: JSON of their shape
    labels = {_FOREIGN.sub("_", name): value for name, value in news.labels}
    labels |= {"alertname": news.alertname, "severity": news.severity.value}
    ends_at = news.ends_at if news.status is Status.RESOLVED else None
    alert: dict[str, Any] = {
        "labels": labels,
        "annotations": annotations_of(news),
        "startsAt": stamp(news.starts_at),
        "endsAt": stamp(now + VALID_S if ends_at is None else ends_at),
    }
    if url is not None:
        alert["generatorURL"] = url
    return alert
