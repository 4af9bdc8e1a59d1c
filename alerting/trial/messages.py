"""Which messages news becomes, by the routes and their waits: how often people would be disturbed.

A group is looked at when news comes, and when one of its waits is over: the moments at which
`alerting.routing.group` may change its mind.
"""

import math
from collections.abc import Iterable, Iterator

from alerting.routing.router import Group, Message, Router
from alerting.trial.beats import Beats
from alerting.trial.telling import Told


def messages(news: Iterable[Told], router: Router, beats: Beats) -> Iterator[tuple[float, Message]]:
    """Yield every message with its time, of news in the order of time; nothing is silenced."""
    now = -math.inf
    for each in news:
        yield from _until(each.at, now, router, beats)
        now = each.at
        for _ in router.take(each.transition, now):
            pass
    yield from _until(beats.end, now, router, beats)


def _until(end: float, now: float, router: Router, beats: Beats) -> Iterator[tuple[float, Message]]:
    """Speak at `now`, and at each later beat before `end` at which a wait is over."""
    while now < end and router.groups:
        for each in router.messages(now, lambda _labels: ""):
            if isinstance(each, Message):
                yield now, each
        due = min((_due(group, now) for group in router.groups.values()), default=math.inf)
        now = beats.at(max(beats.first_from(due), beats.first_from(now) + 1))


def _due(group: Group, now: float) -> float:
    """Return the next moment at which one of a group's waits is over; inf: none is going on."""
    timing, sent_at = group.timing, group.sent_at
    waits = [
        member.joined_at + timing.wait_s[identity.severity]
        for identity, member in group.members.items()
        if not member.told
    ]
    if sent_at is not None:
        waits += (sent_at + timing.interval_s, sent_at + timing.repeat_s)
    return min((each for each in waits if each > now), default=math.inf)
