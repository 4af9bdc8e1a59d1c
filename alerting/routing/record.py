"""What the ledger knows of alerts and of what became of them: read only, for people who ask why."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from alerting.alert import Identity
from alerting.outbox import decode
from alerting.routing.story import Entry, Labels, Place, Sending, Standing, Story, story_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts somebody asks about: by name, fingerprint or target; "" for all."""

    word: str = ""

    def means(self, identity: Identity) -> bool:
        """Say whether it is this alert."""
        labels = dict(identity.labels)
        names = (identity.rule, labels.get("target"), identity.fingerprint)
        return not self.word or self.word in names


def read_standing(connection: sqlite3.Connection) -> tuple[Standing, ...]:
    """Return the alerts that are pending or firing, the oldest first."""
    held = {
        (rule, labels): reason
        for rule, labels, reason in connection.execute(
            "SELECT rule, labels, reason FROM held_alerts"
        )
    }
    places = _places(connection)
    rows = connection.execute(
        "SELECT rule, labels, since, fired_at FROM alert_states ORDER BY since, rule, labels"
    )
    return tuple(
        Standing(
            Identity(rule, _pairs(labels)),
            since,
            fired_at,
            held.get((rule, labels), ""),
            tuple(places.get((rule, labels), ())),
        )
        for rule, labels, since, fired_at in rows
    )


def _places(connection: sqlite3.Connection) -> dict[tuple[str, str], list[Place]]:
    found: dict[tuple[str, str], list[Place]] = {}
    for rule, labels, channel, grouping, joined_at, told, muted, ended in connection.execute(
        "SELECT rule, labels, channel, grouping, joined_at, told, muted, ended"
        " FROM alert_group_members ORDER BY channel"
    ):
        place = Place(channel, _pairs(grouping), joined_at, bool(told), muted, ended is not None)
        found.setdefault((rule, labels), []).append(place)
    return found


def read_entries(connection: sqlite3.Connection, wanted: Wanted, since: float) -> list[Entry]:
    """Return what was decided about these alerts since then, in its order."""
    rows = connection.execute(
        "SELECT at, alertname, labels, event, channel, detail FROM alert_log WHERE at >= ?1"
        " AND (?2 = '' OR fingerprint = ?2 OR alertname = ?2 OR instr(labels, ?3))"
        " ORDER BY at, id",
        (since, wanted.word, _text(("target", wanted.word))),
    )
    return [
        Entry(at, Identity(name, _pairs(labels)), event, channel, detail)
        for at, name, labels, event, channel, detail in rows
    ]


def read_sendings(
    connection: sqlite3.Connection, wanted: Iterable[str], since: float
) -> dict[str, list[Sending]]:
    """Return the messages written since then that tell of these alerts, by fingerprint."""
    found: dict[str, list[Sending]] = {each: [] for each in wanted}
    for row in connection.execute(
        "SELECT channel, payload, status, created_at, sent_at, attempts, last_error FROM outbox"
        " WHERE created_at >= ? ORDER BY seq",
        (since,),
    ):
        channel, payload, *rest = row
        notification = decode(payload)
        for news in notification.alerts:
            if news.fingerprint in found:
                sending = Sending(channel, news, notification.why, *rest)
                found[news.fingerprint].append(sending)
    return found


def read_stories(connection: sqlite3.Connection, wanted: Wanted, since: float) -> list[Story]:
    """Return the stories of the alerts that are asked for, the one with the newest line last."""
    standing = {each.identity: each for each in read_standing(connection)}
    entries: defaultdict[Identity, list[Entry]] = defaultdict(list)
    for entry in read_entries(connection, wanted, since):
        entries[entry.identity].append(entry)
    identities = dict.fromkeys(each for each in standing if wanted.means(each))
    identities |= dict.fromkeys(entries)
    sendings = read_sendings(connection, (each.fingerprint for each in identities), since)
    stories = [
        story_of(each, standing.get(each), entries[each], sendings[each.fingerprint])
        for each in identities
    ]
    return sorted(stories, key=lambda story: story.lines[-1].at if story.lines else 0.0)


def read_page(
    connection: sqlite3.Connection, wanted: Wanted, since: float, before: int, limit: int
) -> list[tuple[int, Entry]]:
    """Return what was decided about these alerts since then, with its number, the newest first.

    At most `limit`, of those with numbers below `before`.
    """
    rows = connection.execute(
        _PAGE, (since, wanted.word, _text(("target", wanted.word)), before, limit)
    )
    return [
        (number, Entry(at, Identity(name, _pairs(labels)), event, channel, detail))
        for number, at, name, labels, event, channel, detail in rows
    ]


_PAGE: Final = """
SELECT id, at, alertname, labels, event, channel, detail FROM alert_log
 WHERE id < ?4 AND at >= ?1
   AND (?2 = '' OR fingerprint = ?2 OR alertname = ?2 OR instr(labels, ?3))
 ORDER BY id DESC LIMIT ?5
"""


def find(standing: Sequence[Standing], word: str) -> Standing:
    """Return the alert with this fingerprint, or the only one that begins so.

    Raises ValueError, with a line for people.
    """
    found = [each for each in standing if each.identity.fingerprint.startswith(word)]
    if len(found) != 1:
        what = "several alerts begin" if found else "no alert that is pending or firing begins"
        raise ValueError(f"{what} with {word}: see sonde alerts")
    return found[0]


def _pairs(text: str) -> Labels:
    return tuple((name, value) for name, value in json.loads(text))


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
