"""GET /cluster: the replicas, and which of them made each target's newest probe."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from fastapi import APIRouter

from monitor.api.asking import deadline
from monitor.api.models.cluster import Owner, Replica, Replicas
from monitor.api.problems import READ
from monitor.api.sources import Current, Sources
from monitor.cluster.discord import discord
from monitor.cluster.protocol import Member

TARGETS_A_READ: Final = 100
"""Some milliseconds of the reader's thread, for which others wait."""


def cluster_routes(current: Current) -> APIRouter:
    """Return the route about the replicas."""
    router = APIRouter(tags=["instance"])

    @router.get("/cluster", responses=READ)
    async def cluster() -> Replicas:
        """Say which replicas there are, what each does, and where they are at odds."""
        sources = current()
        group = sources.cluster
        if group.alone:
            return Replicas(alone=True, connected=True, replicas=[], owners=[], warnings=[])
        members = group.members()
        own = next((member.name for member in members if member.own), "")
        async with deadline():
            owners = await _owners(sources, own)
        here = sources.config.location
        ran = Counter(owner.replica for owner in owners)
        return Replicas(
            alone=False,
            connected=group.connected,
            replicas=[
                _replica(member, ran[member.name] if member.location == here else None)
                for member in sorted(members, key=lambda member: (member.location, member.name))
            ],
            owners=owners,
            warnings=list(discord(members, connected=group.connected)),
        )

    return router


def _replica(member: Member, targets: int | None) -> Replica:
    return Replica(
        name=member.name,
        location=member.location,
        version=member.version,
        configuration=member.config,
        started_at=member.started_at,
        seen_s=member.seen_s,
        clock_ahead_s=member.ahead_s,
        in_flight=member.in_flight,
        load_ratio=member.load_ratio,
        claims=member.claims,
        targets=targets,
        own=member.own,
    )


async def _owners(sources: Sources, own: str) -> list[Owner]:
    names = [target.name for target in sources.config.targets]
    location, owners = sources.config.location, list[Owner]()
    for first in range(0, len(names), TARGETS_A_READ):
        some = names[first : first + TARGETS_A_READ]
        owners += await sources.ledger.read(partial(_read, names=some, location=location, own=own))
    return owners


def _read(
    connection: sqlite3.Connection, *, names: Sequence[str], location: str, own: str
) -> list[Owner]:
    found = []
    for name in names:
        row: tuple[str, float] | None = connection.execute(
            "SELECT heard_from, at FROM results WHERE target = ? AND location = ? AND attempt = 1"
            " ORDER BY at DESC LIMIT 1",
            (name, location),
        ).fetchone()
        if row is None:
            found.append(Owner(target=name, replica=None, at=None))
        else:
            found.append(Owner(target=name, replica=row[0] or own, at=row[1]))
    return found
