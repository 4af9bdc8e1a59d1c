"""Results out of the ledger into a file or a stream, page by page.

What is held is one page, however much there is. A daemon may run: each page is a statement of its
own on a connection that only reads. What it commits after the beginning is not exported, and what
it deletes meanwhile for its age may be missing.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from aggregator.transfer.formats import Encoder
from aggregator.transfer.part import Note

PAGE_ROWS: Final = 2_000
"""Rows read in one statement: some 30 ms and 2 MB, whatever the ledger holds."""
KEPT_EVERY: Final = 10
"""Pages between two notes of how far it came: half a second's work is done again after a kill."""


class Sink(Protocol):
    """Where an export goes."""

    def write(self, data: bytes, /) -> object:
        """Append; raises OSError."""

    def keep(self, note: Note, /) -> Note:
        """Make what was written last, and note how far it goes; raises OSError."""


def export(
    connection: sqlite3.Connection,
    note: Note,
    encoder: Encoder,
    sink: Sink,
    on_page: Callable[[int], None],
    page_rows: int = PAGE_ROWS,
) -> Note:
    """Write what a note says is still to be written; return the note of all of it.

    `on_page` is told after each page how many rows were looked at in it. Raises sqlite3.Error and
    OSError.
    """
    selection = note.selection
    pages = 0
    while note.after < note.last:
        limit = min(page_rows, note.last - note.after)
        found = encoder.page(connection, note.after, limit, selection)
        if not found.looked_at:
            break
        sink.write(found.data)
        note = replace(note, after=found.after, rows=note.rows + found.rows)
        pages += 1
        if pages % KEPT_EVERY == 0:
            note = sink.keep(note)
        on_page(found.looked_at)
    return sink.keep(note)
