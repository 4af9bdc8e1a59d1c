"""Pages of rows that have a number: whoever adds rows meanwhile neither doubles nor hides one."""

from collections.abc import Sequence
from typing import Final, TypeVar

from monitor.api.models.shape import Page
from monitor.api.problems import RefusedError

T = TypeVar("T")

BEYOND: Final = 2**63 - 1
"""Above every number SQLite gives a row. https://www.sqlite.org/autoinc.html"""
_DIGITS: Final = 19


def number_of(cursor: str) -> int:
    """Return below which number a page begins; the empty cursor is that of the first page.

    Raises RefusedError for what is no cursor of ours.
    """
    if not cursor:
        return BEYOND
    if len(cursor) > _DIGITS or not (cursor.isascii() and cursor.isdigit()):
        raise RefusedError(422, "cursor: expected next_cursor of the page before")
    return min(int(cursor), BEYOND)


def page_of(rows: Sequence[tuple[int, T]], limit: int) -> Page[T]:
    """Return a page of numbered rows, of which one more than `limit` was looked for."""
    more = len(rows) > limit
    return Page[T](
        items=[row for _, row in rows[:limit]],
        next_cursor=str(rows[limit - 1][0]) if more else None,
    )
