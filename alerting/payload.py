"""What webhooks are sent: Alertmanager's version 4 body, from one notification: a pure function."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Final

from alerting.literal import literal
from alerting.notification import News, Notification

NEVER: Final = "0001-01-01T00:00:00Z"
"""Alertmanager's end of an alert that has not ended (Go's zero time)."""


def webhook_body(notification: Notification, *, receiver: str) -> bytes:
    """Return the body with every alert of the message in it, as the bytes to sign.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """
    alerts = [_alert(each, notification.url) for each in notification.alerts]
    shared = dict(notification.group) or {"alertname": notification.alertname}
    labels = ", ".join(f"{name}={json.dumps(value)}" for name, value in shared.items())
    body = {
        "version": "4",
        "groupKey": f"{{}}:{{{labels}}}:{notification.incident}",
        "truncatedAlerts": notification.more,
        "status": notification.status.value,
        "receiver": receiver,
        "groupLabels": shared,
        "commonLabels": _common(alert["labels"] for alert in alerts),
        "commonAnnotations": _common(alert["annotations"] for alert in alerts),
        "externalURL": notification.url or "",
        "alerts": alerts,
    }
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def _alert(news: News, url: str | None) -> dict[str, Any]:  # Any: JSON of Alertmanager's shape
    return {
        "status": news.status.value,
        "labels": dict(news.labels),
        "annotations": annotations_of(news),
        "startsAt": stamp(news.starts_at),
        "endsAt": NEVER if news.ends_at is None else stamp(news.ends_at),
        "generatorURL": url or "",
        "fingerprint": news.fingerprint,
    }


def _common(each: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """Return the pairs that are in all of them."""
    return reduce(
        lambda shared, other: {k: v for k, v in shared.items() if other.get(k) == v}, each
    )


def annotations_of(news: News) -> dict[str, str]:
    """Return what is known beside the labels, by Alertmanager's idea of annotations.

    What the rule itself annotates goes before what we say of it. What others wrote may be posted to
    a chat by whoever gets it.
    """
    annotations = {
        "summary": literal(news.summary),
        "condition": literal(news.condition),
        "value": literal(news.value),
    }
    if news.notes:
        annotations["notes"] = "\n".join(map(literal, news.notes))
    return annotations | dict(news.annotations)


def stamp(at: float) -> str:
    """Return wall time `at` in RFC 3339, UTC, to the millisecond."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
