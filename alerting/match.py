"""Which series a rule speaks of: label names with glob patterns."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from probes.target import Target


@dataclass(frozen=True, slots=True)
class Match:
    """Patterns by label name; `Match()` matches everything.

    Every field must match. Within a field one positive pattern suffices, and a pattern that begins
    with `!` excludes what it hits; a field of exclusions only matches whatever they leave. A label
    that is absent counts as empty text, so `!` alone asks for its presence.
    """

    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether these labels match (letter case counts)."""
        return all(_suits(patterns, labels.get(name, "")) for name, patterns in self.fields)


EVERYTHING: Final = Match()
"""Matches every series."""


def labels_of(target: Target, location: str) -> Mapping[str, str]:
    """Return what a Match sees of a target: its own labels, and above them the built-in ones."""
    return dict(target.labels) | {
        "target": target.name,
        "provider": target.provider,
        "preset": target.preset,
        "model": target.model,
        "operation": str(target.operation),
        "location": location,
    }


def _suits(patterns: tuple[str, ...], value: str) -> bool:
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    if any(fnmatchcase(value, pattern) for pattern in unwanted):
        return False
    return not wanted or any(fnmatchcase(value, pattern) for pattern in wanted)
