"""The alerts as they stand now, each with who knows of it and what else is known.

They change when rules are evaluated and at no other time, so they are put into words once for each
evaluation, whoever asks: in an outage there are thousands.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from alerting.alert import Alert, Identity
from alerting.annotations import annotated
from alerting.engine import Engine
from alerting.render import fault_of, news_of
from alerting.routing.group import LOUDNESS
from alerting.routing.muting import when_text
from alerting.routing.router import Router
from alerting.routing.silence import FINGERPRINT, Silence
from alerting.routing.story import held_text
from alerting.state import Firing, State
from monitor.api.models.alerts import AlertRow, ChannelState
from monitor.api.turns import Turns
from monitor.api.unheard import Heard, unheard
from monitor.clock import Clock
from monitor.collectors import Evaluated
from monitor.metrics import Metrics
from monitor.mutes import Mutes
from monitor.notes import Notes
from monitor.routing import Routing

ADORNED: Final = 100
"""Alerts that get their notes, the loudest and oldest: nobody reads more of them, and of each the
windows are gone through."""
READ_S: Final = 1.0
"""How long what became of messages may take to read: the alerts themselves need no disk."""

Place = tuple[str, bool]
"""A channel, and whether it was told."""

log = structlog.get_logger("sonde.api")


class Board:
    """Every alert that is pending, firing or clearing; used in the daemon's loop alone."""

    def __init__(
        self,
        labels: Callable[[Alert], Mapping[str, str]],
        engine: Engine,
        routing: Routing,
        mutes: Mutes,
        notes: Notes,
        metrics: Metrics,
        clock: Clock,
        ledger: Ledger,
    ) -> None:
        """`labels`: what silences see of an alert."""
        self._labels = labels
        self._engine = engine
        self._routing = routing
        self._mutes = mutes
        self._notes = notes
        self._metrics = metrics
        self._clock = clock
        self._ledger = ledger
        self._unheard: Mapping[Heard, str] = {}
        self._making = asyncio.Lock()
        self._of: Evaluated | None = None
        self._rows: tuple[AlertRow, ...] = ()

    async def rows(self) -> tuple[AlertRow, ...]:
        """Return the alerts of the newest evaluation, the loudest and oldest first.

        While there was none anew, the very same objects.
        """
        async with self._making:
            newest = self._metrics.newest.evaluated
            if newest is not self._of:
                self._rows = await self._made()
                self._of = newest
            return self._rows

    async def _made(self) -> tuple[AlertRow, ...]:
        places = _places(self._routing.router)
        states = self._engine.states()
        alerts = sorted(self._engine.alerts(), key=lambda a: (-LOUDNESS[a.severity], a.started_at))
        await self._ask(alerts, places)
        known = {row.fingerprint: row for row in self._rows}
        rows: list[AlertRow] = []
        turns = Turns()
        for number, alert in enumerate(alerts):
            row = self._row(alert, states.get(alert.identity), places, adorned=number < ADORNED)
            before = known.get(row.fingerprint)
            rows.append(before if before == row else row)
            await turns.give_way()
        same = len(rows) == len(self._rows) and all(map(_is, rows, self._rows))
        return self._rows if same else tuple(rows)

    async def _ask(
        self, alerts: Iterable[Alert], places: Mapping[Identity, Sequence[Place]]
    ) -> None:
        """Find out which messages did not arrive; while the ledger does not say, it is as it was.

        Only where somebody was to be told of something: else there is nothing to ask for.
        """
        told = (each for each in alerts if any(told for _, told in places.get(each.identity, ())))
        since = min((each.started_at for each in told), default=None)
        if since is None:
            self._unheard = {}
            return
        try:
            self._unheard = await self._ledger.read(lambda c: unheard(c, since), timeout_s=READ_S)
        except LedgerError as error:
            log.warning("alerts.deliveries_not_read", error=str(error))

    def _channel(self, alert: Alert, place: Place, muted: str) -> ChannelState:
        channel, told = place
        why = self._unheard.get((channel, alert.fingerprint), "") if told else ""
        return ChannelState(channel=channel, told=told and not why, muted=muted, undelivered=why)

    def _row(
        self,
        alert: Alert,
        state: State | None,
        places: Mapping[Identity, Sequence[Place]],
        *,
        adorned: bool,
    ) -> AlertRow:
        step_s = round(self._clock.wall() - self._clock.steady())
        clear_since = state.clear_since if isinstance(state, Firing) else None
        labels = dict(self._labels(alert))
        muted = self._mutes.why(labels)
        notes, annotations = self._words(alert, adorned=adorned)
        held = self._routing.inhibitor.held.get(alert.identity)
        return AlertRow(
            fingerprint=alert.fingerprint,
            name=alert.alertname,
            severity=alert.severity.value,
            state="clearing" if clear_since is not None else alert.state.value,
            subject=subject_of(dict(alert.labels)),
            targets=list(alert.targets),
            provider=labels.get("provider"),
            fault=fault_of(alert.rule.when),
            value=f">= {alert.value}" if alert.lower_bound else alert.value,
            condition=alert.rule.condition,
            since=alert.started_at + step_s,
            fired_at=_moved(alert.fired_at, step_s),
            clear_since=_moved(clear_since, step_s),
            held_back="" if held is None else held_text(held.reason),
            channels=[
                self._channel(alert, place, muted) for place in places.get(alert.identity, ())
            ],
            acknowledged=acknowledgement(alert.fingerprint, self._mutes.silences),
            notes=notes,
            annotations=annotations,
            labels=labels,
        )

    def _words(self, alert: Alert, *, adorned: bool) -> tuple[list[str], dict[str, str]]:
        """Return the notes and annotations a message about it has; of a pending one there are none.

        Cleaned as for a message: notes may hold what a provider wrote.
        """
        transition = self._engine.told_anew(alert.identity, self._clock.steady())
        if transition is None:
            return [], {}
        if not adorned:
            return [], dict(annotated(transition))
        news = news_of(transition, self._notes.of(transition))
        return ([], {}) if news is None else (list(news.notes), dict(news.annotations))


def subject_of(labels: Mapping[str, str]) -> str:
    """Return whom an alert is about: a target, else a provider, else the location."""
    found = (labels.get(name) for name in ("target", "provider", "location"))
    return next((each for each in found if each), "")


def acknowledgement(fingerprint: str, silences: Iterable[Silence]) -> str:
    """Say who acknowledged an alert, until when and why; empty: nobody did."""
    for silence in silences:
        if silence.until_resolved and fingerprint in dict(silence.match.fields).get(
            FINGERPRINT, ()
        ):
            until = when_text(silence.ends_at)
            return f"by {silence.author}, until {until} at the latest: {silence.comment}"
    return ""


def _places(router: Router) -> dict[Identity, list[Place]]:
    """Return what each channel believes, by alert; those that are over are nobody's.

    Not whether it is kept quiet there: a group looks at that when it has something to say.
    """
    found: dict[Identity, list[Place]] = {}
    for group in router.groups.values():
        channel = group.key[0]
        for identity, member in group.members.items():
            if member.over is None:
                found.setdefault(identity, []).append((channel, member.told))
    return found


def _moved(at: float | None, by_s: float) -> float | None:
    return None if at is None else at + by_s


def _is(one: object, other: object) -> bool:
    return one is other
