"""A row of figures as a row of bars, in text: every channel takes text."""

from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"
_NOTHING: Final = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """Return a bar for each value, from 0 to the greatest of them; None: nothing is known.

    Empty when fewer than two are known: one bar shows no course.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    top = max(known)
    return "".join(_NOTHING if value is None else _bar(value, top) for value in values)


def _bar(value: float, top: float) -> str:
    return _BARS[round(value / top * (len(_BARS) - 1))] if top > 0 else _BARS[0]
