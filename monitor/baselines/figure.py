"""The number a baseline takes out of somebody else's JSON.

A path is `$` followed by names and positions: `$.data[0].p95_ms`, `$['a name'].p50`. That is the
part of JSONPath (RFC 9535) that names one value and no more: a library would bring wildcards,
filters and scripts, for which a single number has no use.
"""

import re
from typing import Final

from monitor.polled.unreadable import UnreadableError
from probes.jsontext import JsonError, parse_json

Steps = tuple[str | int, ...]
"""Names of members and positions in arrays, from the outside in."""

_STEP: Final = re.compile(
    r"\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\['([^'\\]+)'\]|\[\"([^\"\\]+)\"\]", re.ASCII
)
_QUANTILE: Final = re.compile(r"p(50|95|99)(?![0-9.])", re.IGNORECASE)
MOST_S: Final = 86_400.0
"""A latency of more than a day is no latency."""


def parse_path(text: str) -> Steps:
    """Read a path. Raises ValueError, which does not repeat it."""
    if not text.startswith("$") or len(text) == 1:
        raise ValueError("expected a path such as $.p95_ms or $.data[0]['p95']")
    steps: list[str | int] = []
    end = 1
    while end < len(text):
        step = _STEP.match(text, end)
        if step is None:
            raise ValueError(f"expected .name, [0] or ['name'] at character {end + 1} of the path")
        steps.append(int(step[2]) if step[2] else step[1] or step[3] or step[4])
        end = step.end()
    return tuple(steps)


def quantile_of(*texts: str) -> float:
    """Return the quantile the texts name, as `p95` does in a name or a path; 0.5 when none does."""
    for text in texts:
        named = _QUANTILE.search(text)
        if named is not None:
            return int(named[1]) / 100
    return 0.5


def figure_s(raw: bytes, steps: Steps, unit_s: float) -> float:
    """Return the number at a path, in seconds; `unit_s` is what it is counted in.

    Raises UnreadableError for what is no JSON, has no such place, or has no latency there.
    """
    try:
        found = parse_json(raw)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    for number, step in enumerate(steps, 1):
        try:
            # A list takes positions and an object names: anything else is a KeyError's equal.
            found = found[step]  # type: ignore[index]  # TypeError is caught
        except (TypeError, KeyError, IndexError):
            raise UnreadableError(f"nothing at step {number} of the path") from None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise UnreadableError("no number at the path")
    if not 0 < found <= MOST_S / unit_s:
        raise UnreadableError("no latency at the path: not between 0 and a day")
    return found * unit_s
