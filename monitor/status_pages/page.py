"""What a status page says, whatever it was written in, and what that means for a provider."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from monitor.status_pages.matching import Subject, concerns

FEED_ITEM_S: Final = 3 * 86_400.0
"""A feed keeps what is over for ever, and not every feed says that it is over: after three days
without a word an item counts as over."""
MOST: Final = 500
"""Components or incidents that are looked at: the largest pages have some hundred, and reading one
must not hold up the loop."""
TEXT_CHARS: Final = 1_000
"""Of a name or a title that are looked at: people read the first 200."""


class PageState(StrEnum):
    """How a provider says it is: a closed set, used as a metric label. The worst comes last."""

    UNKNOWN = "unknown"
    OPERATIONAL = "operational"
    MAINTENANCE = "maintenance"
    DEGRADED = "degraded"
    OUTAGE = "outage"


_BADNESS: Final = {state: rank for rank, state in enumerate(PageState)}


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a provider, as its page names it."""

    name: str
    state: PageState


@dataclass(frozen=True, slots=True)
class Incident:
    """Something a provider says is going on."""

    title: str
    """Sanitised."""
    state: PageState
    """How bad it says it is."""
    components: tuple[str, ...] = ()
    """The parts it concerns; empty when it does not say."""
    at: float | None = None
    """Wall time of its newest word, where what is over has to be told by age; else None."""


@dataclass(frozen=True, slots=True)
class Page:
    """What was read at one time."""

    overall: PageState
    """Of everything the provider has; unknown where it does not say."""
    components: tuple[Component, ...] = ()
    incidents: tuple[Incident, ...] = ()
    """Those that are not over."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page says of what we probe."""

    state: PageState
    incident: str = ""
    """Title of the worst incident that is going on; "" for none."""


UNKNOWN: Final = Reading(PageState.UNKNOWN)


def worst(states: Iterable[PageState], otherwise: PageState) -> PageState:
    """Return the worst of the states; `otherwise` of none."""
    return max(states, key=_BADNESS.__getitem__, default=otherwise)


def going_on(page: Page, subjects: Sequence[Subject], wall: float) -> list[Incident]:
    """Return the incidents that concern these subjects at wall time `wall`, the worst first."""
    concerned = _concerned(subjects)
    found = (
        incident
        for incident in page.incidents
        if (incident.at is None or wall - incident.at <= FEED_ITEM_S)
        and (not incident.components or any(map(concerned, incident.components)))
    )
    return sorted(found, key=lambda incident: -_BADNESS[incident.state])


def reading(page: Page, subjects: Sequence[Subject], wall: float) -> Reading:
    """Say what a page means for these subjects at wall time `wall`.

    Components that concern them decide; without any the page as a whole does, and where it has
    none (a feed), the incidents that are going on.
    """
    concerned = _concerned(subjects)
    incidents = going_on(page, subjects, wall)
    own = [component.state for component in page.components if concerned(component.name)]
    if not own and page.overall is PageState.UNKNOWN:
        own = [incident.state for incident in incidents] or [PageState.OPERATIONAL]
    return Reading(worst(own, page.overall), incidents[0].title if incidents else "")


def _concerned(subjects: Sequence[Subject]) -> Callable[[str], bool]:
    return cache(lambda name: concerns(name, subjects))
