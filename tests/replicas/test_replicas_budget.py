"""One day's money, three daemons: killed, and with a Redis that fails over and forgets."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.costs import bound_usd
from tests.e2e.simulated import Simulated, simulated
from tests.replicas.group import SECRET, three
from tests.servers.redis import Sentinels
from tests.standins.webhook_receiver import Receiver

ATTEMPTS = 24
"""What the budget can pay: a fraction of the slots there are."""


async def asked_of(provider: Simulated) -> list[dict[str, Any]]:
    """Return the requests that may be billed."""
    return [row for row in await provider.log() if row["path"].startswith("/v1/")]


@pytest.mark.timeout(240)
async def test_never_dearer_than_the_day_allows(tmp_path: Path, redis_sentinel: Sentinels) -> None:
    """Every request may be billed in full; all three together made no more than can be paid."""
    luck = random.Random(3)
    async with (
        Receiver(SECRET, time.time) as receiver,
        simulated("hang") as provider,
        three(
            *(tmp_path, provider.base_url, redis_sentinel.url, receiver, 40),
            price="1000000",
            more=f"budget: {{daily: {ATTEMPTS * bound_usd()}}}\n",
        ) as group,
    ):
        ada, ben, cy = group.replicas.values()
        async with asyncio.timeout(60.0):
            while len(await asked_of(provider)) < ATTEMPTS / 4:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.2)
        ada.kill()
        await asyncio.sleep(luck.uniform(0.5, 1.5))
        await ada.start()
        redis_sentinel.master.kill()
        await asyncio.sleep(luck.uniform(6.0, 8.0))
        ben.kill()
        with redis_sentinel.replica.client() as client:
            client.flushall()
        await ben.start()
        await asyncio.sleep(luck.uniform(1.0, 2.0))
        cy.kill()
        await cy.start()
        await asyncio.sleep(15.0)
        asked = await asked_of(provider)
        reasons = {
            row[0] for each in (ada, ben, cy) for row in each.query("SELECT reason FROM skips")
        }
        assert await group.stop() == [0, 0, 0]
    assert len(asked) <= ATTEMPTS
    assert reasons & {"budget", "throttled_by_us"}
