"""GET /cluster: what one replica says of the group it is in."""

from dataclasses import replace
from pathlib import Path

import httpx2
from fastapi import FastAPI

from monitor.api.cluster import cluster_routes
from monitor.api.models.cluster import Replicas
from monitor.cluster.alone import Alone
from monitor.cluster.protocol import Member
from tests.integration.targets_api import NOW, config, life
from tests.unit.aggregator.samples import result


class Group(Alone):
    """Two replicas here, and one at another location."""

    alone = False

    def members(self) -> tuple[Member, ...]:
        """Return them in no order."""
        return (member("fra1-0", "fra1"), member("b", "here"), member("a", "here"))


def member(name: str, location: str) -> Member:
    """A replica that is well."""
    return Member(
        name=name,
        location=location,
        version="1",
        config="0a1b",
        started_at=NOW,
        seen_s=0.5,
        ahead_s=0.0,
        in_flight=1,
        load_ratio=0.1,
        claims=7,
        own=name == "a",
    )


async def test_targets_are_counted_for_the_replicas_of_our_location_alone(tmp_path: Path) -> None:
    """Who probes elsewhere probes all of the same targets there: a 0 would say it does nothing."""
    async with life(config(tmp_path)) as now:
        await now.take(result(at=NOW - 60, location="here"))
        group = Group(now.ledger)
        app = FastAPI(openapi_url=None)
        app.include_router(cluster_routes(lambda: replace(now.sources, cluster=group)))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
            said = Replicas.model_validate((await http.get("/cluster")).json())
    assert [(each.name, each.location, each.targets) for each in said.replicas] == [
        ("fra1-0", "fra1", None),
        ("a", "here", 1),
        ("b", "here", 0),
    ]
    assert {each.replica for each in said.owners if each.at is not None} == {"a"}
