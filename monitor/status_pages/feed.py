"""Incident feeds, RSS 2.0 and Atom: https://www.rssboard.org/rss-specification, RFC 4287.

A feed is XML from outside. The standard library's parser reads it, and whatever declares a document
type is refused before anything in it is looked at: without one there are no entities to expand and
nothing external to load, which is all that a package for the purpose would refuse besides
(https://docs.python.org/3/library/xml.html#xml-security). The size is bounded by who fetches.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz
from html import unescape
from typing import Final, NoReturn
from xml.parsers import expat

from monitor.polled.unreadable import UnreadableError
from monitor.status_pages.page import MOST, TEXT_CHARS, Incident, Page, PageState
from probes.sanitise import sanitise

_FEEDS: Final = frozenset({"rss", "feed", "RDF"})
_ITEMS: Final = frozenset({"item", "entry"})
_FIELDS: Final[Mapping[str, str]] = {
    "title": "title",
    "category": "category",
    "description": "body",
    "summary": "body",
    "encoded": "body",
    "content": "body",
    "pubDate": "at",
    "updated": "at",
    "published": "at",
}
_BODY_CHARS: Final = 4_000
"""Of an item: its newest word on how it is stands first."""

_TAG: Final = re.compile(r"<[^<>]{0,1000}>")
_COMPONENT: Final = re.compile(r"\[([^\[\]]{1,100})\]\s*(.*)", re.DOTALL)
"""xAI begins titles with the component in brackets."""
_STATUS: Final = re.compile(
    r"\b(investigating|identified|monitoring|in[ _]progress|verifying"
    r"|resolved|completed|postmortem|scheduled)\b",
    re.IGNORECASE,
)
_OVER: Final = frozenset({"resolved", "completed", "postmortem", "scheduled"})
_OUTAGE: Final = re.compile(
    r"(?<!partial )(?<!partial_)\boutage\b|\bunavailable\b|\bcritical\b", re.IGNORECASE
)
_MAINTENANCE: Final = re.compile(r"\bmaintenance\b", re.IGNORECASE)


class _EnoughError(Exception):
    """So many items were read: feeds begin with the newest."""


@dataclass(slots=True)
class _Item:
    """What an item says, field by field."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def lines(self, name: str) -> list[str]:
        return "".join(self.said.get(name, ())).split("\n")

    def text(self, name: str) -> str:
        return " ".join("".join(self.said.get(name, ())).split())


@dataclass(slots=True)
class _Fold:
    """What the parser has met so far."""

    items: list[_Item] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    inside: _Item | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self.path and local not in _FEEDS:
            raise UnreadableError("no feed")
        self.path.append(local)
        if local in _ITEMS and self.inside is None:
            if len(self.items) == MOST:
                raise _EnoughError
            self.inside = _Item()
            self.items.append(self.inside)
        elif self.inside is not None and local in _FIELDS:
            # Atom says a category in an attribute; the line's end keeps two of them apart.
            term = attributes.get("term", "") if local == "category" else ""
            self.inside.said.setdefault(_FIELDS[local], []).append(f"\n{term}")

    def end(self, name: str) -> None:
        self.path.pop()
        if name.rpartition(":")[2] in _ITEMS:
            self.inside = None

    def characters(self, text: str) -> None:
        if self.inside is not None and self.path[-1] in _FIELDS:
            self.inside.said[_FIELDS[self.path[-1]]].append(text)


def parse_feed(raw: bytes) -> Page:
    """Read a feed's incidents that are not over by their own words. Raises UnreadableError."""
    fold = _Fold()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = fold.start
    parser.EndElementHandler = fold.end
    parser.CharacterDataHandler = fold.characters
    parse: Callable[[bytes, bool], object] = parser.Parse
    try:
        parse(raw, True)
    except _EnoughError:
        pass  # what was read counts
    except expat.ExpatError as error:
        raise UnreadableError(f"not XML at line {error.lineno}") from None
    except (LookupError, ValueError) as error:  # an encoding nobody knows
        raise error if isinstance(error, UnreadableError) else UnreadableError("not XML") from None
    found = map(_incident, fold.items)
    return Page(PageState.UNKNOWN, incidents=tuple(each for each in found if each is not None))


def _refuse(*_: object) -> NoReturn:
    raise UnreadableError("declares a document type, which no feed needs")


def _incident(item: _Item) -> Incident | None:
    """Return what an item tells; None when it is over, or not yet."""
    title, category = (item.text(name)[:TEXT_CHARS] for name in ("title", "category"))
    body = _TAG.sub(" ", unescape(item.text("body")[:_BODY_CHARS]))
    status = _STATUS.search(f"{category} {body} {title}")
    if status is not None and status[1].lower() in _OVER:
        return None
    named = _COMPONENT.fullmatch(title)
    components = () if named is None else (sanitise(named[1]),)
    return Incident(
        title=sanitise(title if named is None else named[2]),
        state=_state(f"{title} {category}"),
        components=components,
        at=max(map(_time, item.lines("at"))),
    )


def _state(text: str) -> PageState:
    if _MAINTENANCE.search(text):
        return PageState.MAINTENANCE
    return PageState.OUTAGE if _OUTAGE.search(text) else PageState.DEGRADED


def _time(text: str) -> float:
    """Return the wall time a date of RFC 822 or RFC 3339 names; 0, long ago, for none."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        words = parsedate_tz(text)
    try:
        return 0.0 if words is None else float(mktime_tz(words))
    except (ValueError, OverflowError):
        return 0.0
