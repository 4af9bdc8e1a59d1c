"""What a channel was told of a group of alerts, over all replicas; and what is news after it. Pure.

Every replica makes the same messages at slightly different moments. Before one goes out it is held
against this log: of each alert whether the channel believes that it fires, and since when it does
or does not. Times here are of the clock of Redis, which is the one that all replicas have.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Final

from alerting.notification import News, Notification, Status
from alerting.routing.group import Why

SLACK_S: Final = 5.0
"""Two replicas evaluate five seconds apart, and their clocks are known to less than that. What is
older than a word to the contrary by more is stale; what may be newer is told."""
REPEATED_RATIO: Final = 0.9
"""Of the time between repeats: what was said later than that repeats for all."""
MOST_THREADS: Final = 8
"""Threads of one group that are open beside each other: two, when Redis was away, are likely."""

_SAID: Final = re.compile(r"(firing|over|closed) (\d{1,12}(?:\.\d{1,9})?)")
_THREAD: Final = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Said:
    """What a channel believes of one alert."""

    firing: bool
    at: float
    """When it fired, or was over."""
    closed: bool = False
    """Over, because the incident was: nobody said so of this alert. If it fires, it fires anew."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a channel was told of a group, as far as it is known."""

    alerts: Mapping[str, Said] = field(default_factory=dict)
    """By fingerprint."""
    threads: tuple[str, ...] = ()
    """Those that were begun and not closed, the oldest first."""
    at: float = 0.0
    """When the newest message went out; 0: none did."""


def encode(said: Said) -> str:
    """Write down what a channel believes."""
    word = "firing" if said.firing else "closed" if said.closed else "over"
    return f"{word} {max(0.0, said.at):.3f}"


def decode(fingerprints: Iterable[str], texts: Iterable[str], threads: str, at: str) -> Log:
    """Read a log; what is no word of ours counts as never said."""
    found = zip(fingerprints, map(_SAID.fullmatch, texts), strict=True)
    return Log(
        {
            name: Said(said[1] == "firing", float(said[2]), closed=said[1] == "closed")
            for name, said in found
            if said
        },
        tuple(each for each in threads.split(" ") if _THREAD.fullmatch(each))[:MOST_THREADS],
        _time(at),
    )


def _time(text: str) -> float:
    try:
        at = float(text or 0)
    except ValueError:
        return 0.0
    return at if isfinite(at) else 0.0


def fresh(found: Log, mine: Log) -> Log:
    """Return what is known of a group from what was `found`, which may have lost what is `mine`."""
    if mine.at <= found.at:
        return replace(found, alerts={**mine.alerts, **found.alerts})
    alerts = {**found.alerts, **mine.alerts}
    for name, said in found.alerts.items():
        if said.at > alerts[name].at:
            alerts[name] = said
    threads = dict.fromkeys((*found.threads, *mine.threads))
    return Log(alerts, tuple(threads)[:MOST_THREADS], mine.at)


def believed(log: Log, now: float) -> Log:
    """Return a log without the times that are still to come, so that nothing is stale by them.

    The clock of Redis was ahead when they were written, and was set since.
    """
    latest = now + SLACK_S
    alerts = {
        name: said if said.at <= latest else replace(said, at=0.0)
        for name, said in log.alerts.items()
    }
    return replace(log, alerts=alerts, at=log.at if log.at <= latest else 0.0)


def news_in(
    log: Log, notification: Notification, ahead_s: float, now: float
) -> Notification | None:
    """Return a message as it is to go out; None: the channel knows it all.

    `ahead_s`: how far our wall clock, by which its times are, is ahead of that of the log; `now` is
    the log's. A thread that was begun by this replica is closed by it, whoever told the end.
    """
    own = notification.thread
    thread = own if own in log.threads or not log.threads or not own else log.threads[0]
    if notification.why == Why.REPEAT:
        told = now - log.at < REPEATED_RATIO * notification.repeat_s
        return None if told else replace(notification, thread=thread)
    closes = notification.status is Status.RESOLVED and own in log.threads
    said = [(alert, said_by(alert, ahead_s)) for alert in notification.alerts]
    if not closes and not any(_news(log.alerts.get(a.fingerprint), new) for a, new in said):
        return None
    valid = [a for a, new in said if not _stale(log.alerts.get(a.fingerprint), new)]
    message = notification
    if any(alert.status is notification.status for alert in valid):
        message = _telling(notification, valid)
    return replace(message, thread=thread)


def said_by(alert: News, ahead_s: float) -> Said:
    """Return what a channel believes once it was told this."""
    firing = alert.status is Status.FIRING
    at = alert.fired_at if firing or alert.ends_at is None else alert.ends_at
    return Said(firing, at - ahead_s)


def after(log: Log, message: Notification, ahead_s: float, now: float) -> Log:
    """Return the log once the channel took a message."""
    alerts = dict(log.alerts)
    threads = [each for each in log.threads if each != message.thread]
    if message.status is Status.FIRING:
        threads = [*log.threads] if message.thread in log.threads else [*threads, message.thread]
    else:  # whatever else the channel believed of the group, for it that is over, too
        alerts = {name: _closed(said) for name, said in alerts.items()}
    alerts |= {alert.fingerprint: said_by(alert, ahead_s) for alert in message.alerts}
    return Log(alerts, tuple(each for each in threads if each)[:MOST_THREADS], max(now, log.at))


def _closed(said: Said) -> Said:
    return Said(firing=False, at=said.at, closed=True) if said.firing else said


def _news(known: Said | None, new: Said) -> bool:
    return known is None or (known.firing != new.firing and not _stale(known, new))


def _stale(known: Said | None, new: Said) -> bool:
    """Whether the contrary was said of a later time."""
    if known is None or known.closed:
        return False
    return known.firing != new.firing and new.at + SLACK_S < known.at


def _telling(notification: Notification, alerts: Iterable[News]) -> Notification:
    """Return a message that tells of these alerts alone, which are in its order."""
    first, *others = alerts
    own = {each.name: getattr(first, each.name) for each in fields(News)}
    return replace(notification, **own, others=tuple(others))
