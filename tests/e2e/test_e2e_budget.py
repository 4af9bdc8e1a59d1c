"""A budget through kill -9, judged by the server's own request log."""

import asyncio
import random
from pathlib import Path

import pytest

from probes.estimate import NUSD_PER_USD
from tests.e2e import configs
from tests.e2e.costs import PROMPT, bound_usd
from tests.e2e.daemon_process import DaemonProcess
from tests.e2e.simulated import simulated

ROUNDS = 4
ATTEMPTS = 60
"""Hangs that the budget can pay; each round alone could make more."""
DOLLAR_A_TOKEN = "{input: 1000000, output: 1000000}"


def config(base_url: str) -> str:
    provider = configs.providers({"sim": base_url})
    names = [
        f"name: t{number}, provider: sim, model: gpt-4o-mini, prompt: {PROMPT}"
        for number in range(30)
    ]
    return (
        f"budget: {{daily: {ATTEMPTS * bound_usd()}}}\n"
        + configs.head("500ms", "400ms")
        + provider.replace("{input: 1, output: 2}", DOLLAR_A_TOKEN)
        + configs.targets(names)
        + configs.QUICK_RULES
    )


@pytest.mark.timeout(120)
async def test_no_kill_makes_a_day_dearer_than_its_budget(tmp_path: Path) -> None:
    """Every request may be billed in full, and all of them together are not above the cap."""
    luck = random.Random(12)
    async with simulated("hang") as provider:
        daemon = DaemonProcess(tmp_path, config(provider.base_url))
        for _ in range(ROUNDS):
            await daemon.start()
            await asyncio.sleep(luck.uniform(0.7, 2.0))
            daemon.kill()
        await daemon.start()
        await asyncio.sleep(1.0)
        metrics = daemon.get("/metrics").text
        assert await daemon.stop() == 0
        asked = [row for row in await provider.log() if row["path"].startswith("/v1/")]
    assert 30 < len(asked) <= ATTEMPTS
    (drawn_nusd,) = daemon.query("SELECT sum(drawn_nusd) FROM budget_days")[0]
    assert len(asked) * bound_usd() * NUSD_PER_USD <= drawn_nusd
    reasons = {reason for (reason,) in daemon.query("SELECT DISTINCT reason FROM skips")}
    assert "budget" in reasons
    assert daemon.events("budget.exhausted")
    assert 'sonde_budget_spent_usd{provider="_all"}' in metrics
