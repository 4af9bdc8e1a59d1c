"""Two daemons at two locations over one real Redis: what one sees alone, and what both see."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated
from tests.servers.redis import RedisServer

LOCATIONS: Final = ("fra1", "iad1")
EVERYWHERE: Final = (
    "  - {name: Everywhere, when: consecutive_failures(provider) >= 3, over: 10s,"
    " locations: 2 of 2, severity: critical}\n"
)


def config(location: str, urls: Mapping[str, str], server: RedisServer) -> str:
    """Return the configuration of one location: `half` is down at fra1 alone, `whole` at both."""
    return (
        configs.head().replace("location: test", f"location: {location}")
        + configs.providers(urls)
        + configs.targets(f"name: {name}, provider: {name}, model: gpt-4o-mini" for name in urls)
        + configs.QUICK_RULES
        + EVERYWHERE
        + f'cluster: {{redis: "{server.url}", replica: "{location}-0",'
        f" locations: [{', '.join(LOCATIONS)}]}}\n"
    )


@asynccontextmanager
async def regions(folder: Path, server: RedisServer) -> AsyncIterator[dict[str, DaemonProcess]]:
    """Run a daemon at each location."""
    async with AsyncExitStack() as stack:
        well = await stack.enter_async_context(simulated("answer", 300.0))
        down = await stack.enter_async_context(simulated("server_error", 300.0))
        urls = {
            "fra1": {"half": down.base_url, "whole": down.base_url},
            "iad1": {"half": well.base_url, "whole": down.base_url},
        }
        them = {}
        for location in LOCATIONS:
            place = folder / location
            place.mkdir()
            them[location] = DaemonProcess(place, config(location, urls[location], server))
        async with asyncio.TaskGroup() as group:
            for daemon in them.values():
                group.create_task(stack.enter_async_context(daemon))
        yield them


def firing(daemon: DaemonProcess) -> dict[tuple[str, str], Any]:  # Any: JSON
    """Return the alerts that fire, by rule and target."""
    rows = daemon.get("/api/v1/alerts").json()
    return {(row["name"], row["subject"]): row for row in rows if row["state"] == "firing"}


async def test_one_region_or_everybody(tmp_path: Path, redis_server: RedisServer) -> None:
    """Each says where it is down; what both see is one alert, of no location, at both."""
    async with regions(tmp_path, redis_server) as them:
        fra1, iad1 = (them[each] for each in LOCATIONS)
        for daemon in (fra1, iad1):
            await wait_until(
                lambda at=daemon: ("Everywhere", "whole") in firing(at), "an alert of both"
            )
        line = "Down in fra1 only: iad1 gets answers"
        await wait_until(lambda: line in notes(fra1, "half"), line)
        whole = "Down everywhere: fra1 and iad1"
        await wait_until(lambda: whole in notes(fra1, "whole"), whole)
        seen = [firing(daemon) for daemon in (fra1, iad1)]
        assert ("Everywhere", "half") not in seen[0] | seen[1]
        assert ("Down", "half") not in seen[1]
        both = [each["Everywhere", "whole"] for each in seen]
        assert len({each["fingerprint"] for each in both}) == 1
        assert not any("location" in each["labels"] for each in both)
        detail = fra1.get("/api/v1/targets/half").json()
        assert detail["standing"] == "down in fra1, fine in iad1"


def notes(daemon: DaemonProcess, target: str) -> list[str]:
    """Return what is said of `Down` of a target, as long as it fires."""
    found: list[str] = firing(daemon).get(("Down", target), {}).get("notes", [])
    return found
