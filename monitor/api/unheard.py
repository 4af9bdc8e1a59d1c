"""Which alerts a channel was to be told of and was not, for its messages did not arrive."""

import sqlite3
from collections.abc import Mapping
from typing import Final

from alerting.notification import Status
from alerting.outbox import decode

LOOKED_AT: Final = 300
"""Messages that are read, the newest: an outage with a broken channel has some dozens."""

_KNOWN: Final = "channel, fingerprint, seq, status, attempts, last_error, payload"
_MESSAGES: Final = f"""
  WITH lately AS (
       SELECT {_KNOWN} FROM outbox WHERE status != 'queued' AND created_at >= :since
        UNION ALL SELECT {_KNOWN} FROM outbox WHERE status = 'queued')
SELECT channel, status, attempts, last_error, payload FROM lately
 WHERE (channel, fingerprint) IN (
       SELECT channel, fingerprint FROM lately
        WHERE status = 'dead' OR (status = 'queued' AND attempts > 0))
 ORDER BY seq DESC LIMIT :limit
"""  # noqa: S608 - our own column names

Heard = tuple[str, str]
"""A channel, and an alert by its fingerprint."""


def unheard(connection: sqlite3.Connection, since: float) -> Mapping[Heard, str]:
    """Return why no message that an alert fires has arrived at a channel, where none has.

    Of messages written since then, by the outbox's clock; in the reader's thread.
    """
    settled: set[Heard] = set()
    """Those that heard of it, and those whose older messages are about an earlier time."""
    why: dict[Heard, str] = {}
    bound = {"since": since, "limit": LOOKED_AT}
    for channel, status, attempts, error, payload in connection.execute(_MESSAGES, bound):
        try:
            alerts = decode(payload).alerts
        except ValueError:  # it could not have been sent either, and nobody knows whom it told of
            continue
        for alert in alerts:
            key = channel, alert.fingerprint
            if key in settled:
                continue
            if alert.status is Status.RESOLVED:
                settled.add(key)
            elif status == "sent":
                settled.add(key)
                why.pop(key, None)
            elif key not in why:
                why[key] = _why(status, attempts, error)
    return why


def _why(status: str, attempts: int, error: str) -> str:
    tries = f"{attempts} attempt{'' if attempts == 1 else 's'}"
    if status == "dead":
        return f"given up after {tries}: {error}"
    return f"waiting after {tries}: {error}" if attempts else "waiting for the message before it"
