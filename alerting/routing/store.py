"""Groups, and what was decided about alerts, in the ledger."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from alerting.engine import Identity, Transition
from alerting.routing.group import Timing
from alerting.routing.router import Decision, Group, Member
from alerting.rule import Rule
from alerting.state import Edge, Firing, Inactive

GROUPS: Final = """
CREATE TABLE alert_groups (
    channel TEXT NOT NULL,
    grouping TEXT NOT NULL,
    sent_at REAL,
    sent INTEGER NOT NULL,
    opened_at REAL NOT NULL,
    PRIMARY KEY (channel, grouping)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_group_members (
    channel TEXT NOT NULL,
    grouping TEXT NOT NULL,
    rule TEXT NOT NULL,
    labels TEXT NOT NULL,
    joined_at REAL NOT NULL,
    told INTEGER NOT NULL,
    muted TEXT NOT NULL,
    ended TEXT,
    PRIMARY KEY (channel, grouping, rule, labels)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_log (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    fingerprint TEXT NOT NULL,
    alertname TEXT NOT NULL,
    labels TEXT NOT NULL,
    event TEXT NOT NULL,
    channel TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX alert_log_of ON alert_log (fingerprint, at);
CREATE INDEX alert_log_at ON alert_log (at);
"""

_GROUPS: Final = "SELECT channel, grouping, sent_at, sent, opened_at FROM alert_groups"
_MEMBERS: Final = (
    "SELECT channel, grouping, rule, labels, joined_at, told, muted, ended FROM alert_group_members"
)


def save_groups(connection: sqlite3.Connection, groups: Iterable[Group]) -> None:
    """Make the stored groups these. Rows that are as they should be are not touched."""
    found = tuple(groups)
    _replace(connection, "alert_groups", 2, _GROUPS, map(_group_row, found))
    rows = (_member_row(group, *item) for group in found for item in group.members.items())
    _replace(connection, "alert_group_members", 4, _MEMBERS, rows)


def load_groups(
    connection: sqlite3.Connection, rule_of: Callable[[Identity], Rule | None]
) -> tuple[Group, ...]:
    """Return the stored groups; `rule_of` says which rule an alert is of, None if it is gone.

    Their timing is the default one: routes are not stored. Of a ledger that was damaged half a
    group may be left, or an alert in it that neither fires nor ended: it is left out, for it would
    be taken to be told of when it fires again.
    """
    groups: dict[tuple[str, str], Group] = {}
    for channel, grouping, sent_at, sent, opened_at in connection.execute(_GROUPS):
        key = (channel, _pairs(grouping))
        group = Group(key, Timing(), sent_at=sent_at, sent=sent, opened_at=opened_at)
        groups[channel, grouping] = group
    for channel, grouping, rule, labels, joined_at, told, muted, ended in connection.execute(
        _MEMBERS  # noqa: S608 - our own words
        + " AS member WHERE ended IS NOT NULL OR EXISTS (SELECT 1 FROM alert_states"
        " WHERE rule = member.rule AND labels = member.labels AND state = 'firing')"
    ):
        identity = Identity(rule, _pairs(labels))
        over = None if ended is None else _ended(identity, ended, rule_of(identity))
        if (channel, grouping) in groups:
            member = Member(joined_at, bool(told), over, muted)
            groups[channel, grouping].members[identity] = member
    return tuple(group for group in groups.values() if group.members)


def log_decisions(connection: sqlite3.Connection, decisions: Sequence[Decision], at: float) -> None:
    """Keep what was decided at `at`."""
    connection.executemany(
        "INSERT INTO alert_log (at, fingerprint, alertname, labels, event, channel, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                at,
                each.identity.fingerprint,
                each.identity.rule,
                _text(each.identity.labels),
                each.event,
                each.channel,
                each.detail,
            )
            for each in decisions
        ),
    )


def prune_log(connection: sqlite3.Connection, before: float, limit: int) -> int:
    """Delete up to `limit` decisions older than `before`; return how many went."""
    return connection.execute(
        "DELETE FROM alert_log WHERE id IN (SELECT id FROM alert_log WHERE at < ? LIMIT ?)",
        (before, limit),
    ).rowcount


_Row = tuple[str | float | None, ...]


def _replace(
    connection: sqlite3.Connection, table: str, width: int, select: str, wanted: Iterable[_Row]
) -> None:
    """Make the rows of a table these; the first `width` columns are its key."""
    stored = {row[:width]: row for row in connection.execute(select)}
    rows = {row[:width]: row for row in wanted}
    columns = [text.strip() for text in select[len("SELECT ") : select.index(" FROM")].split(",")]
    key = " AND ".join(f"{column} = ?" for column in columns[:width])
    marks = ", ".join("?" * len(columns))
    gone = [key for key in stored if key not in rows]
    new = [row for key, row in rows.items() if stored.get(key) != row]
    connection.executemany(f"DELETE FROM {table} WHERE {key}", gone)  # noqa: S608 - our own words
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", new)  # noqa: S608


def _group_row(group: Group) -> _Row:
    return (group.key[0], _text(group.key[1]), group.sent_at, group.sent, group.opened_at)


def _member_row(group: Group, identity: Identity, member: Member) -> _Row:
    over = member.over
    ended = None
    if over is not None:
        fields = (over.edge, over.started_at, over.fired_at, over.now, over.value, over.lower_bound)
        ended = json.dumps(fields, separators=(",", ":"))
    return (
        group.key[0],
        _text(group.key[1]),
        identity.rule,
        _text(identity.labels),
        member.joined_at,
        int(member.told),
        member.muted,
        ended,
    )


def _ended(identity: Identity, text: str, rule: Rule | None) -> Transition:
    edge, started_at, fired_at, now, value, lower_bound = json.loads(text)
    return Transition(
        identity=identity,
        edge=Edge(edge),
        previous=Firing(started_at, fired_at),
        state=Inactive(),
        value=value,
        lower_bound=lower_bound,
        started_at=started_at,
        fired_at=fired_at,
        now=now,
        rule=rule,
        targets=(),
    )


def _text(pairs: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(pairs, separators=(",", ":"))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text))
