"""Rolls the ledger up and keeps it within its age and its size, a little at a time.

No result is deleted for its age before it is in the roll-ups. The size is a harder bound: should
rolling up itself be broken, the oldest results go for want of room all the same.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError, LedgerLostError
from aggregator.results import drop_oldest, prune, size_bytes
from aggregator.rollup.folding import fold, left_out
from aggregator.rollup.roller import FOLD_ROWS, Roller
from aggregator.rollup.table import Level, drop_oldest_minutes, prune_rollups
from alerting.outbox import prune as prune_outbox
from alerting.routing.store import prune_log
from monitor.clock import Clock
from monitor.config.values import Store
from monitor.metrics import DroppedKind, Metrics

EVERY_S: Final = 60.0
CHUNK_ROWS: Final = 1_000
"""Rows deleted in one transaction: small enough that results never wait long for their commit."""
CHUNKS_A_TURN: Final = 100
"""Twice what 5,000 targets every 10 s commit from one turn to the next, and less than is rolled up
in one."""
OUTBOX_KEPT_S: Final = 14 * 86_400.0
"""Messages, and why each was sent or not: `sonde alerts explain` needs both."""

Delete = Callable[[sqlite3.Connection], int]
"""Deletes up to CHUNK_ROWS rows and returns how many."""

log = structlog.get_logger("sonde.housekeeping")


async def keep_house(ledger: Ledger, store: Store, clock: Clock, metrics: Metrics) -> None:
    """Roll up, then delete what is too old, then the oldest of what is too much, for ever.

    Raises LedgerLostError when the file is damaged, or another one is in its place: what is written
    is lost then, and a new start mends it.
    """
    roller = Roller(ledger)
    while True:
        try:
            await ledger.check()
            rolled = await _roll_up(roller, clock.wall())
            if rolled is None:
                metrics.rollup_failures.inc()
            metrics.left_out_rows.set(await ledger.read(left_out))
            await _by_age(ledger, store, clock.wall(), rolled is True)
            for kind, rows in (await _by_size(ledger, store, rolled is not None)).items():
                metrics.dropped_rows.labels(kind.value).inc(rows)
        except LedgerLostError as error:
            log.critical("ledger.lost", error=str(error))
            raise
        except LedgerError as error:
            log.error("ledger.housekeeping_failed", error=str(error))
        await asyncio.sleep(EVERY_S)


async def _roll_up(roller: Roller, wall: float) -> bool | None:
    """Say whether everything is rolled up; None: a bug is in the way, and probes go on with it."""
    try:
        return await roller.turn(wall)
    except LedgerError:
        raise
    except Exception:
        log.exception("rollup.broken")
        return None


async def _by_age(ledger: Ledger, store: Store, wall: float, caught_up: bool) -> None:
    old: list[Delete] = [
        partial(prune_rollups, level=level, before=wall - kept_s, limit=CHUNK_ROWS)
        for level, kept_s in (
            (Level.MINUTE, store.retention_minutes_s),
            (Level.HOUR, store.retention_hours_s),
        )
    ]
    told_before = wall - OUTBOX_KEPT_S
    old.append(partial(prune_outbox, before=told_before, limit=CHUNK_ROWS))
    old.append(partial(prune_log, before=told_before, limit=CHUNK_ROWS))
    if caught_up:
        results = partial(prune, before=wall - store.retention_results_s, limit=CHUNK_ROWS)
        old.insert(0, partial(_if_rolled_up, delete=results))
    for delete in old:
        for _ in range(CHUNKS_A_TURN):
            if await ledger.write(delete) < CHUNK_ROWS:
                break


def _if_rolled_up(connection: sqlite3.Connection, delete: Delete) -> int:
    """Roll up what was committed since; delete only if that was all of it."""
    return delete(connection) if fold(connection, FOLD_ROWS).rows < FOLD_ROWS else 0


async def _by_size(ledger: Ledger, store: Store, sound: bool) -> Counter[DroppedKind]:
    """Delete the oldest results of a ledger that is too large, then minutes; return how many.

    `sound` says that rolling up works; a turn of it takes more of the oldest rows than go here.
    """
    dropped: Counter[DroppedKind] = Counter()
    for _ in range(CHUNKS_A_TURN):
        if await ledger.read(size_bytes) <= store.max_size_bytes:
            break
        kind, rows = await ledger.write(partial(_make_room, sound=sound))
        dropped[kind] += rows
        if rows == 0:
            break
    if dropped.total():
        log.warning("ledger.full", dropped=dropped.total(), max_size_bytes=store.max_size_bytes)
    return dropped


def _make_room(connection: sqlite3.Connection, sound: bool) -> tuple[DroppedKind, int]:
    if sound:
        fold(connection, FOLD_ROWS)
    if rows := drop_oldest(connection, CHUNK_ROWS):
        return DroppedKind.RESULTS, rows
    return DroppedKind.MINUTES, drop_oldest_minutes(connection, CHUNK_ROWS)
