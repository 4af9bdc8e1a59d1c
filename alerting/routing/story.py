"""One alert's story in plain words: why somebody was told, or was not. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from alerting.alert import Identity
from alerting.notification import News, Status
from alerting.routing.router import Event

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An alert in a group of one channel. Times in seconds, on the states' clock."""

    channel: str
    group: Labels
    joined_at: float
    told: bool
    """Whether the channel believes it to fire."""
    muted: str
    """Why it is kept quiet; empty: it is not."""
    over: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert that is pending or firing."""

    identity: Identity
    since: float
    fired_at: float | None
    """None: it is pending."""
    held: str = ""
    """The reason for which it is held back; empty: it is not."""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was decided about an alert."""

    at: float
    identity: Identity
    event: str
    channel: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sending:
    """One message that tells of an alert, on its way to one channel."""

    channel: str
    news: News
    why: str
    status: str
    """`queued`, `sent` or `dead`."""
    created_at: float
    sent_at: float | None
    attempts: int
    error: str
    """What the last attempt that failed came to; empty: none did."""


_HELD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "monitor_egress": "our own way out is broken",
        "provider_down": "most models of the provider fail, and one alert says so",
        "account": "the provider refuses our key, and one alert says so",
        "louder": "a louder alert of the same says it",
    }
)
_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Event.ROUTED: "fired; joined the group {detail} of {channel}",
        Event.NO_ROUTE: "fired; no route leads to a channel: nobody is told",
        Event.INHIBITED: "fired; held back: {detail}",
        Event.RELEASED: "nothing explains it any more, and it still fires: told like a new one",
        Event.MUTED: "kept quiet on {channel}: {detail}",
        Event.HEARD_AGAIN: "not kept quiet on {channel} any more",
        Event.OVER_UNTOLD: "over before anybody was told ({detail})",
        Event.TOLD: "a message to {channel} says that it fires ({detail})",
        Event.TOLD_OVER: "a message to {channel} says that it is over ({detail})",
    }
)


def held_text(reason: str) -> str:
    """Put into words why an alert is held back."""
    return _HELD.get(reason, reason)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `at` in seconds since the epoch."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """What became of one alert."""

    identity: Identity
    lines: tuple[Line, ...]
    """In their order."""
    now: tuple[str, ...]
    """How it stands; empty: it is over."""


def story_of(
    identity: Identity,
    standing: Standing | None,
    entries: Iterable[Entry],
    sendings: Sequence[Sending],
) -> Story:
    """Tell what is known of one alert; `standing` None: it neither fires nor is pending."""
    lines = [*_began(standing, sendings), *map(decided, entries), *map(_sent, sendings)]
    lines.sort(key=lambda line: line.at)
    now = () if standing is None else tuple(became(standing))
    return Story(identity, tuple(dict.fromkeys(lines)), now)


def _began(standing: Standing | None, sendings: Iterable[Sending]) -> Iterator[Line]:
    """Say when the condition became true and when the alert was over, as far as that was kept."""
    if standing is not None:
        yield Line(standing.since, "its condition became true")
    for each in sendings:
        news = each.news
        yield Line(news.starts_at, "its condition became true")
        if news.status is Status.RESOLVED and news.ends_at is not None:
            yield Line(news.ends_at, "over")


def decided(entry: Entry) -> Line:
    """Say what was decided about an alert."""
    words = _EVENTS.get(entry.event, entry.event + ": {channel} {detail}")
    return Line(entry.at, words.format(channel=entry.channel, detail=_explained(entry.detail)))


def _explained(detail: str) -> str:
    """Put the reason of an inhibition into words; other details are words already."""
    reason, colon, by = detail.partition(": ")
    words = _HELD.get(reason)
    if words is None:
        return detail or "nobody was to be told yet"
    return f"{words} ({by})" if colon else words


def _sent(sending: Sending) -> Line:
    tries = f"{sending.attempts} attempt{'' if sending.attempts == 1 else 's'}"
    told = "that it fires" if sending.news.status is Status.FIRING else "that it is over"
    error = f", the last error: {sending.error}" if sending.error else ""
    match sending.status:
        case "sent":
            at = sending.created_at if sending.sent_at is None else sending.sent_at
            if sending.error:
                return Line(at, f"{sending.channel} was told {told} by another replica")
            return Line(at, f"{sending.channel} took the message {told}, after {tries}")
        case "dead":
            text = f"{sending.channel} never took the message {told}: given up after {tries}"
        case _:
            text = f"the message {told} waits for {sending.channel}: {tries} so far"
    return Line(sending.created_at, text + error)


def became(standing: Standing) -> Iterator[str]:
    """Yield what became of an alert that is pending or firing, a line for each channel."""
    if standing.fired_at is None:
        yield "pending: it fires when its condition has held for long enough"
    elif standing.held:
        yield f"held back: {held_text(standing.held)}"
    elif not standing.places:
        yield "in no group: no route leads to a channel"
    for place in standing.places:
        yield f"{place.channel}: {_place(place)}"


def _place(place: Place) -> str:
    if place.over:
        return "the message that it is over waits for the group's interval"
    told = "told" if place.told else "not told yet"
    if place.muted:
        return f"{told}, kept quiet: {place.muted}"
    group = ", ".join(f"{name}={value}" for name, value in place.group if value) or "everything"
    return told if place.told else f"waits in the group {group} for its wait or interval to be over"
