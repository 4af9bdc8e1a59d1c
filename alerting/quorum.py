"""Whether enough locations see the same: `locations: 2 of 3`."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerting.words import listed


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many of how many locations must agree. Raises ValueError when that cannot be."""

    needed: int
    of: int

    def __post_init__(self) -> None:
        """Refuse more than there are, and none."""
        if not 1 <= self.needed <= self.of:
            raise ValueError(f"{self.needed} of {self.of} locations")

    def __str__(self) -> str:
        return f"{self.needed} of {self.of}"


@dataclass(frozen=True, slots=True)
class Vote:
    """What one location says of a condition."""

    location: str
    breached: bool | None
    """None: it cannot know."""
    value: str = ""
    """What it compared, for people; empty: nothing is known."""
    reports: bool = True
    """Whether anything was heard of it lately."""


def told(votes: Sequence[Vote]) -> str:
    """Say in words who sees it and who does not: `at fra1 (80 %) and iad1 (75 %), not at sin1`."""
    groups = (
        ("at", [each for each in votes if each.breached]),
        ("not at", [each for each in votes if each.breached is False]),
        ("unknown at", [each for each in votes if each.breached is None and each.reports]),
        ("no report from", [each for each in votes if not each.reports]),
    )
    return ", ".join(f"{word} {listed(list(map(_named, some)))}" for word, some in groups if some)


def _named(vote: Vote) -> str:
    return f"{vote.location} ({vote.value})" if vote.value else vote.location


def agreed(quorum: Quorum, votes: Sequence[bool | None]) -> bool | None:
    """Say what the locations say together: each one's own answer; None: it cannot know.

    True once enough say so, false once so many do not that it cannot come true any more, whatever
    the rest says. A location that does not report is one that cannot know.
    """
    if votes.count(True) >= quorum.needed:
        return True
    if votes.count(False) > quorum.of - quorum.needed:
        return False
    return None
