"""Configured channels become notifiers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields

from alerting.notification import Notifier
from alerting.notifiers import build
from monitor.config.values import Channel


def build_notifiers(
    channels: Iterable[Channel], wall: Callable[[], float]
) -> Mapping[str, Notifier]:
    """Return one notifier for each channel, by the channel's name; `wall` stamps messages."""
    return {channel.name: _build(channel, wall) for channel in channels}


def _build(channel: Channel, wall: Callable[[], float]) -> Notifier:
    # A channel's fields are named as its notifier's settings are: a new kind needs no line here.
    settings = {field.name: getattr(channel, field.name) for field in fields(channel)}
    return build(channel.kind, wall=wall, **settings)
