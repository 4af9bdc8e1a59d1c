"""Durations and sizes as people write them: `1h30m`, `2 GiB`."""

import re
from typing import Final

UNITS_S: Final = {
    "y": 365 * 86400.0,
    "w": 7 * 86400.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}
"""Longest first: parts of a duration stand in this order, each unit at most once."""

UNITS_BYTES: Final = {
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGT", start=1)},
}

DURATION_PATTERN: Final = "^" + "".join(rf"([0-9.]+{unit})?" for unit in UNITS_S) + "$"
"""For editors (JSON Schema); `parse_duration` is stricter."""

_PART: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|[ywdhms])")
_SIZE: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([A-Za-z]{1,3})")


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `30s`, `500ms` or `1h30m`.

    Raises ValueError, saying what is expected, without repeating the text.
    """
    total_s = 0.0
    position = 0
    last = -1
    order = list(UNITS_S)
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or order.index(part[2]) <= last:
            position = -1
            break
        total_s += float(part[1]) * UNITS_S[part[2]]
        last = order.index(part[2])
        position = part.end()
    if position <= 0:
        raise ValueError("expected a duration with its unit, such as 500ms, 30s, 5m or 1h30m")
    return total_s


def parse_size(text: str) -> int:
    """Return the bytes of a size such as `2 GiB` or `500 MB`. Raises ValueError as above."""
    match = _SIZE.fullmatch(text)
    units = {unit.lower(): factor for unit, factor in UNITS_BYTES.items()}
    if match is None or match[2].lower() not in units:
        raise ValueError("expected a size with its unit, such as 500 MB or 2 GiB")
    return int(float(match[1]) * units[match[2].lower()])


def format_duration(seconds: float) -> str:
    """Write seconds as a duration that reads back the same, to the millisecond: `1h30m`."""
    rest_ms = round(seconds * 1000)
    if rest_ms == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest_ms = divmod(rest_ms, round(UNITS_S[unit] * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def format_size(size: int) -> str:
    """Write bytes in the largest binary unit that leaves at least 1: `2 GiB`, `1.5 MiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size >= UNITS_BYTES[unit]:
            return f"{size / UNITS_BYTES[unit]:.4g} {unit}"
    return f"{size} B"
