"""The past as the embedded ledger remembers it."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from aggregator.stores.history import MOST_RESULTS, Minute, Sample, minutes
from aggregator.stores.lines import microseconds
from aggregator.stores.rows import LATENCY_S

Read = Callable[[Callable[[sqlite3.Connection], list[Sample]]], Awaitable[list[Sample]]]
"""Runs a work on what is committed: `Ledger.read`, or what stands for it."""

_SELECT: Final = f"""
SELECT at, verdict = 'ok',
       CASE WHEN verdict IN ('ok', 'content_mismatch', 'timeout') AND NOT latency_tainted
            THEN 1000 * ({LATENCY_S}) END,
       verdict = 'timeout'
  FROM results
 WHERE target = :target AND at BETWEEN :since - 0.000001 AND :until AND location = :location
   AND attempt = 1 AND fault != 'monitor'
 ORDER BY at LIMIT :limit
"""  # noqa: S608 - our own words


class LedgerHistory:
    """History from the ledger's results."""

    def __init__(self, read: Read, location: str) -> None:
        self._read = read
        self._location = location

    async def per_minute(self, target: str, since: int, until: int) -> list[Minute]:
        """See `History`; raises what the read raises as well."""
        asked = {
            "target": target,
            "location": self._location,
            "since": since,
            "until": until,
            "limit": MOST_RESULTS + 1,
        }
        return minutes(await self._read(lambda c: _samples(c, asked)), since, until)


def _samples(connection: sqlite3.Connection, asked: dict[str, object]) -> list[Sample]:
    return [
        Sample(microseconds(at), bool(ok), latency_ms, bool(timeout))
        for at, ok, latency_ms, timeout in connection.execute(_SELECT, asked)
    ]
