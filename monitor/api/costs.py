"""GET /costs: what probes cost, day by day, and what budgets have left."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from aggregator.rollup.bucket import Bucket, Sum
from aggregator.rollup.table import Level, points
from monitor.api.asking import deadline
from monitor.api.models.money import BudgetRow, CostRow, Costs
from monitor.api.problems import READ
from monitor.api.sources import Current, Sources
from monitor.api.written import json_answer
from monitor.budget.book import Book
from probes.estimate import NUSD_PER_USD
from probes.target import Target

DAYS: Final = 30
MOST_DAYS: Final = 366
TARGETS_A_READ: Final = 4
"""Of a year, some 20 ms of the reader's thread, for which silences may have to wait."""
ANSWER_S: Final = 10.0
"""Of all reads together: a year of thousands of targets is not for a page."""

Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="Days back, today included.")]


def cost_routes(current: Current) -> APIRouter:
    """Return the route about money."""
    router = APIRouter(tags=["costs"])

    @router.get("/costs", responses=READ, response_model=Costs)
    async def costs(days: Days = DAYS) -> Response:
        """Say what each target cost on each day (UTC), today included, and how budgets stand.

        Of every attempt, confirming ones and those somebody asked for too; a minute behind.
        """
        sources = current()
        wall = sources.clock.wall()
        last = int(wall) // Level.DAY
        numbers = range(last - days + 1, last + 1)
        async with deadline(ANSWER_S):
            rows = await _rows(sources, numbers)
        known = [row.total_usd for row in rows if row.total_usd is not None]
        made = Costs(
            days=[_date(number) for number in numbers],
            rows=rows,
            total_usd=sum(known) if known else None,
            budgets=list(_budgets(sources, wall)),
        )
        return json_answer(made.model_dump_json())

    return router


async def _rows(sources: Sources, numbers: range) -> list[CostRow]:
    targets, location = sources.config.targets, sources.config.location
    rows: list[CostRow] = []
    for first in range(0, len(targets), TARGETS_A_READ):
        some = targets[first : first + TARGETS_A_READ]
        read = partial(_read, targets=some, location=location, numbers=numbers)
        rows += await sources.ledger.read(read)
    return rows


def _read(
    connection: sqlite3.Connection, targets: Sequence[Target], location: str, numbers: range
) -> list[CostRow]:
    since, until = numbers.start * Level.DAY, numbers.stop * Level.DAY
    rows: list[CostRow] = []
    for target in targets:
        found = points(connection, target.name, since, until, Level.DAY, location, figures=False)
        buckets = {point.at // Level.DAY: point.bucket for point in found}
        rows.append(_row(target, [buckets.get(number) for number in numbers]))
    return rows


def _row(target: Target, days: Sequence[Bucket | None]) -> CostRow:
    usd = [None if bucket is None else bucket.cost_usd for bucket in days]
    known = [cost for cost in usd if cost is not None]
    there = [bucket for bucket in days if bucket is not None]
    return CostRow(
        provider=target.provider,
        target=target.name,
        model=target.model,
        usd=usd,
        total_usd=sum(known) if known else None,
        input_tokens=sum(bucket.sums.get(Sum.INPUT_TOKENS, 0) for bucket in there),
        output_tokens=sum(bucket.sums.get(Sum.OUTPUT_TOKENS, 0) for bucket in there),
    )


def _budgets(sources: Sources, wall: float) -> Iterator[BudgetRow]:
    for book in sources.budget.books:
        account = book.at(wall)
        yield BudgetRow(
            subject=book.subject or "all",
            date=account.date.isoformat(),
            resets_at=book.day.ends_at,
            limit_usd=account.cap_nusd / NUSD_PER_USD,
            spent_usd=account.used_nusd / NUSD_PER_USD,
            reserved_usd=account.reserved_nusd / NUSD_PER_USD,
            used_ratio=book.used_ratio(wall),
            stretched=_stretched(book, sources.budget.ratio(book)),
        )


def _stretched(book: Book, ratio: float) -> str:
    if ratio >= 1.0:
        return ""
    return f"{ratio:.0%} of the slots are probed, to last until midnight ({book.zone})"


def _date(number: int) -> str:
    return datetime.fromtimestamp(number * Level.DAY, UTC).date().isoformat()
