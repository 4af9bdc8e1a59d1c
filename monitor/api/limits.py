"""GET /ratelimits: what providers say of their limits, and what these turn out to be."""

from typing import Final, Literal

from fastapi import APIRouter, Response

from aggregator.rate_limits import STALE_S, kind_of
from monitor.api.models.money import LimitRow
from monitor.api.problems import READ
from monitor.api.sources import Current
from monitor.api.turns import Turns
from monitor.api.written import json_answer, rows_written
from probes.result import RateLimit

FITS: Final = (0.9, 2.2)
"""Parts of a limit of N a minute at which 429s may begin: from N, or N less what others use, up to
twice as much, for a window of the clock or a full bucket (docs/kindness.md)."""
MINUTE_RESET_S: Final = 90.0
"""A bucket that is full again only after longer than this is not one of a minute: what was let
through in a minute says nothing of it."""


def limit_routes(current: Current) -> APIRouter:
    """Return the route about rate limits."""
    router = APIRouter(tags=["limits"])

    @router.get("/ratelimits", responses=READ, response_model=list[LimitRow])
    async def ratelimits() -> Response:
        """Show the newest reading of every bucket, by provider and model."""
        sources = current()
        now = sources.clock.steady()
        step_s = sources.clock.wall() - now
        rows: list[LimitRow] = []
        turns = Turns()
        for provider, limits in sources.kindness.limits():
            seen = limits.observed(now)
            for model, at, said in limits.readings():
                observed = seen.get(kind_of(said.bucket))
                current_limit = said if now - at <= STALE_S else None
                rows.append(
                    LimitRow(
                        provider=provider,
                        model=model,
                        bucket=said.bucket,
                        limit=said.limit,
                        remaining=said.remaining,
                        headroom=headroom(said),
                        reset_s=said.reset_s,
                        at=at + step_s,
                        observed_per_min=observed,
                        agrees=agreement(current_limit, observed),
                    )
                )
            await turns.give_way()
        rows.sort(key=lambda row: (row.provider, row.model, row.bucket))
        return json_answer(await rows_written(rows))

    return router


def headroom(said: RateLimit) -> float | None:
    """Return what is left of a bucket, 0..1; None when it does not say."""
    if not said.limit or said.remaining is None:
        return None
    return min(1.0, said.remaining / said.limit)


def agreement(
    said: RateLimit | None, observed_per_min: int | None
) -> Literal["yes", "no", "unknown"]:
    """Say whether 429s began where the provider says they would.

    Unknown without a fresh reading (`said` None), without a 429, and of limits that are not by the
    minute.
    """
    if said is None or not said.limit or observed_per_min is None:
        return "unknown"
    if said.reset_s is not None and said.reset_s > MINUTE_RESET_S:
        return "unknown"
    low, high = FITS
    return "yes" if low * said.limit <= observed_per_min <= high * said.limit else "no"
