"""Alerts as they stand, what was decided about them, and why people were told."""

import sqlite3
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from alerting.routing.record import Wanted, read_page, read_stories
from alerting.routing.story import Story, decided
from monitor.api.board import subject_of
from monitor.api.cursor import number_of, page_of
from monitor.api.models.alerts import AlertRow, HistoryRow, StoryLine, StoryRow
from monitor.api.models.shape import Page
from monitor.api.parameters import PAGE_ROWS, Cursor, Limit, MaybeSince
from monitor.api.problems import READ
from monitor.api.sources import Current
from monitor.api.written import json_answer, page_written, rows_written

STORIES: Final = 100
"""Stories of one answer, those with the newest lines: name an alert for the others."""
TOLD_S: Final = 86_400.0
"""How far back stories go when nobody says."""

Word = Annotated[
    str, Query(max_length=200, description="A rule, fingerprint or target; empty: all of them.")
]


def alert_routes(current: Current) -> APIRouter:
    """Return the routes about alerts."""
    router = APIRouter(tags=["alerts"])

    @router.get("/alerts", responses=READ, response_model=list[AlertRow])
    async def alerts() -> Response:
        """List what is pending, firing or clearing, the loudest and oldest first."""
        return json_answer(await rows_written(await current().board.rows()))

    @router.get("/alerts/history", responses=READ, response_model=Page[HistoryRow])
    async def alert_history(
        limit: Limit = PAGE_ROWS,
        cursor: Cursor = "",
        since: MaybeSince = None,
        word: Word = "",
    ) -> Response:
        """List what was decided about alerts, the newest first."""
        before = number_of(cursor)
        rows = await current().ledger.read(
            lambda c: _history(c, Wanted(word), since or 0.0, before, limit + 1)
        )
        page = page_of(rows, limit)
        return json_answer(await page_written(page.items, page.next_cursor))

    @router.get("/alerts/explain", responses=READ, response_model=list[StoryRow])
    async def explain(word: Word = "", since: MaybeSince = None) -> Response:
        """Tell why people were told of alerts, or not: by default of the last day, newest first."""
        sources = current()
        from_ = sources.clock.wall() - TOLD_S if since is None else since
        stories = await sources.ledger.read(lambda c: _stories(c, Wanted(word), from_))
        return json_answer(await rows_written(stories))

    return router


def _history(
    connection: sqlite3.Connection, wanted: Wanted, since: float, before: int, limit: int
) -> list[tuple[int, HistoryRow]]:
    return [
        (
            number,
            HistoryRow(
                id=number,
                at=entry.at,
                fingerprint=entry.identity.fingerprint,
                name=entry.identity.rule,
                subject=subject_of(dict(entry.identity.labels)),
                event=entry.event,
                channel=entry.channel,
                detail=entry.detail,
                text=decided(entry).text,
            ),
        )
        for number, entry in read_page(connection, wanted, since, before, limit)
    ]


def _stories(connection: sqlite3.Connection, wanted: Wanted, since: float) -> list[StoryRow]:
    """In the reader's thread, for there may be hundreds."""
    newest = read_stories(connection, wanted, since)[-STORIES:]
    return [_story(story) for story in reversed(newest)]


def _story(story: Story) -> StoryRow:
    labels = dict(story.identity.labels)
    return StoryRow(
        fingerprint=story.identity.fingerprint,
        name=story.identity.rule,
        subject=subject_of(labels),
        labels=labels,
        lines=[StoryLine(at=line.at, text=line.text) for line in story.lines],
        now=list(story.now),
    )
