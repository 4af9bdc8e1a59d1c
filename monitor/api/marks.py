"""What happened to a target, to be marked on its charts: troubles, drift, its page, alerts."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from aggregator.stores.history import Drifted, Events, Trouble
from alerting.routing.router import Event
from monitor.api.asking import deadline, history_of
from monitor.api.models.targets import Mark
from monitor.api.sources import Sources
from monitor.status_pages.page import PageState
from monitor.status_pages.statements import APART_S, Statement, statements
from probes.target import Target

MOST_OF_A_KIND: Final = 500
"""Marks of one kind, the newest: more are a carpet, not marks."""
DECISIONS: Final = 5_000
"""About one target's alerts that are looked at, the newest."""

_BEGAN: Final = frozenset({Event.ROUTED, Event.NO_ROUTE, Event.INHIBITED})
_ENDED: Final = frozenset({Event.TOLD_OVER, Event.OVER_UNTOLD})
_SAID: Final = """
SELECT at, fingerprint, alertname, labels, event, detail FROM
       (SELECT * FROM alert_log
         WHERE instr(labels, :target)
               OR (instr(labels, :provider) AND NOT instr(labels, '["target",'))
         ORDER BY at DESC, id DESC LIMIT :limit)
 ORDER BY at, id
"""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert for as long as it fired. Wall times, in seconds."""

    since: float
    until: float | None
    """When it was known to be over; None: it fires."""
    name: str
    severity: str
    held_back: str


async def marks_of(sources: Sources, target: Target, since: float, until: float) -> list[Mark]:
    """Return what happened between two wall times, the oldest first."""
    async with history_of(sources) as history:
        events = await history.events(target.name, int(since), -int(-until // 1))
    said = partial(statements, provider=target.provider, since=since, until=until)
    board = await sources.board.rows()
    firing = {row.fingerprint for row in board if row.state != "pending"}
    asked = partial(firings, target=target, firing=firing)
    async with deadline():
        found = await sources.ledger.read(said)
        fired = await sources.ledger.read(asked)
    now = sources.clock.wall()
    kinds: tuple[Iterable[Mark], ...] = (
        of_events(events),
        (of_page(each, now) for each in found if each.state in _TELLING),
        (of_alert(each) for each in fired if _within(each, since, until)),
    )
    marks = [mark for kind in kinds for mark in _newest(kind)]
    return sorted(marks, key=lambda mark: mark.at)


def _within(fired: Firing, since: float, until: float) -> bool:
    return fired.since <= until and (fired.until is None or fired.until >= since)


def _newest(marks: Iterable[Mark]) -> Sequence[Mark]:
    return sorted(marks, key=lambda mark: mark.at)[-MOST_OF_A_KIND:]


def of_events(events: Events) -> Iterator[Mark]:
    """Yield the marks of what results tell."""
    for trouble in events.troubles[-MOST_OF_A_KIND:]:
        yield _of_trouble(trouble)
    for drifted in events.drifts[-MOST_OF_A_KIND:]:
        yield _of_drift(drifted)


def _of_trouble(trouble: Trouble) -> Mark:
    ids = ", ".join(trouble.request_ids)
    return Mark(
        at=trouble.since,
        until=trouble.until,
        kind="trouble",
        fault=trouble.fault.value,
        title=f"{trouble.n} failed in a row" if trouble.n > 1 else "1 failed",
        detail=f"request ids: {ids}" if ids else "",
    )


def _of_drift(drifted: Drifted) -> Mark:
    return Mark(
        at=drifted.at,
        until=None,
        kind="drift",
        title=f"{drifted.kind} changed",
        detail=f"{drifted.before} → {drifted.after}",
    )


_TELLING: Final = frozenset({PageState.MAINTENANCE, PageState.DEGRADED, PageState.OUTAGE})
"""States worth a mark: that all is well, or that a page could not be read, is none."""


def of_page(said: Statement, now: float) -> Mark:
    """Return the mark of something a provider's page said."""
    stands = said.ended_at is None and said.last_at >= now - APART_S
    return Mark(
        at=said.first_at,
        until=None if stands else said.until,
        kind="status_page",
        title=said.title or f"the whole page says {said.state}",
        detail=f"{said.page}: {said.state}",
    )


def of_alert(fired: Firing) -> Mark:
    """Return the mark of an alert."""
    held = f", held back: {fired.held_back}" if fired.held_back else ""
    return Mark(
        at=fired.since,
        until=fired.until,
        kind="alert",
        title=fired.name,
        detail=f"{fired.severity}{held}",
    )


def firings(
    connection: sqlite3.Connection, target: Target, firing: AbstractSet[str]
) -> list[Firing]:
    """Return the alerts about a target or its provider that are remembered, by their beginning.

    `firing`: the fingerprints of those that fire now. When one ended is when a message said so, or
    would have.
    """
    bound = {
        "target": _pair("target", target.name),
        "provider": _pair("provider", target.provider),
        "limit": DECISIONS,
    }
    going_on: dict[str, Firing] = {}
    last_at: dict[str, float] = {}
    over: list[Firing] = []
    for at, fingerprint, name, labels, event, detail in connection.execute(_SAID, bound):
        last_at[fingerprint] = at
        known = going_on.get(fingerprint)
        if event in _BEGAN and known is None:
            severity = dict(json.loads(labels)).get("severity", "")
            held = detail if event == Event.INHIBITED else ""
            going_on[fingerprint] = Firing(at, None, name, severity, held)
        elif event in _ENDED and known is not None:
            over.append(replace(going_on.pop(fingerprint), until=at))
    for fingerprint, each in going_on.items():
        over.append(each if fingerprint in firing else replace(each, until=last_at[fingerprint]))
    return sorted(over, key=lambda each: each.since)


def _pair(name: str, value: str) -> str:
    """Return a label as it stands in the log's text."""
    return json.dumps((name, value), separators=(",", ":"))
