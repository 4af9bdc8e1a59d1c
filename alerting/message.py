"""A notification as plain text, for channels that take text: what, since when, how bad, and why.

Every line is sanitised: a provider's words bring no line break, no hidden character, no key. And
none of them can call people together: an `@` before a letter gets a zero-width space behind it.
"""

import re
from collections.abc import Iterator
from typing import Final

from alerting.notification import Notification, Status
from alerting.payload import stamp
from alerting.words import duration_text
from probes.sanitise import sanitise

LABELS_SHOWN: Final = 16
"""Labels on the last line; a message is read on a telephone."""

_MENTION: Final = re.compile(r"([@<])(?=[\w!@#&:/])")
"""`@everyone`, `@here`, `@name` (Discord, Teams, Telegram), `<!channel>`, `<@U1>` (Slack)."""


def literal(text: str) -> str:
    """Return text in one line that no chat reads as a mention or as a command to it."""
    return _MENTION.sub("\\1\N{ZERO WIDTH SPACE}", sanitise(text))


def headline(notification: Notification) -> str:
    """Return what happened in one line."""
    return f"{literal(notification.alertname)}: {literal(notification.summary)}"


def subject(notification: Notification) -> str:
    """Return a title that is the same for an alert and its end, so that mails make a thread."""
    labels = dict(notification.labels)
    who = labels.get("target") or labels.get("provider") or labels.get("location", "")
    name, severity = literal(notification.alertname), notification.severity.value
    return f"[{severity}] {name}: {literal(who)}" if who else f"[{severity}] {name}"


def facts(notification: Notification) -> Iterator[tuple[str, str]]:
    """Yield what is known beside the headline, each with its title, none of them empty."""
    known = [("Value", notification.value), ("Condition", notification.condition)]
    known.append(("Since", stamp(notification.starts_at)))
    if notification.ends_at is not None:
        known.append(("Until", stamp(notification.ends_at)))
        known.append(("Lasted", duration_text(notification.ends_at - notification.starts_at)))
    known += [("Note", note) for note in notification.notes]
    shown = notification.labels[:LABELS_SHOWN]
    known.append(("Labels", ", ".join(f"{name}={value}" for name, value in shown)))
    yield from ((title, literal(text)) for title, text in known if sanitise(text))


def text(notification: Notification) -> str:
    """Return the whole message, the most important line first."""
    lines = [f"{word(notification)}: {headline(notification)}", ""]
    lines += [f"{title}: {fact}" for title, fact in facts(notification)]
    if notification.url is not None:
        lines.append(f"Sonde: {notification.url}")
    return "\n".join(lines) + "\n"


def word(notification: Notification) -> str:
    """Return FIRING or RESOLVED."""
    return "RESOLVED" if notification.status is Status.RESOLVED else "FIRING"
