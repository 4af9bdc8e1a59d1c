"""How the API asks what the past was: for so long and no longer, whichever store has it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from aggregator.stores.history import History, HistoryError
from monitor.api.problems import RefusedError
from monitor.api.sources import Sources
from monitor.histories import open_history

DEADLINE_S: Final = 5.0
"""For one answer: a store that takes longer is in trouble, and somebody waits before a page."""

log = structlog.get_logger("sonde.api")


@asynccontextmanager
async def deadline(within_s: float = DEADLINE_S) -> AsyncIterator[None]:
    """Turn what takes too long, or cannot be had, into a refusal."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError:
        text = f"The past was not to be had within {within_s:.0f} s: ask for less of it."
        raise RefusedError(503, text, {"Retry-After": "5"}) from None
    except HistoryError as error:
        log.warning("api.history_failed", error=str(error))
        raise RefusedError(503, f"The past is not to be had: {error}") from error


@asynccontextmanager
async def history_of(sources: Sources, location: str = "") -> AsyncIterator[History]:
    """Give a location's history (ours, if none is named) for one answer, under its deadline."""
    opened = open_history(sources.config, read=sources.ledger.read, location=location)
    async with deadline(), opened as history:
        yield history
