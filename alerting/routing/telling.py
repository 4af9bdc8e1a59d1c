"""What a message says, put together: pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from hashlib import blake2s
from typing import Final

from alerting.engine import Identity, Transition
from alerting.notification import News, Notification, Status
from alerting.routing.group import LOUDNESS
from alerting.routing.router import Message

MOST_ALERTS: Final = 200
"""Alerts told of one by one in a message; the rest is counted. They take 200 KB, within what
receivers take, and some milliseconds to be put into words or to be read from the outbox."""
ADORNED: Final = 20
"""Those of them, the loudest, that get notes: nobody reads more, and notes take time to find."""

Read = Callable[[Identity, bool], News | None]
"""Returns what there is to say of an alert that fires, with notes or without."""
ReadEnd = Callable[[Transition], News | None]


def news_in(message: Message, firing: Read, over: ReadEnd) -> Iterator[News | None]:
    """Yield what there is to say of each alert, the loudest first, one by one: it takes time."""
    for number, identity in enumerate(message.firing[:MOST_ALERTS]):
        yield firing(identity, number < ADORNED)
    for end in message.ended[:MOST_ALERTS]:
        yield over(end)


def notification_of(
    message: Message, news: Iterable[News | None], url: str | None
) -> Notification | None:
    """Return the message for the outbox; None when there turned out to be nothing to say."""
    alerts = [each for each in news if each is not None]
    if not alerts:
        return None
    alerts.sort(key=lambda each: (each.status is not Status.FIRING, -LOUDNESS[each.severity]))
    first, *others = alerts
    thread = _digest(message.channel, *_texts(message.labels), repr(message.opened_at))
    content = [f"{each.fingerprint} {each.fired_at!r} {each.status}" for each in alerts]
    return Notification(
        **{each.name: getattr(first, each.name) for each in fields(News)},
        id="msg_" + _digest(thread, str(message.number), *content),
        why=message.why.value,
        group=message.labels,
        group_id=_digest(*_texts(message.labels)),
        thread=thread,
        others=tuple(others),
        more=max(0, len(message.firing) - MOST_ALERTS),
        repeat_s=message.repeat_s,
        url=url,
    )


def _texts(labels: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (text for pair in labels for text in pair)


def _digest(*texts: str) -> str:
    """Return 24 hexadecimal digits that stand for these texts in this order."""
    digest = blake2s(digest_size=12)
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
