"""Silences, acknowledgements and maintenance: what is to be kept quiet, and for how long.

Made by the very functions that `sonde silence` and `sonde alerts ack` use. A daemon reads silences
before each evaluation's messages, so that a new one counts within seconds.
"""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response

from alerting.match import Match
from alerting.routing.maintenance import Maintenance
from alerting.routing.silence import (
    FINGERPRINT,
    ID_BYTES,
    Silence,
    check,
    cleaned,
    known_labels,
    matchers_text,
    matchers_texts,
    parse_matchers,
)
from alerting.routing.silence_store import (
    KEPT_S,
    TooManySilencesError,
    add_silence,
    expire_silence,
    load_silences,
)
from monitor.api.audit import written
from monitor.api.models.alerts import (
    Acknowledge,
    AlertRow,
    MaintenanceRow,
    NewSilence,
    SilenceRow,
)
from monitor.api.parameters import MARKED
from monitor.api.paths import named
from monitor.api.problems import READ, WRITE, RefusedError
from monitor.api.sources import Current, Sources
from monitor.api.turns import Turns
from monitor.api.written import json_answer, rows_written
from monitor.known_secrets import known_secrets

T = TypeVar("T")

Identity = Annotated[str, Path(alias="id", description="As GET /silences shows it.")]
Expired = Annotated[bool, Query(description="Those that were over within 90 days, too.")]
Fingerprint = Annotated[str, Path(description="As GET /alerts shows it.")]


def silence_routes(current: Current) -> APIRouter:
    """Return the routes about what is kept quiet."""
    router = APIRouter(tags=["silences"])

    @router.get("/silences", responses=READ, response_model=list[SilenceRow])
    async def silences(expired: Expired = False) -> Response:
        """List what is to be kept quiet."""
        sources = current()
        now = sources.clock.wall()
        since = now - KEPT_S if expired else now
        found = await sources.ledger.read(lambda c: load_silences(c, since))
        alerts = await sources.board.rows()
        rows = [_row(each, now, await _quiets(each, alerts, now)) for each in found]
        return json_answer(await rows_written(rows))

    @router.post(
        "/silences", name="add_silence", status_code=201, responses=WRITE, dependencies=MARKED
    )
    async def add(wanted: NewSilence, request: Request) -> SilenceRow:
        """Keep alerts quiet for a while."""
        sources = current()
        starts_at = sources.clock.wall() if wanted.starts_at is None else wanted.starts_at
        match = _understood(lambda: parse_matchers(wanted.matchers))
        return await _made(sources, request, wanted, match, starts_at, wanted.ends_at)

    @router.delete(
        "/silences/{id}",
        name="expire_silence",
        status_code=204,
        responses=WRITE,
        dependencies=MARKED,
    )
    async def expire(identity: Identity, request: Request) -> None:
        """End a silence now."""
        await _ended(current(), request, named(identity))

    @router.post(
        "/alerts/{fingerprint}/acknowledge", status_code=201, responses=WRITE, dependencies=MARKED
    )
    async def acknowledge(
        fingerprint: Fingerprint, wanted: Acknowledge, request: Request
    ) -> SilenceRow:
        """Say that somebody looks after an alert: no more messages about it until it is over."""
        sources, fingerprint = current(), named(fingerprint)
        if all(each.fingerprint != fingerprint for each in sources.engine.listing()):
            raise RefusedError(404, "No alert that is pending or firing has this fingerprint.")
        now = sources.clock.wall()
        match = Match(((FINGERPRINT, (fingerprint,)),))
        return await _made(sources, request, wanted, match, now, now + wanted.for_s)

    @router.get("/maintenance", responses=READ)
    async def maintenance() -> list[MaintenanceRow]:
        """List the maintenance windows of the configuration."""
        sources = current()
        now = sources.clock.wall()
        return [
            _planned(number, each, now) for number, each in enumerate(sources.config.maintenance)
        ]

    return router


async def _made(
    sources: Sources,
    request: Request,
    wanted: NewSilence | Acknowledge,
    match: Match,
    starts_at: float,
    ends_at: float,
) -> SilenceRow:
    config = sources.config
    hidden = (await asyncio.to_thread(known_secrets, config))()
    acknowledges = isinstance(wanted, Acknowledge)
    silence = Silence(
        secrets.token_hex(ID_BYTES),
        match,
        starts_at,
        ends_at,
        cleaned(wanted.author, hidden),
        cleaned(wanted.comment, hidden),
        until_resolved=acknowledges,
    )
    known = (FINGERPRINT,) if acknowledges else known_labels(config.targets, config.rules)
    now = sources.clock.wall()
    _understood(lambda: check(silence, known, now))
    action = "alert.acknowledge" if acknowledges else "silence.create"
    detail = f"{matchers_text(match)}, by {silence.author}: {silence.comment}"
    try:
        await written(
            sources, request, action, silence.id, detail, lambda c, at: add_silence(c, silence, at)
        )
    except TooManySilencesError as error:
        raise RefusedError(409, str(error)) from error
    return _row(silence, now, await _quiets(silence, await sources.board.rows(), now))


async def _ended(sources: Sources, request: Request, identity: str) -> None:
    def end(connection: sqlite3.Connection, at: float) -> None:
        if not expire_silence(connection, identity, at):
            raise RefusedError(404, "There is no silence of this id that is not over.")

    await written(sources, request, "silence.expire", identity, "", end)


def _understood(read: Callable[[], T]) -> T:
    """Return what reads a request; what it raises for people becomes a problem."""
    try:
        return read()
    except ValueError as error:
        raise RefusedError(422, str(error)) from error


def _row(silence: Silence, now: float, quiets: int) -> SilenceRow:
    over: Literal["expired", "scheduled"] = "expired" if silence.ends_at <= now else "scheduled"
    return SilenceRow(
        id=silence.id,
        matchers=matchers_texts(silence.match),
        author=silence.author,
        comment=silence.comment,
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        state="active" if silence.active(now) else over,
        until_resolved=silence.until_resolved,
        quiets=quiets,
    )


async def _quiets(silence: Silence, rows: Sequence[AlertRow], now: float) -> int:
    """Count the alerts that a silence keeps quiet, of which there may be thousands."""
    if not silence.active(now):
        return 0
    names = [name for name, _ in silence.match.fields]
    known: dict[tuple[str | None, ...], bool] = {}
    found, turns = 0, Turns()
    for row in rows:
        values = tuple(map(row.labels.get, names))  # many alerts share them
        if values not in known:
            known[values] = silence.match.matches(row.labels)
        found += known[values]
        await turns.give_way()
    await asyncio.sleep(0)  # and to others between two silences
    return found


def _planned(number: int, window: Maintenance, now: float) -> MaintenanceRow:
    occurrence = window.next(now)
    return MaintenanceRow(
        name=f"maintenance[{number}]",
        schedule=window.text,
        matchers=matchers_texts(window.match),
        comment="",
        active=window.at(now) is not None,
        next_at=None if occurrence is None else occurrence.starts_at,
        next_until=None if occurrence is None else occurrence.ends_at,
    )
