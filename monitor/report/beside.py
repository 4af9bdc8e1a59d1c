"""What a status page said beside an incident, and whether it was watched all the while."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.status_pages.page import PageState

LATE_S: Final = 3_600.0
"""A page that speaks up to so long after an incident is taken to speak of it."""
UNSEEN_S: Final = 900.0
"""Gaps up to this between readings are the polling's beat (300 s), not a page nobody watched."""
SAID_AT_MOST: Final = 10
"""Words of a page that are told with one incident."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing a page said. Wall times, seconds since the epoch."""

    page: str
    """Its host."""
    state: str
    """`unknown`: the page could not be read, or had no word on what is probed."""
    title: str
    """Of an incident on it, sanitised, and hostile still; "": the page as a whole."""
    first_at: float
    until_at: float
    """When it was first seen to stand no more, or last seen to stand."""
    seen_to_end: bool

    @property
    def of_trouble(self) -> bool:
        """Whether it admits to anything."""
        return bool(self.title) or self.state not in (PageState.OPERATIONAL, PageState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a page said about the time of an incident."""

    said: tuple[Said, ...]
    left_out: int
    """How much more it said."""
    silent: bool
    """Whether it was read, and admitted to nothing."""
    watched_throughout: bool
    """Whether it was read, time and again, from the beginning to the end."""


def beside(words: Sequence[Said], start_at: float, end_at: float) -> Beside | None:
    """Choose what matters to an incident, of words in the order they began; None: nobody looked."""
    during = [each for each in words if each.first_at <= end_at and each.until_at >= start_at]
    late = [each for each in words if each.of_trouble and end_at < each.first_at <= end_at + LATE_S]
    told = [*during, *late]
    if not told:
        return None
    read = [each for each in during if each.state != PageState.UNKNOWN]
    return Beside(
        tuple(told[:SAID_AT_MOST]),
        max(0, len(told) - SAID_AT_MOST),
        bool(read) and not any(each.of_trouble for each in told),
        _covered(read, start_at, end_at),
    )


def _covered(read: Sequence[Said], start_at: float, end_at: float) -> bool:
    reached_at = start_at
    for each in read:
        if each.first_at > reached_at + UNSEEN_S:
            return False
        reached_at = max(reached_at, each.until_at)
    return reached_at + UNSEEN_S >= end_at and bool(read)
