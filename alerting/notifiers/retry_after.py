"""Retry-After: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after."""

import re
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
"""The standard says whole seconds; some servers send fractions. Neither signs nor `nan`."""


def retry_after_s(header: str | None, now: float) -> float | None:
    """Return the seconds a Retry-After header asks for at wall time `now`; None if it does not.

    It may be a number of seconds or a date; a date gone by asks for none.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment - now)
