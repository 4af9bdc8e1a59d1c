"""Which channels an alert goes to, and with which others it is told: pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from alerting.match import EVERYTHING, Match
from alerting.routing.group import Timing
from alerting.rule import Severity


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that match go to these channels."""

    channels: tuple[str, ...]
    match: Match = EVERYTHING
    """Looks at an alert's labels (see `alerting.routing.labels`)."""
    group_by: tuple[str, ...] = ("provider", "fault")
    timing: Timing = field(default_factory=Timing)
    goes_on: bool = False
    """Whether the routes behind it are asked, too (Alertmanager's `continue`)."""
    grouping: frozenset[str] = frozenset()
    """Those of the channels that group alerts themselves: they get each alert alone, at once."""


ALONE: Final = Timing(dict.fromkeys(Severity, 0.0), 0.0, inf)
"""The pace of a channel that groups alerts itself."""

GroupKey = tuple[str, tuple[tuple[str, str], ...]]
"""A channel, and the labels that alerts told together share."""


def routes_for(labels: Mapping[str, str], routes: Sequence[Route]) -> Iterator[Route]:
    """Yield the routes an alert takes: the first that matches, and what follows if it goes on."""
    for route in routes:
        if route.match.matches(labels):
            yield route
            if not route.goes_on:
                return


def groups_for(labels: Mapping[str, str], routes: Sequence[Route]) -> dict[GroupKey, Timing]:
    """Return the groups an alert belongs to, a channel's first route deciding; may be none."""
    found: dict[GroupKey, Timing] = {}
    channels: set[str] = set()
    for route in routes_for(labels, routes):
        shared = tuple((name, labels.get(name, "")) for name in route.group_by)
        for channel in route.channels:
            if channel in channels:
                continue
            channels.add(channel)
            if channel in route.grouping:
                found[channel, (("fingerprint", labels.get("fingerprint", "")),)] = ALONE
            else:
                found[channel, shared] = route.timing
    return found
