"""Keeps the ledger within its age and its size, a little at a time."""

import asyncio
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.results import drop_oldest, prune, size_bytes
from alerting.outbox import prune as prune_outbox
from monitor.clock import Clock
from monitor.config.values import Store
from monitor.metrics import Metrics

EVERY_S: Final = 60.0
CHUNK_ROWS: Final = 1_000
"""Rows deleted in one transaction: small enough that results never wait long for their commit."""
CHUNKS_A_TURN: Final = 50
OUTBOX_KEPT_S: Final = 14 * 86_400.0

log = structlog.get_logger("sonde.housekeeping")


async def keep_house(ledger: Ledger, store: Store, clock: Clock, metrics: Metrics) -> None:
    """Delete what is too old, then the oldest of what is too much, for ever."""
    while True:
        try:
            await _by_age(ledger, store, clock.wall())
            metrics.dropped_rows.inc(await _by_size(ledger, store))
        except LedgerError as error:
            log.error("ledger.housekeeping_failed", error=str(error))
        await asyncio.sleep(EVERY_S)


async def _by_age(ledger: Ledger, store: Store, wall: float) -> None:
    before = wall - store.retention_results_s
    for _ in range(CHUNKS_A_TURN):
        if await ledger.write(lambda c: prune(c, before, CHUNK_ROWS)) < CHUNK_ROWS:
            break
    await ledger.write(lambda c: prune_outbox(c, wall - OUTBOX_KEPT_S, CHUNK_ROWS))


async def _by_size(ledger: Ledger, store: Store) -> int:
    """Delete the oldest rows of a ledger that is too large; return how many."""
    dropped = 0
    for _ in range(CHUNKS_A_TURN):
        if await ledger.read(size_bytes) <= store.max_size_bytes:
            break
        rows = await ledger.write(lambda c: drop_oldest(c, CHUNK_ROWS))
        dropped += rows
        if rows == 0:
            break
    if dropped:
        log.warning("ledger.full", dropped=dropped, max_size_bytes=store.max_size_bytes)
    return dropped
