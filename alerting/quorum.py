"""Whether enough locations see the same: `locations: 2 of 3`."""

from collections.abc import Mapping
from dataclasses import dataclass


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


def agreed(quorum: Quorum, votes: Mapping[str, bool | None]) -> bool | None:
    """Say what the locations say together: by name, each one's own answer; None: it cannot know.

    True once enough say so, false once so many do not that it cannot come true any more, whatever
    the rest says. A location that does not report is one that cannot know.
    """
    said = list(votes.values())
    if said.count(True) >= quorum.needed:
        return True
    if said.count(False) > quorum.of - quorum.needed:
        return False
    return None
