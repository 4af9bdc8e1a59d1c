r"""Results and summaries in InfluxDB's line protocol.

https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/

Every number is a float, whole ones too: a field has one type for ever, and the first point decides.
What is unknown or not finite is not written. A line never holds a line break, whatever a provider
said: breaks in a tag become `\n` in two characters, in a text they become spaces.

A point's identity is its measurement, tags and time: a second point of the same identity takes the
first one's place without a word. Two attempts differ in the tag `attempt`. The time is the moment
of sending in microseconds, and its last three digits are the row's number in the ledger: two
results of one target that a clock set back gave the same microsecond stay two, and a result that is
written again takes its own place.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

PROBES: Final = "api_probe"
WINDOWS: Final = "api_window"

_TAG_ESCAPES: Final = str.maketrans(
    {",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\n", "\t": r"\t", "\r": r"\r"}
)
_BREAKS: Final = str.maketrans({"\n": r"\n", "\t": r"\t", "\r": r"\r"})
"""Of the escapes above, those that stay when a line is read."""
_BEFORE_SEPARATOR: Final = re.compile(r"\\(?=[,= ]|\Z)")
"""A backslash there is a slash in our points: InfluxDB and VictoriaMetrics read two backslashes and
a separator differently, and one at the end of a value would take the separator behind it."""
_TEXT_ESCAPES: Final = str.maketrans({'"': r"\"", "\\": r"\\", "\n": " ", "\r": " "})
_KNOWN_TAGS: Final = 32_768
"""Sets of tags kept encoded: thousands of targets with the few verdicts that each one has."""

NUMBER_FIELDS: Final = (
    "connect_ms",
    "cost_usd",
    "first_token_ms",
    "inter_token_ms",
    "latency_ms",
    "loop_lag_ms",
    "output_tokens_per_s",
    "prompt_chars",
    "resolve_ms",
    "response_chars",
    "tls_ms",
    "tokens_cached",
    "tokens_input",
    "tokens_output",
    "tokens_used",
)
"""Fields of `api_probe` that a row states as they are written, in their order."""


class ProbeRow(NamedTuple):
    """A result as the ledger's tables give it to be written; None is unknown."""

    id: int
    """The row's number in the ledger."""
    at: float
    """Wall time when the attempt was sent, seconds since the epoch."""
    attempt: int
    fault: str
    location: str
    model: str
    operation: str
    provider: str
    status: int | None
    target: str
    verdict: str
    latency_tainted: int
    error: str
    rate_limits: str | None
    """JSON: [[bucket, limit, remaining, reset_s], ...]."""
    numbers: Sequence[float | None]
    """By NUMBER_FIELDS."""


def probe_line(row: ProbeRow) -> str:
    """Return the point of one result."""
    fields = [
        f"{name}={_number(value)}"
        for name, value in zip(NUMBER_FIELDS, row.numbers, strict=True)
        if value is not None and math.isfinite(value)
    ]
    fields.append("latency_tainted=true" if row.latency_tainted else "latency_tainted=false")
    if row.error:
        fields.append(f'error="{row.error.translate(_TEXT_ESCAPES)}"')
    if row.rate_limits is not None:
        fields += _rate_limits(row.rate_limits)
    head = _probe_head(*row[2:11])
    return f"{head} {','.join(fields)} {microseconds(row.at)}{row.id % 1_000:03}"


def microseconds(at: float) -> int:
    """Return a wall time in whole microseconds, as points have it."""
    return round(at * 1e6)


def window_line(
    tags: tuple[tuple[str, str], ...], fields: Iterable[tuple[str, float | None]], at_s: int
) -> str:
    """Return the point of one summary at a whole second; at least one field must be known."""
    known = [
        f"{name}={_number(value)}"
        for name, value in fields
        if value is not None and math.isfinite(value)
    ]
    return f"{_head(WINDOWS, tags)} {','.join(known)} {at_s}000000000"


def marker_line(measurement: str, location: str, value: float, at_ns: int) -> str:
    """Return a point that only tells who was there."""
    return f"{_head(measurement, (('location', location),))} value={_number(value)} {at_ns}"


@lru_cache(_KNOWN_TAGS)
def _probe_head(  # noqa: PLR0913, PLR0917 - one row's tags, in their order
    attempt: int,
    fault: str,
    location: str,
    model: str,
    operation: str,
    provider: str,
    status: int | None,
    target: str,
    verdict: str,
) -> str:
    return _head(
        PROBES,
        (
            ("attempt", str(attempt)),
            ("fault", fault),
            ("location", location),
            ("model", model),
            ("operation", operation),
            ("provider", provider),
            ("status_code", "" if status is None else str(status)),
            ("target", target),
            ("verdict", verdict),
        ),
    )


@lru_cache(_KNOWN_TAGS)
def _head(measurement: str, tags: tuple[tuple[str, str], ...]) -> str:
    """Return measurement and tags, those without a value left out; keys are sorted, and ours."""
    return ",".join([measurement, *(f"{key}={_tag(value)}" for key, value in tags if value)])


def _tag(value: str) -> str:
    return _BEFORE_SEPARATOR.sub("/", value).translate(_TAG_ESCAPES)


def tag_as_stored(value: str) -> str:
    """Return what the store has for a tag's value: the same, but for what a line cannot hold."""
    return _BEFORE_SEPARATOR.sub("/", value).translate(_BREAKS)


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _rate_limits(stated: str) -> Iterable[str]:
    left = {bucket: remaining for bucket, _, remaining, _ in json.loads(stated)}
    for bucket, name in (("requests", "remaining"), ("tokens", "remaining_tokens")):
        if left.get(bucket) is not None and abs(left[bucket]) < 2**63:  # what providers claim
            yield f"rate_limit_{name}={_number(left[bucket])}"
