"""What PagerDuty is sent: an event of its Events API v2, from one notification.

https://developer.pagerduty.com/docs/send-alert-event
"""

import json
from typing import Any, Final

from alerting.literal import literal
from alerting.message import headline, is_group, line_of, lines, links, remarks
from alerting.notification import Notification, Status
from alerting.payload import stamp

LABELS_LIMIT: Final = 64
"""Labels among the details. With sanitised texts, of 200 characters at most, the summary stays
below its 1,024 characters and the event far below its 512 KB."""


def pagerduty_event(notification: Notification, *, routing_key: str) -> bytes:
    """Return the event that opens or updates this group's incident, or that closes it.

    The key to deduplicate by is that of the group's run: later messages join the open incident, the
    end of all closes it, and the next alert opens a new one.
    """
    firing = notification.status is Status.FIRING
    event: dict[str, Any] = {  # Any: JSON, whose shape PagerDuty defines
        "routing_key": routing_key,
        "event_action": "trigger" if firing else "resolve",
        "dedup_key": f"sonde-{notification.incident}",
    }
    if firing:
        event["payload"] = _payload(notification)
        event["client"] = "Sonde"
        if notification.url is not None:
            event["client_url"] = notification.url
        if found := [{"href": url, "text": title} for title, url in links(notification)]:
            event["links"] = found
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def _payload(notification: Notification) -> dict[str, Any]:
    labels = {literal(k): literal(v) for k, v in notification.labels[:LABELS_LIMIT]}
    # The severities of both are the same words; PagerDuty's fourth, error, stands for none of ours.
    details = {
        "condition": literal(notification.condition),
        "value": literal(notification.value),
        "notes": [
            literal(text if title == "Note" else f"{title}: {text}")
            for title, text in remarks(notification)
        ],
        "labels": labels,
    }
    if is_group(notification):
        details |= {"loudest": line_of(notification), "others": list(lines(notification))}
    return {
        "summary": headline(notification),
        "source": labels.get("target") or labels.get("provider") or labels.get("location", "sonde"),
        "severity": notification.severity.value,
        "timestamp": stamp(notification.starts_at),
        "component": labels.get("target", ""),
        "group": labels.get("provider", ""),
        "class": literal(notification.alertname),
        "custom_details": details,
    }
