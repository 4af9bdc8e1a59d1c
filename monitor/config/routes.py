"""The routes below `notify` -> Route values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from alerting.match import Match
from alerting.routing.group import Timing
from alerting.routing.route import Route
from alerting.rule import Rule, Severity
from monitor.config.document import KeyPath
from monitor.config.fields import did_you_mean
from monitor.config.findings import Findings
from monitor.config.notify_sections import ChannelSection, PaceSection, RouteSection
from monitor.config.sections import Sections
from probes.target import Target

ALERT_LABELS: Final = (
    "alertname",
    "severity",
    "fault",
    "target",
    "provider",
    "preset",
    "model",
    "operation",
    "location",
)
"""What an alert may have, beside the labels of its rule and of its targets."""
GROUPING_CHANNELS: Final = frozenset({"alertmanager"})
"""Types of channels that group alerts themselves, and are told of each at once."""


def compile_routes(
    sections: Sections, rules: Iterable[Rule], targets: Iterable[Target], findings: Findings
) -> tuple[Route, ...]:
    """Return where alerts go; without routes every channel gets everything."""
    notify, channels = sections.root.notify, sections.channels
    known = known_labels(rules, targets)
    _check_names(("notify", "group_by"), notify.group_by, known, findings)
    if not notify.routes:
        return tuple(_route((name,), Match(), (notify,), True, channels) for name in channels)
    for number, section in enumerate(notify.routes):
        _check(("notify", "routes", number), section, channels, known, findings)
    _warn_of_shadows(notify.routes, findings)
    return tuple(
        _route(
            tuple(dict.fromkeys(section.to)),
            Match(tuple(sorted((name, tuple(said)) for name, said in _labels(section).items()))),
            (section, notify),
            section.goes_on,
            channels,
        )
        for section in notify.routes
    )


def by_location(routes: Iterable[Route], locations: Sequence[str]) -> tuple[Route, ...]:
    """Have each of several locations told of by itself: the replicas there are who can tell.

    What they agree on together has no location, and is a group of its own.
    """
    if len(locations) < 2:
        return tuple(routes)
    return tuple(
        replace(route, group_by=tuple(dict.fromkeys((*route.group_by, "location"))))
        for route in routes
    )


def known_labels(rules: Iterable[Rule], targets: Iterable[Target]) -> tuple[str, ...]:
    """Return the names of the labels that some alert may have."""
    own = {name for rule in rules for name, _ in rule.labels}
    own |= {name for target in targets for name, _ in target.labels}
    return (*ALERT_LABELS, *sorted(own.difference(ALERT_LABELS)))


def _labels(section: RouteSection) -> dict[str, list[str]]:
    return section.__pydantic_extra__


def _check(
    path: KeyPath,
    section: RouteSection,
    channels: Mapping[str, ChannelSection],
    known: Sequence[str],
    findings: Findings,
) -> None:
    for place, name in enumerate(section.to):
        if name not in channels:
            hint = did_you_mean(name, tuple(channels))
            findings.bad((*path, "to", place), f"there is no channel {name}{hint}")
    for name in _labels(section):
        if name not in known:
            hint = did_you_mean(name, known)
            message = f"no alert has a label of this name{hint}; there is {', '.join(known)}"
            findings.bad((*path, name), message, key=True)
    _check_names((*path, "group_by"), section.group_by, known, findings)


def _check_names(
    path: KeyPath, names: Sequence[str] | None, known: Sequence[str], findings: Findings
) -> None:
    for place, name in enumerate(names or ()):
        if name not in known:
            hint = did_you_mean(name, known)
            findings.bad((*path, place), f"no alert has a label of this name{hint}")


def _warn_of_shadows(routes: Sequence[RouteSection], findings: Findings) -> None:
    """Tell of routes that are never asked, and of alerts that may go nowhere."""
    for number, section in enumerate(routes[:-1]):
        if not _labels(section) and not section.goes_on:
            path = ("notify", "routes", number + 1)
            findings.warn(path, "is never asked: the route above takes everything")
            return
    if all(_labels(section) for section in routes):
        message = "no route takes everything: alerts that none matches are told to nobody"
        findings.warn(("notify", "routes"), message)


def _route(
    names: tuple[str, ...],
    match: Match,
    paces: Sequence[PaceSection],
    goes_on: bool,
    channels: Mapping[str, ChannelSection],
) -> Route:
    """Make a route; what the first of `paces` does not say, the next may."""
    group_by = next((each.group_by for each in paces if each.group_by is not None), None)
    return Route(
        names,
        match,
        Route(()).group_by if group_by is None else tuple(dict.fromkeys(group_by)),
        _timing(paces),
        goes_on,
        frozenset(
            name for name in names if name in channels and channels[name].type in GROUPING_CHANNELS
        ),
    )


def _timing(paces: Sequence[PaceSection]) -> Timing:
    usual = Timing()
    waits = next((each.group_wait for each in paces if each.group_wait is not None), {})
    intervals = (each.group_interval for each in paces if each.group_interval is not None)
    repeats = (each.repeat for each in paces if each.repeat is not None)
    return Timing(
        {
            severity: waits.get(severity.value, waits.get("default", usual.wait_s[severity]))
            for severity in Severity
        },
        next(intervals, usual.interval_s),
        next(repeats, usual.repeat_s),
    )
