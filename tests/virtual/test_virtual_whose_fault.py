"""A cut network, a machine that sleeps and a clock that is set, through the whole road."""

import asyncio
from pathlib import Path

import pytest

from monitor.clock import Clock
from monitor.config.values import Egress
from monitor.egress.endpoint import Endpoint
from monitor.egress.verdict import Contact
from monitor.egress.watch import EgressWatch
from probes.result import Fault, ProbeResult, Verdict
from probes.target import Slot, Target
from tests.virtual.road import START, Found, Virtual, shipped

pytestmark = pytest.mark.looptime

KEYS = {"OPENAI_API_KEY": "sk-test-0000000000000000", "XAI_API_KEY": "xai-0000000000000000"}
CUT_S = (1803.0, 2700.0)
"""From when to when nothing of the world can be reached."""


class Cut(Virtual):
    """A road whose probes and whose endpoints share one network, which is cut for a while."""

    def __init__(self, folder: Path, *, watched: bool) -> None:
        super().__init__(shipped(folder, KEYS), folder, self.found)
        loop = asyncio.get_running_loop()
        self.watch = EgressWatch(Egress(), Clock(lambda: START, loop.time), self.ask)
        self.results: list[ProbeResult] = []
        self.road.pipeline._on_result = self.results.append
        if watched:
            self.road.facts.add(self.watch.facts)
            self.road._probe = self.judged

    def is_cut(self) -> bool:
        return CUT_S[0] <= self.elapsed_s() < CUT_S[1]

    def found(self, _target: Target, _at_s: float) -> Found:
        lost = Found(0.2, Verdict.CONNECT_ERROR, Fault.PROVIDER)
        return lost if self.is_cut() else Found(0.6)

    async def ask(self, _endpoint: Endpoint) -> Contact:
        await asyncio.sleep(3.0 if self.is_cut() else 0.05)
        return Contact.SILENT if self.is_cut() else Contact.REACHED

    async def judged(self, target: Target, slot: Slot, attempt: int) -> ProbeResult:
        return await self.watch.judged(await self._probe(target, slot, attempt))

    async def lived(self) -> list[tuple[str, str]]:
        """Run for an hour; return what people were told."""
        asking = asyncio.ensure_future(self.watch.run())
        await self.run(3600)
        asking.cancel()
        await asyncio.wait([asking])
        return [(n.alertname, n.status.value) for _, n in self.recorder.told]


async def test_a_cut_network_is_one_alert_and_no_providers_fault(tmp_path: Path) -> None:
    """Fifteen minutes without a network: one alert fires and resolves, and no result is blamed."""
    cut = Cut(tmp_path, watched=True)
    assert await cut.lived() == [("MonitorEgress", "firing"), ("MonitorEgress", "resolved")]
    faults = {result.fault for result in cut.results if not result.ok}
    assert faults == {Fault.NETWORK}
    fired_at, _ = cut.recorder.told[0]
    assert fired_at - CUT_S[0] <= 60


async def test_unwatched_the_same_cut_looks_like_everybodys_outage(tmp_path: Path) -> None:
    """What the check is for: without it every provider would be called down."""
    cut = Cut(tmp_path, watched=False)
    told = await cut.lived()
    assert ("Down", "firing") in told
    assert "MonitorEgress" not in {name for name, _ in told}


async def in_flight(virtual: Virtual, *, some: bool = True) -> int:
    """Wait until probes are under way, or none is; return how many."""
    while bool(virtual.road.scheduler.in_flight) is not some:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.5)
    return virtual.road.scheduler.in_flight


async def test_a_suspend_marks_what_it_cut_and_fires_nothing(tmp_path: Path) -> None:
    """A lid that is closed four times, each time in the middle of probes: ours, and nobody hears.

    More than Down would need in a row, were they the provider's.
    """
    dying = False

    def found(_target: Target, _at_s: float) -> Found:
        return Found(4.0, Verdict.RESET, Fault.PROVIDER) if dying else Found(4.0)

    virtual = Virtual(shipped(tmp_path, KEYS), tmp_path, found)
    results: list[ProbeResult] = []
    virtual.road.pipeline._on_result = results.append
    loop = asyncio.get_running_loop()
    asleep_s = 0.0
    virtual.road._clock._boottime = lambda: loop.time() + asleep_s
    running = asyncio.ensure_future(virtual.run(3600))
    await asyncio.sleep(1800)
    for _ in range(4):
        await in_flight(virtual, some=False)
        dying = True
        await in_flight(virtual)
        asleep_s += 7200.0
        virtual.step_s += 7200.0
        dying = False
    await running
    cut = [result for result in results if not result.ok]
    assert len(cut) >= 4
    assert all(each.interrupted and each.latency_tainted for each in cut)
    assert {each.fault for each in cut} == {Fault.MONITOR}
    assert virtual.recorder.told == []
    assert (virtual.road._clock.steps, virtual.road._clock.suspends) == (0, 4)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
async def test_a_step_taints_the_probes_it_met_and_no_others(tmp_path: Path, step_s: float) -> None:
    """Marked are the probes in flight at that moment, with the verdict they had."""
    virtual = Virtual(shipped(tmp_path, KEYS), tmp_path, lambda _target, _at_s: Found(4.0))
    results: list[ProbeResult] = []
    virtual.road.pipeline._on_result = results.append
    running = asyncio.ensure_future(virtual.run(1800))
    await asyncio.sleep(900)
    met = await in_flight(virtual)
    virtual.step_s = step_s
    await running
    marked = [result for result in results if result.interrupted]
    assert len(marked) == met
    assert all(result.latency_tainted and result.ok for result in marked)
    assert (virtual.road._clock.steps, virtual.road._clock.suspends) == (1, 0)
    assert virtual.recorder.told == []
