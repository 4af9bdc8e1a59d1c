"""Configured channels become notifiers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields

from alerting.notification import Notifier
from alerting.notifiers import build
from alerting.slack_threads import Threads
from monitor.config.values import Channel


def build_notifiers(
    channels: Iterable[Channel], wall: Callable[[], float], threads: Threads | None = None
) -> Mapping[str, Notifier]:
    """Return one notifier for each channel, by the channel's name; `wall` stamps messages.

    `threads` remembers where Slack bots began; None: for as long as they last.
    """
    return {channel.name: _build(channel, wall, threads) for channel in channels}


def _build(channel: Channel, wall: Callable[[], float], threads: Threads | None) -> Notifier:
    # A channel's fields are named as its notifier's settings are: a new kind needs no line here.
    settings = {field.name: getattr(channel, field.name) for field in fields(channel)}
    if channel.kind == "slack_bot":
        settings["threads"] = threads
    return build(channel.kind, wall=wall, **settings)
