"""Statuspage's v2 `summary.json`, which several makers of status pages serve alike.

https://metastatuspage.com/api, https://support.atlassian.com/statuspage (component and incident
statuses). Everything in it is text from outside: names and titles are sanitised, unknown words mean
unknown, and one entry that is not what it should be is left out.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from monitor.polled.unreadable import UnreadableError
from monitor.status_pages.page import MOST, TEXT_CHARS, Component, Incident, Page, PageState
from probes.jsontext import JsonError, parse_json
from probes.sanitise import sanitise

_COMPONENT: Final[Mapping[str, PageState]] = {
    "operational": PageState.OPERATIONAL,
    "degraded_performance": PageState.DEGRADED,
    # Some of it is gone and some is not: an outage is when nobody is served.
    "partial_outage": PageState.DEGRADED,
    "major_outage": PageState.OUTAGE,
    "full_outage": PageState.OUTAGE,
    "under_maintenance": PageState.MAINTENANCE,
}
_IMPACT: Final[Mapping[str, PageState]] = {
    "none": PageState.OPERATIONAL,
    "minor": PageState.DEGRADED,
    "major": PageState.DEGRADED,
    "critical": PageState.OUTAGE,
    "maintenance": PageState.MAINTENANCE,
}
NAMED: Final = 50
"""Components of one incident that are looked at."""
_OVER: Final = frozenset({"resolved", "postmortem", "completed", "scheduled"})
"""Incident and maintenance statuses that are not going on; `scheduled` not yet."""


def parse_statuspage(raw: bytes) -> Page:
    """Read a summary. Raises UnreadableError."""
    try:
        found = parse_json(raw)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    if not isinstance(found, dict) or not isinstance(found.get("components"), list):
        raise UnreadableError("no summary of a status page: it has no components")
    status = found.get("status")
    indicator = status.get("indicator") if isinstance(status, dict) else None
    return Page(
        overall=_word(_IMPACT, indicator),
        components=tuple(_components(found)),
        incidents=(*_incidents(found, "incidents"), *_incidents(found, "scheduled_maintenances")),
    )


def _entries(parent: Mapping[str, object], key: str) -> Iterator[Mapping[str, object]]:
    entries = parent.get(key)
    if isinstance(entries, list):
        yield from (entry for entry in entries[:MOST] if isinstance(entry, dict))


def _components(parent: Mapping[str, object]) -> Iterator[Component]:
    for entry in _entries(parent, "components"):
        if entry.get("group") is not True:  # its members speak for it
            yield Component(_text(entry.get("name")), _word(_COMPONENT, entry.get("status")))


def _incidents(parent: Mapping[str, object], key: str) -> Iterator[Incident]:
    for entry in _entries(parent, key):
        status = entry.get("status")
        if not isinstance(status, str) or status in _OVER:
            continue
        usual = PageState.MAINTENANCE if key == "scheduled_maintenances" else PageState.UNKNOWN
        state = _word(_IMPACT, entry.get("impact"), usual)
        named = islice(_entries(entry, "components"), NAMED)
        names = tuple(_text(each.get("name")) for each in named)
        yield Incident(_text(entry.get("name")), state, names)


def _word(
    words: Mapping[str, PageState], value: object, otherwise: PageState = PageState.UNKNOWN
) -> PageState:
    return words.get(value, otherwise) if isinstance(value, str) else otherwise


def _text(value: object) -> str:
    return sanitise(value[:TEXT_CHARS]) if isinstance(value, str) else ""
