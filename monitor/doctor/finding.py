"""What was found out, one thing a line, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    """It works, and will mislead or fail some day."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """What kind of thing: the same word for all of its kind."""
    level: Level
    text: str
    remedy: str = ""
    """What to do; empty: nothing."""


_WORST: Final = (Level.OK, Level.WARN, Level.FAIL)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level there is; OK of nothing."""
    return max((each.level for each in findings), key=_WORST.index, default=Level.OK)


def lines(findings: Sequence[Finding]) -> list[str]:
    """Return the findings as text for people, and what they come to."""
    width = max((len(each.check) for each in findings), default=0)
    told = []
    for each in findings:
        told.append(f"{each.level:4}  {each.check:{width}}  {each.text}")
        if each.remedy:
            told.append(f"      {'':{width}}  -> {each.remedy}")
    counts = {level: sum(each.level is level for each in findings) for level in reversed(_WORST)}
    told.append(", ".join(f"{count} {level}" for level, count in counts.items() if count))
    return told
