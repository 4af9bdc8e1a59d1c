"""A notification as plain text, for channels that take text: what, since when, how bad, and why.

The loudest alert of a group comes first with its facts, then a line for each of the others.

Every line is sanitised: a provider's words bring no line break, no hidden character, no key. And
none of them can call people together: an `@` before a letter gets a zero-width space behind it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from alerting.literal import literal
from alerting.notification import News, Notification, Status
from alerting.payload import stamp
from alerting.words import duration_text
from probes.sanitise import sanitise

LABELS_SHOWN: Final = 16
"""Labels on the last line; a message is read on a telephone."""
LINES_SHOWN: Final = 10
"""Other alerts that get a line; the rest is counted."""
REMARKS_SHOWN: Final = 8
"""Annotations and notes together: beyond them nobody reads on."""

Show = Callable[[str], str]
"""Makes text of ours or of others fit for a channel."""

_ADDRESS: Final = re.compile(r"https?://[^\s<>\"'|\\]+")
_WHO: Final = ("target", "model", "provider", "location", "alertname")
"""Labels of a group whose values speak for themselves."""


def headline(notification: Notification, show: Show = literal) -> str:
    """Return what happened in one line: of one alert its own, of several how many there are."""
    if not is_group(notification):
        return line_of(notification, show)
    who = show(_who(notification))
    return f"{who}: {_counted(notification)}" if who else _counted(notification)


def is_group(notification: Notification) -> bool:
    """Say whether it tells of more than one alert."""
    return bool(notification.others or notification.more)


def line_of(news: News, show: Show = literal) -> str:
    """Return one alert's line."""
    return f"{show(news.alertname)}: {show(news.summary)}"


def lines(notification: Notification, show: Show = literal) -> Iterator[str]:
    """Yield a line for each further alert, ten at most, then how many more there are."""
    for each in notification.others[:LINES_SHOWN]:
        yield f"{standing(each)} {line_of(each, show)}"
    more = len(notification.others[LINES_SHOWN:]) + notification.more
    if more:
        yield f"+{more} more"


def standing(news: News) -> str:
    """Return how an alert stands, in a word: how loud it is, or that it is over."""
    return news.severity.value if news.status is Status.FIRING else "resolved"


def subject(notification: Notification) -> str:
    """Return a title that is the same for a group's first message and its last.

    So mails make a thread. What one alert alone says would change with the next one, so it is named
    after what the group's alerts share.
    """
    if notification.thread and notification.group:
        who = _who(notification)
        return literal(f"Alerts: {who}" if who else "Alerts")
    labels = dict(notification.labels)
    who = labels.get("target") or labels.get("provider") or labels.get("location", "")
    name, severity = literal(notification.alertname), notification.severity.value
    return f"[{severity}] {name}: {literal(who)}" if who else f"[{severity}] {name}"


def facts(notification: Notification) -> Iterator[tuple[str, str]]:
    """Yield what is known of the loudest alert, each with its title, none of them empty."""
    known = [("Value", notification.value), ("Condition", notification.condition)]
    known.append(("Since", stamp(notification.starts_at)))
    if notification.ends_at is not None:
        known.append(("Until", stamp(notification.ends_at)))
        known.append(("Lasted", duration_text(notification.ends_at - notification.starts_at)))
    known += remarks(notification)
    shown = notification.labels[:LABELS_SHOWN]
    known.append(("Labels", ", ".join(f"{name}={value}" for name, value in shown)))
    yield from ((literal(title), literal(text)) for title, text in known if sanitise(text))


def remarks(news: News) -> tuple[tuple[str, str], ...]:
    """Return what the rule adds and what else is known, each with its title; none is empty."""
    told = [("Note" if name == "summary" else name, text) for name, text in news.annotations]
    told += [("Note", note) for note in news.notes]
    return tuple((title, text) for title, text in told if sanitise(text))[:REMARKS_SHOWN]


def links(notification: Notification) -> Iterator[tuple[str, str]]:
    """Yield where to look, by title: our page, and the addresses among the rule's annotations."""
    if notification.url is not None:
        yield "Open Sonde", notification.url
    for name, text in notification.annotations[:REMARKS_SHOWN]:
        if _ADDRESS.fullmatch(text):
            yield literal(name.removesuffix("_url").replace("_", " ").capitalize()), text


def text(notification: Notification) -> str:
    """Return the whole message, the most important line first."""
    told = [f"{word(notification)}: {headline(notification)}", ""]
    if is_group(notification):
        told.append(f"{standing(notification)} {line_of(notification)}")
    told += [f"{title}: {fact}" for title, fact in facts(notification)]
    if is_group(notification):
        told += ["", *lines(notification), ""]
    if notification.url is not None:
        told.append(f"Sonde: {notification.url}")
    return "\n".join(told) + "\n"


def word(notification: Notification) -> str:
    """Return FIRING, RESOLVED, or STILL FIRING where nothing changed for long."""
    if notification.status is Status.RESOLVED:
        return "RESOLVED"
    return "STILL FIRING" if notification.why == "repeat" else "FIRING"


def _who(notification: Notification) -> str:
    """Return what the group's alerts share; where that is nobody, this instance."""
    shared = [(name, value) for name, value in notification.group if value]
    if not any(name in _WHO for name, _ in shared):
        shared = [each for each in notification.labels if each[0] == "location"] + shared
    return ", ".join(value if name in _WHO else f"{name} {value}" for name, value in shared)


def _counted(notification: Notification) -> str:
    alerts = notification.alerts
    firing = sum(each.status is Status.FIRING for each in alerts) + notification.more
    over = sum(each.status is Status.RESOLVED for each in alerts)
    if firing:
        told = f"{firing} alert fires" if firing == 1 else f"{firing} alerts fire"
        return f"{told}, {over} over" if over else told
    ends = [each.ends_at for each in alerts if each.ends_at is not None]
    lasted_s = max(ends, default=0.0) - min(each.starts_at for each in alerts)
    return f"{over} alerts are over after {duration_text(lasted_s)}"
