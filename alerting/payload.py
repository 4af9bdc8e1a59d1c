"""What goes over the wire to each kind of receiver, from one notification: pure functions.

Labels and values are hostile input: a label may say `<!channel>`, a model's name hide a line break.
For Slack everything is escaped, cut, and marked as not to be parsed; for webhooks it is JSON.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from alerting.notification import Notification, Status
from alerting.rule import Severity
from alerting.words import duration_text
from probes.sanitise import sanitise

# Payloads are dict[str, Any]: JSON objects whose shapes Slack and Alertmanager define.

HEADER_LIMIT: Final = 150
"""https://docs.slack.dev/reference/block-kit/blocks/header-block"""
FIELD_LIMIT: Final = 10
"""https://docs.slack.dev/reference/block-kit/blocks/section-block"""
ELEMENT_LIMIT: Final = 10
"""https://docs.slack.dev/reference/block-kit/blocks/context-block"""
NEVER: Final = "0001-01-01T00:00:00Z"
"""Alertmanager's end of an alert that has not ended (Go's zero time)."""

_BULLETS: Final = {
    Severity.CRITICAL: "\N{LARGE RED CIRCLE}",
    Severity.WARNING: "\N{LARGE ORANGE CIRCLE}",
    Severity.INFO: "\N{LARGE BLUE CIRCLE}",
}
_RESOLVED: Final = "\N{LARGE GREEN CIRCLE}"
_IN_HEADERS: Final = str.maketrans("&<>", "+()")
"""Headers are plain text, for which the documentation does not say whether entities are read."""
_TITLES: Final = {"target": "Target", "provider": "Provider", "model": "Model"}
"""Labels that get a field of their own, in this order; the others share the context line."""


def escaped(text: str) -> str:
    """Return text as Slack shows it literally: one line, `&`, `<` and `>` escaped.

    With those three gone no mention, link or channel can be written.
    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return sanitise(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_message(notification: Notification) -> dict[str, Any]:
    """Return the message for Slack: `text` for lists and screen readers, blocks for the channel."""
    firing = notification.status is Status.FIRING
    bullet = _BULLETS[notification.severity] if firing else _RESOLVED
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _header(notification, bullet)}},
        {
            "type": "section",
            "text": _literal(escaped(notification.summary)),
            "fields": _fields(notification),
        },
        {"type": "context", "elements": [_literal(_context(notification))]},
    ]
    lines = [_literal(text) for text in map(escaped, notification.notes) if text]
    if lines:
        blocks.insert(2, {"type": "context", "elements": lines[:ELEMENT_LIMIT]})
    if notification.url is not None:
        blocks.append(_link(notification.url))
    return {
        "text": f"{bullet} {notification.status.value}: {escaped(notification.summary)}",
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _header(notification: Notification, bullet: str) -> str:
    word = "resolved" if notification.status is Status.RESOLVED else notification.severity.value
    line = f"{bullet} {sanitise(notification.alertname)} ({word})"
    return line[:HEADER_LIMIT].translate(_IN_HEADERS)


def _literal(text: str) -> dict[str, Any]:
    """Wrap text so that Slack makes no links and mentions of what looks like them."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _fields(notification: Notification) -> list[dict[str, Any]]:
    labels = dict(notification.labels)
    pairs = [(title, labels[name]) for name, title in _TITLES.items() if name in labels]
    pairs += [("Condition", notification.condition), ("Value", notification.value)]
    pairs.append(("Since", stamp(notification.starts_at)))
    if notification.ends_at is not None:
        pairs.append(("Lasted", duration_text(notification.ends_at - notification.starts_at)))
    return [
        _literal(f"*{title}*\n{escaped(text) or 'none'}") for title, text in pairs[:FIELD_LIMIT]
    ]


def _context(notification: Notification) -> str:
    shown = {"alertname", "severity", *_TITLES}
    rest = [f"{name}={value}" for name, value in notification.labels if name not in shown]
    return escaped(" · ".join([f"alert {notification.fingerprint}", *rest]))


def _link(url: str) -> dict[str, Any]:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Open Sonde"}, "url": url}
    return {"type": "actions", "elements": [button]}


def webhook_body(notification: Notification, *, receiver: str) -> bytes:
    """Return Alertmanager's version 4 body with this one alert in it, as the bytes to sign.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """
    labels = dict(notification.labels)
    annotations = annotations_of(notification)
    ends_at = stamp(notification.ends_at) if notification.ends_at is not None else NEVER
    alert = {
        "status": notification.status.value,
        "labels": labels,
        "annotations": annotations,
        "startsAt": stamp(notification.starts_at),
        "endsAt": ends_at,
        "generatorURL": notification.url or "",
        "fingerprint": notification.fingerprint,
    }
    body = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{notification.alertname}"}}:{notification.fingerprint}',
        "truncatedAlerts": 0,
        "status": notification.status.value,
        "receiver": receiver,
        "groupLabels": {"alertname": notification.alertname},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": notification.url or "",
        "alerts": [alert],
    }
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def annotations_of(notification: Notification) -> dict[str, str]:
    """Return what is known beside the labels, by Alertmanager's idea of annotations."""
    annotations = {
        "summary": notification.summary,
        "condition": notification.condition,
        "value": notification.value,
    }
    if notification.notes:
        annotations["notes"] = "\n".join(notification.notes)
    return annotations


def stamp(at: float) -> str:
    """Return wall time `at` in RFC 3339, UTC, to the millisecond."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
