"""kill -9 under load: what was completed is kept, judged by the server's own request log."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from tests.e2e import configs
from tests.e2e.daemon_process import DaemonProcess, wait_until
from tests.e2e.simulated import simulated

ROUNDS = 6
COMMIT_S = 0.5
"""An answer that was sent this long before the kill has been read, judged and committed."""
TARGETS = [
    f"name: t{number}, provider: sim, model: {model}, operation: {operation}"
    for number, (model, operation) in enumerate(
        [("gpt-4o-mini", "chat, stream: true"), ("text-embedding-3-small", "embeddings")] * 10
    )
]


@pytest.mark.timeout(240)
async def test_kill_9_loses_no_completed_result(tmp_path: Path) -> None:
    """In rounds of 20 targets at 4 probes a second each: killed at any moment, nothing is lost."""
    luck = random.Random(9)
    kills: list[tuple[float, float]] = []
    async with simulated("answer") as provider:
        config = configs.head("500ms", "500ms") + configs.providers({"sim": provider.base_url})
        daemon = DaemonProcess(tmp_path, config + configs.targets(TARGETS) + configs.QUICK_RULES)
        for _ in range(ROUNDS):
            await daemon.start()
            started = time.time()
            await asyncio.sleep(luck.uniform(1.5, 3.5))
            daemon.kill()
            kills.append((started, time.time()))
        served = await provider.log()
        kept = {row[0] for row in daemon.query("SELECT request_id FROM results")}
    told = {event["request_id"] for event in daemon.events("probe.result")}
    assert told <= kept, "a result was logged before it was committed"
    completed = [
        row["request_id"]
        for row in served
        if row["completed"] and row["path"].startswith("/v1/") and settled(row, kills)
    ]
    assert len(completed) > 200
    lost = [request_id for request_id in completed if request_id not in kept]
    assert lost == []


def settled(row: dict[str, float], kills: list[tuple[float, float]]) -> bool:
    """Whether the answer left long enough before the kill that ended its round."""
    ended = next(killed for _, killed in kills if row["received_at"] <= killed)
    return row["answered_at"] <= ended - COMMIT_S


async def test_a_restart_replays_the_windows(tmp_path: Path) -> None:
    """After kill -9 the window has its samples back before the first new probe ends."""
    async with simulated("answer") as provider:
        config = (
            configs.head("500ms", "500ms").replace("[10s]", "[5m]")
            + configs.providers({"sim": provider.base_url})
            + configs.targets(TARGETS[:1])
        )
        daemon = DaemonProcess(tmp_path, config)
        await daemon.start()
        await wait_until(lambda: len(daemon.events("probe.result")) >= 8, "eight results")
        daemon.kill()
        (rows,) = daemon.query("SELECT count(*) FROM results")[0]
        await daemon.start()
        assert daemon.events("ledger.replayed")[-1]["rows"] == rows
        metrics = await wait_until(
            lambda: samples(daemon.get("/metrics").text), "the window's samples"
        )
        assert metrics >= rows
        assert await daemon.stop() == 0


def samples(exposition: str) -> float:
    lines = exposition.splitlines()
    found = [line for line in lines if line.startswith("sonde_window_samples{")]
    return float(found[0].split()[-1]) if found else 0.0
