"""Long answers as JSON, written some rows at a time.

A framework writes an answer in one turn of the loop; of 500 rows, or of 2,000 steps, that is more
than probes should wait for. Models write themselves, so the text is what the document promises.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from fastapi import Response
from pydantic import BaseModel

TOGETHER: Final = 25
"""Rows written in one turn of the loop: a millisecond at most."""


async def rows_written(rows: Iterable[BaseModel]) -> bytes:
    """Return a list of rows, giving way to others between some and the next."""
    parts: list[bytes] = []
    for number, row in enumerate(rows, start=1):
        parts.append(row.model_dump_json().encode())
        if number % TOGETHER == 0:
            await asyncio.sleep(0)
    return b"[" + b",".join(parts) + b"]"


async def page_written(rows: Iterable[BaseModel], next_cursor: str | None) -> bytes:
    """Return a Page; a cursor is of letters that need no quoting."""
    cursor = b"null" if next_cursor is None else f'"{next_cursor}"'.encode()
    return b'{"items":' + await rows_written(rows) + b',"next_cursor":' + cursor + b"}"


def json_answer(body: bytes | str) -> Response:
    """Return what was written as a response."""
    return Response(body, media_type="application/json")
