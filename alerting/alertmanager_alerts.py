"""What an Alertmanager is sent: alerts of its API v2, as Prometheus sends them.

https://prometheus.io/docs/alerting/latest/alerts_api/
An Alertmanager holds an alert for resolved once its `endsAt` has gone by. One that fires is sent
with an end a little ahead, again and again: should we fall silent, it is over there as well.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from alerting.notification import Notification, Status
from alerting.payload import annotations_of, stamp

RESEND_EVERY_S: Final = 60.0
"""Prometheus' own default (--rules.alert.resend-delay)."""
VALID_S: Final = 4 * RESEND_EVERY_S
"""How far ahead the end of a firing alert is: three repeats may be lost, as with Prometheus."""

_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_]|^(?=[0-9])")
"""What no label's name may hold before Alertmanager 0.27:
https://prometheus.io/docs/alerting/latest/configuration/#label-matchers"""


def alertmanager_alerts(notifications: Iterable[Notification], now: float) -> bytes:
    """Return these alerts as they are at wall time `now`, as the body to post."""
    alerts = [_alert(notification, now) for notification in notifications]
    return json.dumps(alerts, separators=(",", ":")).encode("ascii")


def _alert(notification: Notification, now: float) -> dict[str, Any]:  # Any: JSON of their shape
    labels = {_FOREIGN.sub("_", name): value for name, value in notification.labels}
    labels |= {"alertname": notification.alertname, "severity": notification.severity.value}
    over = notification.status is Status.RESOLVED and notification.ends_at is not None
    ends_at = notification.ends_at if over else None
    alert: dict[str, Any] = {
        "labels": labels,
        "annotations": annotations_of(notification),
        "startsAt": stamp(notification.starts_at),
        "endsAt": stamp(now + VALID_S if ends_at is None else ends_at),
    }
    if notification.url is not None:
        alert["generatorURL"] = notification.url
    return alert
