"""Columns of files of results: their names, and what may stand in them."""

import re

import pytest

from aggregator.transfer.columns import (
    COLUMNS,
    LIMITS,
    NAMES,
    TEXT_CHARS,
    Kind,
    RowError,
    TransferError,
    Value,
    arranged,
    arrangement,
    checked,
)
from tests.unit.aggregator.transfer.said import GOOD, NOW


def row(**said: Value) -> list[Value]:
    """Return a good row with what is said instead."""
    return list({**GOOD, **said}.values())


def test_names_are_stable() -> None:
    """Files outlive versions: a column is never renamed, and new ones must be optional in files."""
    assert [column.name for column in COLUMNS if column.required] == [
        "target", "provider", "model", "operation", "location", "slot", "slot_at", "at",
        "verdict", "fault", "total_s",
    ]  # fmt: skip
    assert {"request_id", "rate_limits", "cosine", "gc_s", "hint", "interrupted"} < set(NAMES)


def test_kinds_follow_the_fields() -> None:
    """A closed set is a text of known words; unknown may stand where a result may not know."""
    by_name = {column.name: column for column in COLUMNS}
    assert by_name["verdict"].words >= {"ok", "timeout"}
    assert by_name["reused"].kind is Kind.FLAG
    assert (by_name["status"].kind, by_name["status"].optional) == (Kind.WHOLE, True)
    assert (by_name["total_s"].kind, by_name["total_s"].optional) == (Kind.REAL, False)


def test_a_good_row_is_kept_as_it_is() -> None:
    """Nothing is changed but whole numbers where real ones belong."""
    limits = '[["requests", 10, null, 1.5], ["tokens", null, 3, 2]]'
    said = row(rate_limits=limits, reused=True, total_s=2, status=200)
    found = dict(zip(NAMES, checked(said, NOW), strict=True))
    assert found == {**GOOD, "rate_limits": limits, "reused": True, "total_s": 2.0, "status": 200}
    assert type(found["total_s"]) is float


BAD: list[tuple[str, Value]] = [
    ("target", None),
    ("target", 7),
    ("target", "x" * (TEXT_CHARS + 1)),
    ("detail", "\udc80"),
    ("verdict", "wonderful"),
    ("slot", 2**63),
    ("slot", True),
    ("slot", 1.5),
    ("total_s", float("inf")),
    ("total_s", float("nan")),
    ("total_s", 10**400),
    ("total_s", True),
    ("total_s", "1"),
    ("reused", 1),
    ("at", -1.0),
    ("at", NOW + 90_000.0),
    ("rate_limits", "["),
    ("rate_limits", "[" * 60_000),
    ("rate_limits", "{}"),
    ("rate_limits", '[["requests", 1, 2]]'),
    ("rate_limits", '[["requests", true, 2, 3]]'),
    ("rate_limits", '[["requests", 1, false, 3]]'),
    ("rate_limits", '[["requests", 1, 2, true]]'),
    ("rate_limits", '[["requests", 1, 2, Infinity]]'),
    ("rate_limits", '[["requests", 1, 2, "s"]]'),
    ("rate_limits", '[["\\ud800", 1, 2, 3]]'),
    ("rate_limits", str([["r", 1, 2, 3]] * (LIMITS + 1)).replace("'", '"')),
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=range(len(BAD)))
def test_a_bad_value_names_its_column_only(name: str, value: Value) -> None:
    """What stood there may be a secret in the wrong column: it is not repeated."""
    with pytest.raises(RowError, match=f"^{name}: ") as refusal:
        checked(row(**{name: value}), NOW)
    assert str(value) not in str(refusal.value) or value is None or len(str(value)) < 3


def test_an_older_file_lacks_newer_columns() -> None:
    """What came later has the value that an unsaid field has."""
    names = [column.name for column in COLUMNS if column.required]
    places = arrangement(names)
    assert arranged([GOOD[name] for name in names], places) == row()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (NAMES[1:], "columns are missing: target"),
        ((*NAMES, "colour"), "1 columns are no result's, 'colour' for one"),
        ((*NAMES, "target"), "twice"),
    ],
)
def test_another_table_is_refused(names: list[str], why: str) -> None:
    """A file that is no file of results says which column is the matter."""
    with pytest.raises(TransferError, match=re.escape(why)):
        arrangement(names)
