"""GET /overview, and everything about targets."""

import asyncio
import math
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response

from aggregator.results import Asked
from monitor.api.detail import detail_of, target_of
from monitor.api.instance import instance_of
from monitor.api.levels import Level
from monitor.api.marks import marks_of
from monitor.api.models.live import Overview
from monitor.api.models.shape import LAST_MOMENT_S, Page
from monitor.api.models.targets import Mark, ProbeRow, Series, TargetDetail, TargetNow
from monitor.api.parameters import (
    PAGE_ROWS,
    Cursor,
    Limit,
    Location,
    MaybeSince,
    MaybeUntil,
    Since,
    Until,
)
from monitor.api.paths import named
from monitor.api.probes import probes_of
from monitor.api.problems import READ, READ_ONE, RefusedError
from monitor.api.series import series_of, step_of
from monitor.api.sources import Current, Sources
from monitor.api.written import TOGETHER, json_answer, page_written, rows_written

DAY_S: Final = 86_400.0
SPAN: Final = "since: expected a time before until"
Step = Annotated[
    int | None,
    Query(
        ge=60,
        le=366 * 86_400,
        description="Seconds of a step, whole minutes; absent: as suits the stretch of time.",
    ),
]
Name = Annotated[str, Path(description="A target's name; quoted (`%2F`) where it holds a slash.")]
Provider = Annotated[str, Query(max_length=200, description="Of this provider; empty: of all.")]
AtLevel = Annotated[Level | Literal[""], Query(description="At this level; empty: at any.")]
Text = Annotated[
    str, Query(max_length=200, description="A part of the name, provider or model, in any case.")
]
Failed = Annotated[bool, Query(description="Those that failed alone.")]


def target_routes(current: Current) -> APIRouter:
    """Return the routes about targets, relative to /api/v1."""
    router = APIRouter(tags=["targets"])

    @router.get("/overview", responses=READ, response_model=Overview)
    async def overview() -> Response:
        """Everything the first page shows, in one answer."""
        return json_answer(await overview_of(current()))

    @router.get("/targets", responses=READ, response_model=Page[TargetNow])
    async def targets(
        limit: Limit = PAGE_ROWS,
        cursor: Cursor = "",
        provider: Provider = "",
        level: AtLevel = "",
        q: Text = "",
    ) -> Response:
        """Targets as they are now, the worst first.

        The order is that of the moment: a target
        whose standing changes between two pages may be on both, or on neither.
        """
        rows = await current().present.rows()
        wanted = [row for row in rows if _wanted(row, provider, level, q)]
        return json_answer(await page_written(*page_of(wanted, cursor, limit)))

    _add_past(router, current)

    # The last: a name may hold slashes.
    @router.get("/targets/{name:path}", responses=READ_ONE)
    async def target(name: Name) -> TargetDetail:
        """One target with everything that is set and known of it now."""
        sources = current()
        return await detail_of(sources, target_of(sources, named(name)))

    return router


def _add_past(router: APIRouter, current: Current) -> None:
    @router.get("/targets/{name:path}/series", responses=READ_ONE, response_model=Series)
    async def series(
        name: Name,
        since: MaybeSince = None,
        until: MaybeUntil = None,
        step_s: Step = None,
        location: Location = "",
    ) -> Response:
        """Return a target's past step by step: the last 24 hours, unless others are asked for."""
        sources = current()
        found = target_of(sources, named(name))
        first, behind = span_of(sources.clock.wall(), since, until)
        each_s = step_of(first, behind, step_s, found.interval_s)
        made = await series_of(sources, found.name, first, behind, each_s, location)
        await asyncio.sleep(0)  # making it was a turn's work, and so is writing it
        return json_answer(made.model_dump_json())

    @router.get("/targets/{name:path}/events", responses=READ_ONE, response_model=list[Mark])
    async def events(name: Name, since: MaybeSince = None, until: MaybeUntil = None) -> Response:
        """Return what happened to a target, the oldest first: of each kind the newest 500."""
        sources = current()
        found = target_of(sources, named(name))
        first, behind = span_of(sources.clock.wall(), since, until)
        return json_answer(await rows_written(await marks_of(sources, found, first, behind)))

    @router.get("/targets/{name:path}/probes", responses=READ_ONE, response_model=Page[ProbeRow])
    async def probes(
        name: Name,
        limit: Limit = PAGE_ROWS,
        cursor: Cursor = "",
        failed: Failed = False,
        since: Since = 0.0,
        until: Until = LAST_MOMENT_S,
        location: Location = "",
    ) -> Response:
        """Return attempts at a target, the newest first, for as long as results are kept.

        A page of failures may be short before the last one.
        """
        sources = current()
        if since >= until:
            raise RefusedError(422, SPAN)
        asked = Asked(
            target=target_of(sources, named(name)).name,
            location=location or sources.config.location,
            since=since,
            until=until,
            failed=failed,
        )
        return json_answer(await page_written(*await probes_of(sources, asked, cursor, limit)))


def span_of(now: float, since: float | None, until: float | None) -> tuple[float, float]:
    """Return the stretch of time that is asked about: 24 hours, and until now.

    Raises RefusedError for one that is none.
    """
    behind = now if until is None else until
    first = max(0.0, behind - DAY_S) if since is None else since
    if first >= behind:
        raise RefusedError(422, SPAN)
    return first, behind


def page_of(
    rows: Sequence[TargetNow], cursor: str, limit: int
) -> tuple[Sequence[TargetNow], str | None]:
    """Return the rows behind a cursor, which is the rank of the last one before, and the next."""
    if cursor and not (cursor.isascii() and cursor.isdecimal()):
        raise RefusedError(422, "cursor: expected the next_cursor of an earlier answer")
    after = float(cursor or -math.inf)
    behind = [row for row in rows if row.rank > after]
    return behind[:limit], str(behind[limit - 1].rank) if len(behind) > limit else None


def _wanted(row: TargetNow, provider: str, level: str, q: str) -> bool:
    if provider not in ("", row.provider) or level not in ("", row.level):
        return False
    word = q.casefold()
    return any(word in each.casefold() for each in (row.name, row.provider, row.model))


async def overview_of(sources: Sources) -> bytes:
    """Write an Overview as JSON, some targets at a time.

    Strips are ready to be sent; making models of them at each question would cost ten times more.
    """
    rows = await sources.present.rows()
    alerts = await rows_written(await sources.board.rows())
    parts = [b'{"instance":', instance_of(sources).model_dump_json().encode(), b',"targets":[']
    for number, row in enumerate(rows):
        if number % TOGETHER == 0:
            await asyncio.sleep(0)
        parts += (b"," if number else b"", b'{"now":', row.model_dump_json().encode(), b",")
        parts += (sources.strips.of(row.name), b"}")
    return b"".join((*parts, b'],"alerts":', alerts, b"}"))
