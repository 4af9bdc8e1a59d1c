"""GET /instance: the daemon itself."""

from typing import Final

from fastapi import APIRouter

from monitor.api.models.instance import Check, Instance
from monitor.api.problems import READ
from monitor.api.sources import Current, Sources
from monitor.cluster.discord import discord
from monitor.config.durations import format_duration
from monitor.road import shown_window

_SIMULATED: Final = frozenset({"simulated"})
"""The provider of monitor/demo/sonde.yaml, whose location is called `demo`."""


def instance_of(sources: Sources) -> Instance:
    """Return what runs, and whether it does what it should."""
    config, found = sources.config, sources.readiness()
    window_s = shown_window(config.windows_s)
    group = sources.cluster
    members = group.members()
    return Instance(
        version=sources.version,
        location=config.location,
        configuration=config.source,
        now=sources.clock.wall(),
        started_at=sources.started_at,
        ready=found.ready,
        checks=[Check(name=c.name, ok=c.ok, detail=c.detail) for c in found.checks],
        reload=sources.reloaded(),
        targets=len(config.targets),
        window=format_duration(window_s),
        window_s=window_s,
        replicas=len(members),
        discord=[] if group.alone else list(discord(members, connected=group.connected)),
        demo=config.location == "demo" and {each.name for each in config.providers} == _SIMULATED,
    )


def instance_routes(current: Current) -> APIRouter:
    """Return the route about the daemon itself."""
    router = APIRouter(tags=["instance"])

    @router.get("/instance", responses=READ)
    async def instance() -> Instance:
        """Say what runs, and whether it does what it should."""
        return instance_of(current())

    return router
