"""The ledger's own results as stores want them: figures derived as `ProbeResult` derives them."""

import sqlite3
from typing import Final

from aggregator.stores.lines import ProbeRow

LATENCY_S: Final = (
    "CASE WHEN last_token_s IS NOT NULL AND verdict IN ('ok', 'content_mismatch')"
    " AND NOT stream_tainted THEN last_token_s ELSE total_s END"
)
"""`ProbeResult.latency_s`."""

_BELIEVED: Final = "NOT stream_tainted AND NOT latency_tainted"
_STREAMED: Final = f"output_tokens >= 2 AND {_BELIEVED} AND verdict IN ('ok', 'content_mismatch')"
INTER_TOKEN_S: Final = (
    f"CASE WHEN {_STREAMED} THEN (latency_s - first_token_s) / (output_tokens - 1) END"
)
"""`ProbeResult.inter_token_s`, where `LATENCY_S` is called latency_s."""
TOKENS_PER_S: Final = (
    f"CASE WHEN {_STREAMED} AND latency_s > first_token_s"
    " THEN output_tokens / (latency_s - first_token_s) END"
)
"""`ProbeResult.tokens_per_s`, likewise."""
_SELECT: Final = f"""
SELECT id, at, attempt, fault, location, model, operation, provider, status, target, verdict,
       latency_tainted, detail, rate_limits,
       1000 * connect_s, cost_usd,
       CASE WHEN {_BELIEVED} THEN 1000 * first_token_s END,
       1000 * {INTER_TOKEN_S},
       1000 * latency_s, 1000 * loop_lag_s, {TOKENS_PER_S},
       prompt_chars, 1000 * resolve_s, response_chars, 1000 * tls_s,
       cached_tokens, input_tokens, output_tokens, input_tokens + output_tokens
  FROM (SELECT *, {LATENCY_S} AS latency_s FROM results
         WHERE id > ? AND heard_from = '' ORDER BY id LIMIT ?)
 ORDER BY id
"""  # noqa: S608 - our own words
_NUMBERS_FROM: Final = 14


def probe_rows(connection: sqlite3.Connection, after: int, limit: int) -> list[ProbeRow]:
    """Return up to `limit` results of our own behind number `after`, in commit order."""
    found = connection.execute(_SELECT, (after, limit))
    return [ProbeRow._make((*row[:_NUMBERS_FROM], row[_NUMBERS_FROM:])) for row in found]
