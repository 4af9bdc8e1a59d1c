"""The outbox: what people must still be told, one row per notification and channel.

A row is written in the transaction that saves the alert's new state, so an alert that fired is
either in the outbox or has not fired. It leaves as `sent`, or as `dead` when the channel refused it
for good. These are functions over a connection; the ledger owns transactions and threads.

Times are those of whoever writes, and must not step while it runs. Over a restart two clocks may
disagree about `next_at`: new rows carry 0 and are due whatever the clock says, and a wait longer
than any that is ever given out counts as over.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from alerting.notification import News, Notification, Status
from alerting.retry import LONGEST_WAIT_S
from alerting.rule import Severity
from probes.sanitise import sanitise


@dataclass(frozen=True, slots=True)
class Row:
    """One notification on its way to one channel. Wall times, seconds since the epoch."""

    seq: int
    """Order of entry, over all channels."""
    id: str
    channel: str
    fingerprint: str
    payload: str
    created_at: float
    attempts: int
    """Attempts that failed so far."""


def encode(notification: Notification) -> str:
    """Return a notification as JSON text that `decode` turns back into an equal value."""
    return json.dumps(asdict(notification), separators=(",", ":"))


def decode(payload: str) -> Notification:
    """Return the notification a row holds. Raises ValueError when it does not hold one."""
    fields: Any = json.loads(payload)  # Any: JSON of unknown shape, checked by what follows
    try:
        others = tuple(News(**_news(each)) for each in fields.pop("others", ()))
        group = tuple((str(name), str(value)) for name, value in fields.pop("group", ()))
        return Notification(**_news(fields), others=others, group=group)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a notification: {type(error).__name__}") from error


def _news(fields: dict[str, Any]) -> dict[str, Any]:  # Any: as above
    fields["labels"] = tuple((str(name), str(value)) for name, value in fields["labels"])
    fields["status"] = Status(fields["status"])
    fields["severity"] = Severity(fields["severity"])
    fields["notes"] = tuple(map(str, fields.get("notes", ())))
    annotations = fields.get("annotations", ())
    fields["annotations"] = tuple((str(name), str(value)) for name, value in annotations)
    return fields


def enqueue(
    connection: sqlite3.Connection,
    notifications: Iterable[Notification],
    channels: Iterable[str],
    now: float,
) -> int:
    """Queue each notification for each channel; return the number of new rows.

    Offering the same notification again changes nothing, whatever became of it meanwhile.
    """
    names = tuple(channels)
    rows = [
        (notification.id, channel, notification.order, encode(notification), now)
        for notification in notifications
        for channel in names
    ]
    before = connection.total_changes
    connection.executemany(
        "INSERT INTO outbox (id, channel, fingerprint, payload, created_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (id, channel) DO NOTHING",
        rows,
    )
    return connection.total_changes - before


def take_up(
    connection: sqlite3.Connection,
    notification: Notification,
    channel: str,
    created_at: float,
    attempts: int,
    next_at: float,
) -> None:
    """Queue what was tried elsewhere so far: as old as it is, and due when it would have been.

    One that is queued already, whatever became of it meanwhile, stays as it is.
    """
    if enqueue(connection, (notification,), (channel,), created_at):
        connection.execute(
            "UPDATE outbox SET attempts = ?, next_at = ? WHERE id = ? AND channel = ?",
            (attempts, next_at, notification.id, channel),
        )


STALE_S: Final = 60.0
"""A message that waited so long was held up: its channel refuses, limits us, or is limited."""


def supersede(
    connection: sqlite3.Connection, channel: str, newer: Notification, now: float
) -> tuple[Notification, int]:
    """Give up what the channel did not take about the same group, for `newer` tells it all.

    Returns the newer message with the ends that the older ones told of, and how many those were.
    A receiver that was away for hours hears how things stand, once, and no stale news. But for the
    last word on an earlier run of the group that it heard of: what was opened then, nothing later
    closes.
    """
    rows = connection.execute(
        "SELECT seq, payload FROM outbox"
        " WHERE status = 'queued' AND channel = ? AND fingerprint = ? AND id != ?"
        " AND (attempts > 0 OR created_at <= ?) ORDER BY seq",
        (channel, newer.order, newer.id, now - STALE_S),
    ).fetchall()
    older = [(seq, _readable(payload)) for seq, payload in rows]
    older = [each for each in older if not _closes(connection, channel, each[1], newer)]
    connection.executemany(
        "UPDATE outbox SET status = 'dead', last_error = 'a newer message says how things stand'"
        " WHERE seq = ?",
        [(seq,) for seq, _ in older],
    )
    known = {alert.fingerprint for alert in newer.alerts}
    ends = {
        alert.fingerprint: alert
        for _, notification in older
        if notification is not None
        for alert in notification.alerts
        if alert.status is Status.RESOLVED and alert.fingerprint not in known
    }
    return replace(newer, others=(*newer.others, *ends.values())), len(older)


def _readable(payload: str) -> Notification | None:
    try:
        return decode(payload)
    except ValueError:  # a damaged row could not have been sent either
        return None


def _closes(
    connection: sqlite3.Connection, channel: str, older: Notification | None, newer: Notification
) -> bool:
    """Say whether a message ends what the channel took, and what `newer` is not about."""
    if older is None or older.status is Status.FIRING or older.incident == newer.incident:
        return False
    heard = connection.execute(
        "SELECT 1 FROM outbox WHERE status = 'sent' AND channel = ? AND fingerprint = ?"
        " AND instr(payload, ?)",
        (channel, older.order, f'"thread":{json.dumps(older.thread)}'),
    ).fetchone()
    return heard is not None


_COLUMNS: Final = "seq, id, channel, fingerprint, payload, created_at, attempts"

_ELIGIBLE: Final = """
    FROM outbox AS row
    WHERE status = 'queued' AND channel = :channel AND NOT EXISTS (
        SELECT 1 FROM outbox AS earlier
        WHERE earlier.status = 'queued' AND earlier.channel = row.channel
        AND earlier.fingerprint = row.fingerprint AND earlier.seq < row.seq
        AND earlier.seq NOT IN (SELECT value FROM json_each(:settled)))
    AND row.seq NOT IN (SELECT value FROM json_each(:settled))
    AND row.seq NOT IN (SELECT value FROM json_each(:waiting))
"""
"""A row waits until every earlier one of the same alert on its channel is settled: "resolved" never
overtakes "firing"."""


def due(
    connection: sqlite3.Connection,
    channel: str,
    now: float,
    limit: int,
    settled: Iterable[int] = (),
    waiting: Iterable[int] = (),
) -> tuple[Row, ...]:
    """Return the channel's rows whose time has come, those that never failed first.

    `settled`: numbers of rows that are dealt with, though the ledger could not be told so yet.
    `waiting`: of those that must not go yet, nor anything behind them.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS}"
        + _ELIGIBLE
        + "AND (next_at <= :now OR next_at > :now + :longest) ORDER BY attempts, seq LIMIT :limit",
        {
            "channel": channel,
            "now": now,
            "longest": LONGEST_WAIT_S,
            "limit": limit,
            "settled": json.dumps(list(settled)),
            "waiting": json.dumps(list(waiting)),
        },
    )
    return tuple(Row(*row) for row in rows)


def next_due_at(
    connection: sqlite3.Connection, channel: str, waiting: Iterable[int] = ()
) -> float | None:
    """Return when the channel's next row falls due; None when nothing is queued there.

    `waiting`: numbers of rows that are looked at again by themselves.
    """
    found: tuple[float | None] = connection.execute(
        "SELECT min(next_at)" + _ELIGIBLE,
        {"channel": channel, "settled": "[]", "waiting": json.dumps(list(waiting))},
    ).fetchone()
    return found[0]


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the newest row there ever was; 0 before the first."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return int(found[0]) if found is not None else 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queued row of an alert stands."""

    fingerprint: str
    seq: int
    id: str


def places(
    connection: sqlite3.Connection, channel: str, fingerprints: Iterable[str]
) -> tuple[Place, ...]:
    """Return the places of the channel's queued rows of these alerts, in their order."""
    rows = connection.execute(
        "SELECT fingerprint, seq, id FROM outbox WHERE status = 'queued' AND channel = ?"
        " AND fingerprint IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (channel, json.dumps(list(fingerprints))),
    )
    return tuple(Place(*row) for row in rows)


def standing(connection: sqlite3.Connection, channel: str) -> tuple[Notification, ...]:
    """Return what the channel was told as firing, and has not been told the end of since.

    Alerts whose newest row is queued or dead are left out. Raises ValueError for a damaged row.
    """
    rows = connection.execute(
        "SELECT payload FROM outbox WHERE channel = ? AND status = 'sent' AND seq IN"
        " (SELECT max(seq) FROM outbox WHERE channel = ? GROUP BY fingerprint) ORDER BY seq",
        (channel, channel),
    )
    told = (decode(payload) for (payload,) in rows)
    return tuple(each for each in told if each.status is Status.FIRING)


def mark_sent(connection: sqlite3.Connection, seq: int, now: float) -> None:
    """Settle a row as delivered at `now`, also one that was given up while it was being sent."""
    connection.execute(
        "UPDATE outbox SET status = 'sent', sent_at = ?, attempts = attempts + 1, last_error = ''"
        " WHERE seq = ? AND status != 'sent'",
        (now, seq),
    )


TOLD: Final = "told by another replica"
"""Stands where an error would, in a row whose message was sent elsewhere."""


def mark_told(connection: sqlite3.Connection, seq: int, now: float) -> None:
    """Settle a row whose news another replica told: the channel heard it, as if we had sent it."""
    connection.execute(
        "UPDATE outbox SET status = 'sent', sent_at = ?, last_error = ?"
        " WHERE seq = ? AND status = 'queued'",
        (now, TOLD, seq),
    )


def mark_retry(connection: sqlite3.Connection, row: Row, next_at: float, error: str) -> None:
    """Note that one more attempt than `row` knows of failed; it is due again at `next_at`.

    Noting it twice changes nothing: a write whose fate was unknown may be repeated.
    """
    connection.execute(
        "UPDATE outbox SET next_at = ?, attempts = ?, last_error = ?"
        " WHERE seq = ? AND status = 'queued'",
        (next_at, row.attempts + 1, sanitise(error), row.seq),
    )


def mark_dead(connection: sqlite3.Connection, seq: int, error: str) -> None:
    """Settle a row as refused for good: it is kept for people to see, and not tried again."""
    connection.execute(
        "UPDATE outbox SET status = 'dead', attempts = attempts + 1, last_error = ?"
        " WHERE seq = ? AND status = 'queued'",
        (sanitise(error), seq),
    )


def abandon_unknown_channels(
    connection: sqlite3.Connection, known: Iterable[str]
) -> tuple[Row, ...]:
    """Settle as dead what waits for channels that are configured no more; return those rows."""
    rows = connection.execute(
        "UPDATE outbox SET status = 'dead', last_error = 'the channel is not configured any more'"
        " WHERE status = 'queued' AND channel NOT IN (SELECT value FROM json_each(?))"
        " RETURNING seq, id, channel, fingerprint, payload, created_at, attempts",
        (json.dumps(list(known)),),
    ).fetchall()
    return tuple(sorted((Row(*row) for row in rows), key=lambda row: row.seq))


def pending_counts(connection: sqlite3.Connection) -> Mapping[str, int]:
    """Return the number of queued rows by channel; a channel without any is absent."""
    return dict(
        connection.execute(
            "SELECT channel, count(*) FROM outbox WHERE status = 'queued' GROUP BY channel"
        ).fetchall()
    )


def prune(connection: sqlite3.Connection, before: float, limit: int) -> int:
    """Delete up to `limit` settled rows created before `before`; return how many went.

    The newest row about a group that is still open stays: receivers that forget are told from it.
    """
    return connection.execute(
        "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox AS row"
        " WHERE status != 'queued' AND created_at < ?"
        " AND NOT (seq IN (SELECT max(seq) FROM outbox GROUP BY channel, fingerprint)"
        " AND EXISTS (SELECT 1 FROM alert_groups AS open WHERE open.channel = row.channel"
        " AND open.grouping = iif(json_valid(payload), json_extract(payload, '$.group'), '')))"
        " LIMIT ?)",
        (before, limit),
    ).rowcount
