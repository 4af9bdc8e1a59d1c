"""Pages of numbered rows."""

import pytest

from monitor.api.cursor import BEYOND, number_of, page_of
from monitor.api.problems import RefusedError


@pytest.mark.parametrize(("cursor", "number"), [("", BEYOND), ("7", 7), ("9" * 19, BEYOND)])
def test_where_a_page_begins(cursor: str, number: int) -> None:
    """Without a cursor above every row; a number no row has is above all or below."""
    assert number_of(cursor) == number


@pytest.mark.parametrize("cursor", ["-1", "1.0", "x", "\N{ARABIC-INDIC DIGIT ONE}", "1" * 20])
def test_what_is_no_cursor(cursor: str) -> None:
    """Nothing that SQLite would take for another number."""
    with pytest.raises(RefusedError):
        number_of(cursor)


def test_a_page_knows_whether_more_follows() -> None:
    """One row more than a page was looked for; the cursor is that of the last one shown."""
    rows = [(9, "a"), (7, "b"), (4, "c")]
    assert page_of(rows, 2).model_dump() == {"items": ["a", "b"], "next_cursor": "7"}
    assert page_of(rows, 3).next_cursor is None
    assert page_of([], 3).model_dump() == {"items": [], "next_cursor": None}
