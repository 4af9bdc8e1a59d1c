"""The API about targets over a real road and a real ledger, to test with."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from fastapi import FastAPI

from aggregator.ledger import Ledger
from aggregator.results import insert_results, insert_skip
from aggregator.rollup.folding import fold
from aggregator.rollup.table import Level, compact
from monitor.api.paths import AsSent
from monitor.api.problems import add_problems
from monitor.api.sources import Sources, sources_of
from monitor.api.targets import target_routes
from monitor.clock import Clock
from monitor.config.load import load
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.road import Observers, Road
from probes.lag import LagMeter
from probes.result import Failing, ProbeResult, SkipReason
from probes.target import Slot, Target
from tests.unit.aggregator.samples import result

NOW = 1_750_003_200.0
"""On the hour, 16:00 of a day of UTC."""
FRAME = """\
location: here
providers: {p: {preset: compatible, base_url: "http://127.0.0.1:1/v1"}}
targets: [@@]
store: {path: api.db!!}
"""
CHAT = "{name: chat, provider: p, model: m, interval: 60s}"


async def unasked(_target: Target, _slot: Slot, _attempt: int) -> ProbeResult:
    raise AssertionError("nothing is probed here")


def config(folder: Path, targets: Sequence[str] = (CHAT,), store: str = "") -> Config:
    """Load a configuration whose ledger is in `folder`."""
    path = folder / "sonde.yaml"
    path.write_text(FRAME.replace("@@", ", ".join(targets)).replace("!!", store))
    return load(path, {}, cwd=folder, strict=False).config


@dataclass
class Life:
    """One life of a daemon of which nothing runs but what a test asks for."""

    sources: Sources
    road: Road
    ledger: Ledger
    wall: list[float] = field(default_factory=list)
    """The time, to be set."""

    @property
    def http(self) -> httpx2.AsyncClient:
        """A client of the routes about targets."""
        app = FastAPI(openapi_url=None)
        add_problems(app, lambda _path: "GET")
        app.include_router(target_routes(lambda: self.sources))
        app.add_middleware(AsSent)
        transport = httpx2.ASGITransport(app=app)
        return httpx2.AsyncClient(transport=transport, base_url="http://localhost")

    async def get(self, path: str, **asked: str | float) -> Any:  # Any: JSON
        """Return what is answered, which must be an answer."""
        async with self.http as http:
            answer = await http.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refusal(self, path: str, **asked: str | float) -> tuple[int, str]:
        """Return status and detail of a problem."""
        async with self.http as http:
            answer = await http.get(path, params=asked)
        assert answer.headers["content-type"] == "application/problem+json"
        found = answer.json()
        assert found["status"] == answer.status_code
        return answer.status_code, found["detail"]

    async def commit(self, *results: ProbeResult) -> None:
        """Record results."""
        await self.ledger.write(partial(insert_results, results=results))

    async def take(self, made: ProbeResult) -> None:
        """Have the pipeline take a result, as the scheduler does."""
        target = next(t for t in self.sources.config.targets if t.name == made.target)
        await self.road.pipeline.take(target, made)

    async def skip(
        self, at: float, reason: SkipReason = SkipReason.LATE, failing: Failing | None = None
    ) -> None:
        """Record a slot of the target `chat` that got no probe."""
        asked = partial(
            insert_skip,
            target="chat",
            location="here",
            slot=Slot(int(at), at),
            reason=reason,
            at=at,
            failing=failing,
        )
        await self.ledger.write(asked)

    async def roll_up(self, before: float = 0.0) -> None:
        """Roll everything up, and fold what was over before then."""
        while (await self.ledger.write(partial(fold, limit=500))).rows:
            pass
        for level in (Level.MINUTE, Level.HOUR):
            folding = partial(compact, level=level, before=before, after=0, groups=10_000)
            assert await self.ledger.write(folding) is None


def path(name: str, rest: str = "") -> str:
    """Return the path of a target as a browser writes it."""
    return f"/targets/{quote(name, safe='')}{rest}"


@asynccontextmanager
async def life(found: Config) -> AsyncIterator[Life]:
    """Make a life on the ledger the configuration names."""
    ledger = Ledger.open(found.store.path, SCHEMAS)
    wall = [NOW]
    clock = Clock(lambda: wall[0], lambda: wall[0])
    try:
        road = Road(found, ledger, {}, unasked, clock, LagMeter(), Observers())
        yield Life(sources_of(road, None, ledger, clock, NOW - 60.0), road, ledger, wall)
    finally:
        await ledger.close()


def minutely(since: float, until: float, **said: Any) -> list[ProbeResult]:  # Any: as in result
    """Return a result a minute."""
    return [
        result(slot=int(at // 60), slot_at=at, at=at, **said)
        for at in (since + 60.0 * number for number in range(int((until - since) // 60)))
    ]
