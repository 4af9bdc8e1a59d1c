"""Who changed what through the API: a line in the transaction of the change itself."""

import sqlite3
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from fastapi import APIRouter, Request, Response

from aggregator.ledger_file import Schema
from monitor.api.cursor import number_of, page_of
from monitor.api.models.instance import Write
from monitor.api.models.shape import Page
from monitor.api.parameters import PAGE_ROWS, Cursor, Limit
from monitor.api.problems import READ
from monitor.api.sources import Current, Sources
from monitor.api.written import json_answer, page_written

T = TypeVar("T")

WRITES: Final = Schema(
    "api",
    (
        """
        CREATE TABLE api_writes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL,
            who TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            detail TEXT NOT NULL
        ) STRICT;
        """,
    ),
    saved=("api_writes",),
)
KEPT_S: Final = 365 * 86_400.0
"""A year: by then the next audit has looked at it."""
MOST: Final = 10_000
"""Lines at most, some two megabytes: nobody makes thirty silences a day by hand."""
WHO: Final = "sonde.who"
"""Where the gate writes in a request's scope who is asking."""

log = structlog.get_logger("sonde.api")


async def written(
    sources: Sources,
    request: Request,
    action: str,
    subject: str,
    detail: str,
    work: Callable[[sqlite3.Connection, float], T],
) -> T:
    """Do a change at the wall time it is given, with its line; both or neither are committed.

    Raises what the work raises, and LedgerError.
    """
    now = sources.clock.wall()
    line = Write(at=now, who=str(request.scope[WHO]), action=action, subject=subject, detail=detail)

    def both(connection: sqlite3.Connection) -> T:
        found = work(connection, now)
        record(connection, line)
        return found

    done = await sources.ledger.write(both)
    log.info("api.write", who=line.who, action=action, subject=subject, detail=detail)
    return done


def record(connection: sqlite3.Connection, line: Write) -> None:
    """Keep a line; forget those that are too old or too many."""
    (number,) = connection.execute(
        "INSERT INTO api_writes (at, who, action, subject, detail) VALUES (?, ?, ?, ?, ?)"
        " RETURNING id",
        (line.at, line.who, line.action, line.subject, line.detail),
    ).fetchone()
    connection.execute(
        "DELETE FROM api_writes WHERE at < ? OR id <= ?", (line.at - KEPT_S, number - MOST)
    )


def read_lines(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[int, Write]]:
    """Return at most `limit` lines numbered below `before`, the newest first."""
    rows = connection.execute(
        "SELECT id, at, who, action, subject, detail FROM api_writes WHERE id < ?"
        " ORDER BY id DESC LIMIT ?",
        (before, limit),
    )
    return [
        (number, Write(at=at, who=who, action=action, subject=subject, detail=detail))
        for number, at, who, action, subject, detail in rows
    ]


def audit_routes(current: Current) -> APIRouter:
    """Return the route that lists changes."""
    router = APIRouter(tags=["instance"])

    @router.get("/audit", responses=READ, response_model=Page[Write])
    async def audit(limit: Limit = PAGE_ROWS, cursor: Cursor = "") -> Response:
        """List who changed what through the API, the newest first."""
        before = number_of(cursor)
        rows = await current().ledger.read(lambda c: read_lines(c, before, limit + 1))
        page = page_of(rows, limit)
        return json_answer(await page_written(page.items, page.next_cursor))

    return router
