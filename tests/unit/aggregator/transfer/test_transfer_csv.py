"""Rows as CSV: hostile texts, unknown against empty, bad lines."""

import csv
import io

import pytest

from aggregator.transfer.columns import NAMES, RowError, TransferError, Value
from aggregator.transfer.csv_rows import LINE_CHARS, decoded, encoded, head
from tests.unit.aggregator.transfer.said import GOOD, NOW


def text_of(**said: Value) -> str:
    """Return a file of one row."""
    return (head() + encoded([list({**GOOD, **said}.values())])).decode()


def read(text: str) -> list[tuple[int, object]]:
    """Return a file's rows with their lines; a bad one as its reason."""
    file = io.StringIO(text, newline="")
    return [
        (line, str(row) if isinstance(row, RowError) else dict(zip(NAMES, row, strict=True)))
        for line, row in decoded(file, NOW)
    ]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "'"])
def test_no_text_is_a_formula(sign: str) -> None:
    """A spreadsheet finds an apostrophe in front, and reading takes it away."""
    said = f'{sign}HYPERLINK("http://evil")'
    text = text_of(detail=said)
    (_, fields) = csv.reader(io.StringIO(text, newline=""))
    assert fields[NAMES.index("detail")] == f"'{said}"
    assert read(text) == [(2, {**GOOD, "detail": said})]


@pytest.mark.parametrize("said", [None, ""])
def test_unknown_is_not_empty(said: str | None) -> None:
    """A request id that was empty comes back empty, one that was unknown unknown."""
    assert read(text_of(request_id=said)) == [(2, {**GOOD, "request_id": said})]


def test_flags_are_words() -> None:
    """Truth from the ledger, 0 and 1, is written as false and true."""
    text = text_of(reused=0, interrupted=1)
    assert "false" in text
    assert read(text) == [(2, {**GOOD, "reused": False, "interrupted": True})]


def test_bad_lines_are_named_and_passed_over() -> None:
    """A line is counted from the file's beginning, texts of many lines included."""
    good = encoded([list({**GOOD, "detail": "a\nb\nc"}.values())]).decode()
    text = head().decode() + good + "1,2\r\n" + good + good.replace("ok", "nice") + good
    found = read(text)
    assert [line for line, _ in found] == [2, 5, 6, 9, 12]
    assert found[1][1] == f"2 fields, not {len(NAMES)}"
    assert found[3][1] == "verdict: a word this version does not know"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("slot", "x", "slot: not a number"),
        ("total_s", "inf", "total_s: not a finite number"),
        ("reused", "yes", "reused: neither true nor false"),
    ],
)
def test_a_value_of_another_kind(name: str, value: str, why: str) -> None:
    """It makes one bad row."""
    fields = ["" if each is None else str(each) for each in {**GOOD, name: value}.values()]
    fields = [each.lower() if each in ("True", "False") else each for each in fields]
    row = io.StringIO()
    csv.writer(row).writerow(fields)
    found = read(head().decode() + row.getvalue())
    assert found == [(2, why)]


def test_quotes_that_never_close() -> None:
    """They cost what the parser takes for one field, not the memory for the rest of the file."""
    good = encoded([list(GOOD.values())]).decode()
    found = read(head().decode() + '"' + "x" * 2 * LINE_CHARS + "\r\n" + good)
    assert isinstance(found[0][1], str)
    assert found[0][1].startswith("not CSV: ")
    assert found[-1][1] == GOOD


@pytest.mark.parametrize("text", ["", '"'])
def test_a_file_without_names(text: str) -> None:
    """It is refused as a whole."""
    with pytest.raises(TransferError, match="names of columns"):
        read(text)
