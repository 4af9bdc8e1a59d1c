"""Our lines against influxdb-client's own encoder, and against a reader of the protocol."""

import math
import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from influxdb_client import Point, WritePrecision

from aggregator.stores.lines import NUMBER_FIELDS, ProbeRow, probe_line

HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from('\\\\\\ ,="\n\r\t#ä\0'), st.characters(exclude_categories=["Cs"])
    ),
    max_size=12,
)
NUMBERS = st.none() | st.floats() | st.integers(-(2**63), 2**63 - 1)

rows = st.builds(
    ProbeRow,
    id=st.integers(1, 2**40),
    at=st.floats(0, 4e9),
    attempt=st.integers(1, 9),
    fault=st.sampled_from(["none", "provider"]),
    location=HOSTILE,
    model=HOSTILE,
    operation=st.just("chat"),
    provider=HOSTILE,
    status=st.none() | st.integers(100, 599),
    target=HOSTILE,
    verdict=st.just("ok"),
    latency_tainted=st.sampled_from([0, 1]),
    error=HOSTILE,
    rate_limits=st.none(),
    numbers=st.lists(NUMBERS, min_size=len(NUMBER_FIELDS), max_size=len(NUMBER_FIELDS)),
)
AMBIGUOUS = re.compile(r"\\(?=[,= ]|\Z)")
"""Backslashes that no two readers take for the same; they are slashes in our points."""
TAGS = ("attempt", "fault", "location", "model", "operation", "provider", "target", "verdict")


def by_the_client(row: ProbeRow) -> str:
    """Encode a row as influxdb-client does; its texts keep line breaks, ours do not."""
    point = Point("api_probe")
    for name in TAGS:
        point.tag(name, AMBIGUOUS.sub("/", str(getattr(row, name))))
    point.tag("status_code", row.status)
    for name, value in zip(NUMBER_FIELDS, row.numbers, strict=True):
        point.field(name, None if value is None else float(value))
    point.field("latency_tainted", bool(row.latency_tainted))
    point.field("error", row.error.replace("\n", " ").replace("\r", " ") or None)
    micros = int(probe_line(row).rpartition(" ")[2]) // 1_000
    point.time(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros))
    return point.to_line_protocol(WritePrecision.NS)


def read(line: str) -> tuple[str, dict[str, str], dict[str, str], int]:
    """Take a line apart by the protocol's rules, in which quotes mean something in fields only."""
    head, *rest = split(line, " ")
    fields, time = split(" ".join(rest), " ", quotes=True)
    measurement, *tags = split(head, ",")
    return (
        measurement,
        dict(pair(tag) for tag in tags),
        dict(pair(field) for field in split(fields, ",", quotes=True)),
        int(time),
    )


def pair(text: str) -> tuple[str, str]:
    key, *value = split(text, "=")
    return key, "=".join(value)


def split(text: str, separator: str, *, quotes: bool = False) -> list[str]:
    """Split at the separators that no backslash hides and, with `quotes`, that no text holds."""
    parts, part, quoted, escaped = [], "", False, False
    for char in text:
        if char == separator and not quoted and not escaped:
            parts.append(part)
            part = ""
            continue
        if char == '"' and quotes and not escaped:
            quoted = not quoted
        # In a text a backslash may hide itself; elsewhere two of them are two.
        escaped = char == "\\" and not (quoted and escaped)
        part += char
    return [*parts, part]


@given(rows)
def test_the_clients_encoder_agrees(row: ProbeRow) -> None:
    """Whatever the texts and numbers, both encoders write the same tags and fields."""
    ours, theirs = read(probe_line(row)), read(by_the_client(row))
    assert ours[:3] == theirs[:3]
    assert ours[3] == theirs[3] + row.id % 1_000


@given(rows)
def test_a_line_is_one_line_and_comes_back(row: ProbeRow) -> None:
    """Every known number is read back exactly, every tag stands alone, and nothing is added."""
    line = probe_line(row)
    assert "\n" not in line
    assert "\r" not in line
    measurement, tags, fields, _ = read(line)
    assert measurement == "api_probe"
    assert set(tags) == {
        *(name for name in TAGS if getattr(row, name)),
        *(() if row.status is None else ("status_code",)),
    }
    known = {
        name: float(value)
        for name, value in zip(NUMBER_FIELDS, row.numbers, strict=True)
        if value is not None and math.isfinite(value)
    }
    assert {name: float(fields[name]) for name in fields if name in NUMBER_FIELDS} == known
    assert set(fields) == {*known, "latency_tainted", *(["error"] if row.error else [])}


@given(st.lists(rows, min_size=2, max_size=5, unique_by=lambda row: row.id % 1_000))
def test_rows_never_share_a_place(found: list[ProbeRow]) -> None:
    """Rows whose numbers differ never have the same time, so none overwrites another."""
    times = {probe_line(row).rpartition(" ")[2] for row in found}
    assert len(times) == len(found)
