"""What Slack is sent: one message of text and blocks, from one notification.

Labels and values are hostile input: a label may say `<!channel>`, a model's name hide a line break.
Everything is escaped, cut, and marked as not to be parsed.
"""

from itertools import accumulate
from typing import Any, Final

from alerting.message import headline, is_group, line_of, lines, links, remarks, standing, word
from alerting.notification import Notification, Status
from alerting.payload import stamp
from alerting.rule import Severity
from alerting.words import duration_text
from probes.sanitise import sanitise

# Messages are dict[str, Any]: JSON objects whose shapes Slack defines.

HEADER_LIMIT: Final = 150
"""https://docs.slack.dev/reference/block-kit/blocks/header-block"""
FIELD_LIMIT: Final = 10
"""https://docs.slack.dev/reference/block-kit/blocks/section-block"""
TEXT_MOST: Final = 1_000
"""Characters of the line that matters, escaped: all of it, whatever it is made of."""
SHORT_MOST: Final = 300
"""Of every other text. Ten lines of it pass a block's 3,000; all blocks together stay below 9,500,
beyond which Slack was seen to refuse: https://github.com/slackapi/bolt-js/issues/2867"""
LINE_MOST: Final = 250
BUTTONS: Final = 3
BUTTON_LIMIT: Final = 75
"""https://docs.slack.dev/reference/block-kit/block-elements/button-element"""

_BULLETS: Final = {
    Severity.CRITICAL: "\N{LARGE RED CIRCLE}",
    Severity.WARNING: "\N{LARGE ORANGE CIRCLE}",
    Severity.INFO: "\N{LARGE BLUE CIRCLE}",
}
_RESOLVED: Final = "\N{LARGE GREEN CIRCLE}"
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_IN_HEADERS: Final = str.maketrans("&<>", "+()")
"""Headers are plain text, for which the documentation does not say whether entities are read."""
_TITLES: Final = {"target": "Target", "provider": "Provider", "model": "Model"}
"""Labels that get a field of their own, in this order; the others share the context line."""


def escaped(text: str, most: int = TEXT_MOST) -> str:
    """Return text as Slack shows it literally: one line, `&`, `<` and `>` escaped.

    With those three gone no mention, link or channel can be written. Cut to `most` characters as
    they are sent, never within an entity.
    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return _cut(sanitise(text), most)


def _cut(text: str, most: int) -> str:
    pieces = [_ENTITIES.get(char, char) for char in text]
    ends = accumulate(map(len, pieces))
    return "".join(piece for piece, end in zip(pieces, ends, strict=True) if end <= most)


def slack_message(notification: Notification) -> dict[str, Any]:
    """Return the message: `text` for lists and screen readers, blocks for the channel."""
    firing = notification.status is Status.FIRING
    bullet = _BULLETS[notification.severity] if firing else _RESOLVED
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _header(notification, bullet)}},
        {
            "type": "section",
            "text": _literal(_loudest(notification)),
            "fields": _fields(notification),
        },
    ]
    if noted := [_literal(_remark(*each)) for each in remarks(notification)]:
        blocks.append({"type": "context", "elements": noted})
    if others := [_cut(line, LINE_MOST) for line in lines(notification, sanitise)]:
        blocks.append({"type": "section", "text": _literal("\n".join(others))})
    blocks.append({"type": "context", "elements": [_literal(_context(notification))]})
    if buttons := [_button(title, url) for title, url in links(notification)]:
        blocks.append({"type": "actions", "elements": buttons[:BUTTONS]})
    line = headline(notification, escaped) if is_group(notification) else _loudest(notification)
    return {
        "text": f"{bullet} {word(notification).lower()}: {line}",
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _header(notification: Notification, bullet: str) -> str:
    name = notification.alertname
    line = headline(notification, sanitise) if is_group(notification) else sanitise(name)
    ending = f" ({standing(notification)}{', still' if notification.why == 'repeat' else ''})"
    return f"{bullet} {line}"[: HEADER_LIMIT - len(ending)].translate(_IN_HEADERS) + ending


def _loudest(notification: Notification) -> str:
    if is_group(notification):
        return _cut(line_of(notification, sanitise), TEXT_MOST)
    return escaped(notification.summary)


def _remark(title: str, text: str) -> str:
    return escaped(text if title == "Note" else f"{title}: {text}", SHORT_MOST)


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
        _literal(f"*{title}*\n{escaped(text, SHORT_MOST) or 'none'}")
        for title, text in pairs[:FIELD_LIMIT]
    ]


def _context(notification: Notification) -> str:
    shown = {"alertname", "severity", *_TITLES}
    rest = [f"{name}={value}" for name, value in notification.labels if name not in shown]
    return escaped(" · ".join([f"alert {notification.fingerprint}", *rest]), SHORT_MOST)


def _button(title: str, url: str) -> dict[str, Any]:
    words = title[:BUTTON_LIMIT] or "Open"
    return {"type": "button", "text": {"type": "plain_text", "text": words}, "url": url}
