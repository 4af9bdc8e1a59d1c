"""GET /slos: each objective, and what is left of its error budget."""

import asyncio
from typing import Final

from fastapi import APIRouter, Response

from alerting.burn import Slo, Tier
from alerting.rule import Severity
from monitor.api.models.money import Burn, SloRow
from monitor.api.problems import READ
from monitor.api.sources import Current
from monitor.api.written import json_answer, rows_written
from monitor.config.durations import format_duration
from monitor.slo import Stand

KIND: Final = "availability"
"""What an objective counts: answers without a fault of the provider's. There is no other yet."""


def slo_routes(current: Current) -> APIRouter:
    """Return the route about objectives."""
    router = APIRouter(tags=["objectives"])

    @router.get("/slos", responses=READ, response_model=list[SloRow])
    async def slos() -> Response:
        """Show each objective of all its targets together (an empty `target`), then of each alone.

        Those whose past is not read yet, in the first seconds after a start, are left out.
        """
        rows: list[SloRow] = []
        for some in current().objectives.stands():
            rows += map(_row, some)
            await asyncio.sleep(0)
        return json_answer(await rows_written(rows))

    return router


def _threshold(tier: Tier, slo: Slo) -> float | None:
    """Return the rate from which on the objective's own rule fires; None: it could not, and is not.

    It could not if every answer were bad.
    """
    rate = tier.times(slo.over_s)
    return rate if rate * slo.allowed_ratio < 1.0 else None


def _row(stand: Stand) -> SloRow:
    slo, period = stand.budget.slo, stand.budget.period
    return SloRow(
        name=slo.name,
        target=stand.target,
        kind=KIND,
        objective=slo.objective,
        period_s=slo.over_s,
        n=period.n,
        bad=period.bad,
        good_ratio=None if period.ratio is None else 1.0 - period.ratio,
        left_ratio=stand.budget.left_ratio,
        burns=[
            Burn(
                window=format_duration(tier.long_s),
                rate=burn.rate,
                sure_rate=burn.sure_rate,
                threshold=_threshold(tier, slo),
                severity=Severity.CRITICAL if tier.pages else Severity.WARNING,
            )
            for tier, burn in stand.burns
        ],
    )
