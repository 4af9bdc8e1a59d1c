"""What a server's answer to a write means: its status, and its own words.

InfluxDB 1.x, 2.x and 3.x say the same things differently, and all say some of them in words alone:
which points were too old, which field has which type. They are read here, and said again in ours.
"""

import json
import re
from typing import Any, Final

from aggregator.stores.delivery import Outcome

_BY_STATUS: Final = {
    400: Outcome.REJECTED,
    401: Outcome.TOKEN,
    403: Outcome.TOKEN,
    404: Outcome.BUCKET,
    413: Outcome.TOO_LARGE,
    422: Outcome.REJECTED,
    429: Outcome.THROTTLED,
}
"""https://docs.influxdata.com/influxdb/v2/write-data/troubleshoot/#review-http-status-codes"""
_DROPPED: Final = re.compile(
    r"partial write: (?:points beyond retention policy dropped=([0-9]{1,9})"
    r"|dropped ([0-9]{1,9}) points outside retention policy)"
)
"""The others of the batch are stored. 1.x and early 2.x say the first; newer ones the second:
https://docs.influxdata.com/influxdb/v2/write-data/troubleshoot/#troubleshoot-rejected-points."""
_OUTSIDE: Final = re.compile(r"outside of the retention period")
"""3.x in the cloud, which says neither how many nor whether the others are stored:
https://github.com/influxdata/influxdb, router/src/dml_handlers/retention_validation.rs."""
_CONFLICTS: Final = (
    re.compile(
        r'input field "(?P<field>[^"]{1,200})" on measurement "(?P<measurement>[^"]{1,200})"'
        r" is type (?P<sent>\w{1,20}), already exists as type (?P<kept>\w{1,20})"
    ),
    re.compile(
        r"column type for column '?(?P<field>[^',]{1,200})'?, expected iox::column_type::"
        r"(?P<kept>[\w:]{1,40}), got iox::column_type::(?P<sent>[\w:]{1,40})"
    ),
)
"""1.x and 2.x; 3.x: https://docs.influxdata.com/influxdb3/core/write-data/troubleshoot/."""
_MEANINGS: Final = (
    (_DROPPED, "older than the bucket keeps, or our clock is behind its server's"),
    (_OUTSIDE, "older than the bucket keeps, or our clock is behind its server's"),
    (
        re.compile(r"max-series-per-database|max-values-per-tag|limit of [0-9]+ (columns|tables)"),
        "the bucket takes no new series: raise its limit, or give points a bucket of their own",
    ),
    (re.compile(r"no space left on device"), "its disk is full"),
)
_NO_ORGANISATION: Final = re.compile(r"provide either orgID or org", re.IGNORECASE)
"""2.x without `org`: a 400 that is no line's fault (http/requests.go of its source)."""
_FULL: Final = re.compile(r"no space left on device|cache-max-memory-size exceeded")
"""1.x says these of a partial write as well: nothing is wrong with a line, and room can be made."""


_UNREADABLE: Final = re.compile(
    r"parse|malformed|trailing content|expected .+ got `", re.IGNORECASE
)
"""A line cannot be read. The answer repeats it then, and a provider may have chosen words in it."""


def outcome_of(status: int, told: str) -> Outcome:
    """Say what a status and the server's own words mean.

    204 alone is success: a login page answers 200, and has stored nothing. Some versions say in a
    403 or a 500 what others say in a 400 or 422: words go before it there.
    """
    if status == 204:
        return Outcome.STORED
    outcome = _BY_STATUS.get(status, Outcome.UNAVAILABLE)
    if status not in {400, 403, 422, 500} or _UNREADABLE.search(told):
        return outcome
    if _DROPPED.search(told) or _OUTSIDE.search(told):
        return Outcome.EXPIRED
    if any(conflict.search(told) for conflict in _CONFLICTS):
        return Outcome.REJECTED
    if _FULL.search(told):
        return Outcome.UNAVAILABLE
    return Outcome.BUCKET if _NO_ORGANISATION.search(told) else outcome


def expired_points(told: str) -> int | None:
    """Return how many points a server says it dropped as older than its bucket keeps.

    It has stored the others then. None: it says no number, and nothing is known of any point.
    """
    found = _DROPPED.search(told)
    return int(found[1] or found[2]) if found is not None else None


def meaning(told: str) -> str | None:
    """Say in our words what is wrong and how it is mended; None: the server's words must do."""
    if _UNREADABLE.search(told):
        return None
    for conflict in _CONFLICTS:
        if found := conflict.search(told):
            of = found.groupdict().get("measurement")
            where = f"{found['field']!r}" + (f" of {of!r}" if of else "")
            kept, sent = (found[name].rpartition(":")[2] for name in ("kept", "sent"))
            return (
                f"the field {where} is {kept} in this bucket, and we send {sent}: somebody else"
                " wrote it first; delete that measurement, or use a bucket of its own"
            )
    return next((words for pattern, words in _MEANINGS if pattern.search(told)), None)


def told_in(body: bytes) -> str:
    """Return the server's own words: `message` (2.x, 3.x) or `error` (1.x, 3.x), else the body.

    3.x says in `data` what is wrong with each line; the first of them stands for all.
    """
    text = body.decode("utf-8", "replace")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):  # the latter of a thousand brackets
        return text
    if not isinstance(answer, dict):
        return text
    said = [answer.get("message") or answer.get("error"), _of_a_line(answer.get("data"))]
    return ": ".join(words for words in said if isinstance(words, str) and words) or text


def _of_a_line(data: Any) -> object:  # noqa: ANN401 - whatever JSON it sent
    """Return what 3.x says of the first refused line; of a whole batch it is one, not a list."""
    first = data[0] if isinstance(data, list) and data else data
    return first.get("error_message") if isinstance(first, dict) else None


def retry_after_s(header: str | None) -> float | None:
    """Read a Retry-After in seconds; None when there is none, or it is a date."""
    return float(header) if header is not None and re.fullmatch(r"[0-9]{1,9}", header) else None
