"""Wall clocks that step by a day, through the whole road in virtual time."""

import asyncio
from pathlib import Path

import pytest

from probes.result import Fault, Verdict
from probes.target import Target
from tests.virtual.road import Found, Virtual, shipped

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000"}
DAY_S = 86_400.0


def well(_target: Target, _at_s: float) -> Found:
    return Found(0.6)


def kept(virtual: Virtual) -> int:
    """Rows in the ledger; read behind the road's back while it is open."""
    (rows,) = virtual.ledger._reader._connection.execute("SELECT count(*) FROM results").fetchone()
    return int(rows)


@pytest.mark.parametrize("step_s", [DAY_S, -DAY_S, 3600.0, -3600.0])
async def test_a_step_loses_no_result_and_fires_nothing(tmp_path: Path, step_s: float) -> None:
    """Half an hour before and half an hour after: every probe is in the ledger, nobody is told."""
    virtual = Virtual(shipped(tmp_path, KEYS), tmp_path, well)
    rows: list[int] = []
    virtual.road.pipeline._on_result = lambda _result: rows.append(1)
    running = asyncio.ensure_future(virtual.run(3600))
    await asyncio.sleep(1800)
    virtual.step_s = step_s
    await asyncio.sleep(1790)
    assert len(rows) >= 4 * 58
    assert kept(virtual) == len(rows)
    await running
    assert virtual.recorder.told == []


@pytest.mark.parametrize("step_s", [-DAY_S, -7200.0])
async def test_old_failures_do_not_come_back_with_an_old_clock(
    tmp_path: Path, step_s: float
) -> None:
    """Failures of yesterday stay in the past when the clock is set back before a restart."""

    def troubled_once(target: Target, at_s: float) -> Found:
        bad = 600 <= at_s < 900
        return Found(0.2, Verdict.AUTH, Fault.ACCOUNT) if bad else Found(0.6)

    config = shipped(tmp_path, KEYS)
    before = Virtual(config, tmp_path, troubled_once)
    await before.run(5400)
    assert [n.status.value for _, n in before.recorder.told] == ["firing", "resolved"]
    after = Virtual(config, tmp_path, troubled_once, after_s=5400, step_s=step_s)
    await after.run(3600)
    assert after.recorder.told == []


async def test_a_step_during_an_outage_neither_fires_early_nor_resolves(tmp_path: Path) -> None:
    """A hold counts steady time: a day's jump in the middle does not fill it, nor empty it."""

    def failing(_target: Target, at_s: float) -> Found:
        return Found(0.2, Verdict.SERVER_ERROR, Fault.PROVIDER) if at_s >= 1800 else Found(0.6)

    config = shipped(tmp_path, KEYS)
    fired: dict[float, dict[str, float]] = {}
    for step_s in (0.0, DAY_S):
        folder = tmp_path / str(step_s)
        folder.mkdir()
        virtual = Virtual(config, folder, failing)
        running = asyncio.ensure_future(virtual.run(3600))
        await asyncio.sleep(2060)
        virtual.step_s = step_s
        await running
        assert {n.status.value for _, n in virtual.recorder.told} == {"firing"}
        fired[step_s] = {
            dict(n.labels)["target"]: at
            for at, n in virtual.recorder.told
            if n.alertname == "ErrorRate"
        }
    assert fired[0.0].keys() == fired[DAY_S].keys()
    for target, at in fired[DAY_S].items():
        # The step re-aims slots, so a sample may come up to an interval sooner or later.
        assert abs(at - fired[0.0][target]) <= 65
