"""Durations and lists as people say them."""

from collections.abc import Sequence
from typing import Final

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units: `45s`, `14m`, `1h 5m`, `2d`."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part) or "0s"


def listed(words: Sequence[str]) -> str:
    """Return words in a row: `fra1`, `fra1 and iad1`, `fra1, iad1 and sin1`; empty of none."""
    *first, last = words or ("",)
    return f"{', '.join(first)} and {last}" if first else last
