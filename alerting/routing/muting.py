"""Why an alert that fires is kept quiet: what people said, in one line each. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from alerting.match import Match
from alerting.routing.maintenance import Maintenance
from alerting.routing.silence import Silence

Quiet = tuple[Match, str]
"""Which alerts are kept quiet, and why: the same words for as long as it lasts."""


def quiet_at(
    silences: Iterable[Silence], maintenance: Iterable[Maintenance], now: float
) -> Iterator[Quiet]:
    """Yield what is to be quiet at `now`, wall time, what people said of the moment first."""
    for silence in silences:
        if silence.active(now):
            yield silence.match, silence_text(silence)
    for window in maintenance:
        occurrence = window.at(now)
        if occurrence is not None:
            until = when_text(occurrence.ends_at)
            yield window.match, f"maintenance {window.text}, until {until}"


def silence_text(silence: Silence) -> str:
    """Write a silence for people: who wanted it, until when, and why."""
    if silence.until_resolved:
        return f"acknowledged by {silence.author}: {silence.comment}"
    until = when_text(silence.ends_at)
    return f"silence {silence.id} of {silence.author}, until {until}: {silence.comment}"


def when_text(at: float) -> str:
    """Write a moment for people, to the minute."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
