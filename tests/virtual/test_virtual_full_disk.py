"""A disk that fills up during an outage, in virtual time."""

import asyncio
from pathlib import Path

import pytest

from probes.target import Target
from tests.virtual.road import Found, Virtual, hang, shipped

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000"}
FULL_AT_S, OUTAGE_AT_S, FREED_AT_S, HEALED_AT_S, END_S = 1800.0, 2400.0, 4000.0, 4600.0, 8000.0


async def limit(virtual: Virtual, pages: int) -> None:
    """Let the file grow to so many pages and no further; 0: not at all any more."""

    def work(connection: object) -> None:
        (used,) = connection.execute("PRAGMA page_count").fetchone()  # type: ignore[attr-defined]
        connection.execute(f"PRAGMA max_page_count = {pages or used}")  # type: ignore[attr-defined]

    await virtual.ledger.write(work)


async def test_people_are_told_and_nothing_is_told_twice(tmp_path: Path) -> None:
    """With a full disk alerts fire, results are counted as volatile, and all recovers."""
    config = shipped(tmp_path, KEYS)

    def script(target: Target, at_s: float) -> Found:
        return hang(target) if OUTAGE_AT_S <= at_s < HEALED_AT_S else Found(0.6)

    virtual = Virtual(config, tmp_path, script)
    running = asyncio.ensure_future(virtual.run(END_S))
    await asyncio.sleep(FULL_AT_S)
    await limit(virtual, 0)
    await asyncio.sleep(FREED_AT_S - FULL_AT_S)
    readiness = virtual.road.readiness()
    told_while_full = list(virtual.recorder.told)
    await limit(virtual, 1_000_000)
    await running
    assert not readiness.ready
    assert "full" in " ".join(check.detail for check in readiness.checks if not check.ok)
    assert {n.alertname for _, n in told_while_full} >= {"Down", "ProviderDown"}
    told = [(n.fingerprint, n.status.value) for _, n in virtual.recorder.told]
    assert len(told) == len(set(told))
    fired = {fingerprint for fingerprint, status in told if status == "firing"}
    assert {fingerprint for fingerprint, status in told if status == "resolved"} == fired
    for fingerprint in fired:
        heard = [status for each, status in told if each == fingerprint]
        assert heard == ["firing", "resolved"]
    assert virtual.road.readiness().checks[2].ok
