"""Committed results and skips to the minutes they belong in, each of them once.

A cursor stands on the newest row that is in a bucket; imported results have numbers below 0,
downwards, and one of their own. It moves in the transaction that changes the
buckets, so a kill between them is not possible: what was not committed is folded again, what was is
not.
"""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from aggregator.rollup.bucket import Attempt, Bucket
from aggregator.rollup.table import Level, add, series_of
from aggregator.stores.rows import INTER_TOKEN_S, LATENCY_S, TOKENS_PER_S
from probes.result import Failing, Fault, SkipReason, Verdict

LATEST: Final = 253_402_300_800
"""The year 10000: a row whose clock says so, or says a time before 1970, has no minute."""

_BELIEVED: Final = "NOT latency_tainted AND attempt = 1 AND fault != 'monitor'"
_ANSWERED: Final = "verdict IN ('ok', 'content_mismatch')"
ATTEMPTS: Final = f"""
SELECT id, target, location, at, attempt = 1, verdict, fault, latency_tainted OR stream_tainted,
       CASE WHEN {_BELIEVED} AND ({_ANSWERED} OR verdict = 'timeout') THEN latency_s END,
       CASE WHEN {_BELIEVED} AND {_ANSWERED} AND NOT stream_tainted THEN first_token_s END,
       CASE WHEN {_BELIEVED} THEN {INTER_TOKEN_S} END,
       CASE WHEN {_BELIEVED} THEN {TOKENS_PER_S} END,
       input_tokens, output_tokens, cached_tokens, cost_usd
  FROM (SELECT *, {LATENCY_S} AS latency_s FROM results WHERE {{}})
 ORDER BY id
"""  # noqa: S608 - our own words
"""What `attempt` takes of the results for which a condition, to be filled in, holds."""
SKIPS: Final = """
SELECT id, target, location, at, reason, verdict, fault FROM skips WHERE {}
"""
"""What `skip` takes, likewise."""
_NEXT: Final = "id > ? ORDER BY id LIMIT ?"
_NEXT_IMPORTED: Final = "id < ? ORDER BY id DESC LIMIT ?"

Minutes = dict[tuple[str, str, int], Bucket]
"""By target, location and number of the minute."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What one step took in."""

    rows: int
    left_out: int = 0
    """Rows without a minute, or with words of a newer version: in no bucket."""


def fold(connection: sqlite3.Connection, limit: int) -> Folded:
    """Bring up to `limit` results, and as many skips, into their minutes.

    Imported results take what room the others leave: a large import holds none of them up. Less
    rows than `limit` means that there are no more of any.
    """
    results, skips, imported = connection.execute(
        "SELECT results, skips, imported FROM rollup_cursor"
    ).fetchone()
    minutes: Minutes = defaultdict(Bucket)
    attempts = connection.execute(ATTEMPTS.format(_NEXT), (results, limit)).fetchall()
    older = connection.execute(
        ATTEMPTS.format(_NEXT_IMPORTED), (imported, limit - len(attempts))
    ).fetchall()
    skipped = connection.execute(SKIPS.format(_NEXT), (skips, limit)).fetchall()
    if not attempts and not older and not skipped:
        return Folded(0)
    odd = sum(not attempt(minutes, *row) for row in (*attempts, *older))
    odd += sum(not skip(minutes, *row) for row in skipped)
    for (target, location, number), bucket in minutes.items():
        add(connection, Level.MINUTE, series_of(connection, target, location), number, bucket)
    connection.execute(
        "UPDATE rollup_cursor SET results = ?, skips = ?, imported = ?, left_out = left_out + ?",
        (
            attempts[-1][0] if attempts else results,
            skipped[-1][0] if skipped else skips,
            older[0][0] if older else imported,
            odd,
        ),
    )
    return Folded(max(len(attempts) + len(older), len(skipped)), odd)


def left_out(connection: sqlite3.Connection) -> int:
    """Count the results and skips of all time that are in no bucket."""
    (rows,) = connection.execute("SELECT left_out FROM rollup_cursor").fetchone()
    return int(rows)


def attempt(
    minutes: Minutes,
    _row: int,
    target: str,
    location: str,
    at: float,
    first: int,
    verdict: str,
    fault: str,
    tainted: int,
    *numbers: float | None,
) -> bool:
    """Count a row of `ATTEMPTS` in its minute; False for one that has none, or unknown words."""
    if not 0 <= at < LATEST:
        return False
    try:
        said = Verdict(verdict), Fault(fault)
    except ValueError:  # of a newer version
        return False
    figures, tokens, cost_usd = numbers[:4], numbers[4:7], numbers[7]
    counted = tuple(None if number is None else int(number) for number in tokens)
    counting = Attempt(bool(first), *said, bool(tainted), figures, counted, cost_usd)
    minutes[target, location, int(at // Level.MINUTE)].add(counting)
    return True


def skip(
    minutes: Minutes,
    _row: int,
    target: str,
    location: str,
    at: float,
    reason: str,
    verdict: str | None,
    fault: str | None,
) -> bool:
    """Count a row of `SKIPS`, likewise."""
    if not 0 <= at < LATEST:
        return False
    try:
        failing = None if verdict is None or fault is None else _failing(verdict, fault)
        why = SkipReason(reason)
    except ValueError:  # of a newer version
        return False
    minutes[target, location, int(at // Level.MINUTE)].skip(why, failing)
    return True


def _failing(verdict: str, fault: str) -> Failing:
    return Failing(Verdict(verdict), Fault(fault))
