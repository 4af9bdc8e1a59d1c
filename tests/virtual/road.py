"""The shipped road in virtual time: everything but the wire, and hours pass in seconds.

Scheduler, pipeline, ledger, windows, engine, outbox and deliverer are the daemon's own. Only what a
probe finds is scripted, and the clock is the loop's.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from aggregator.ledger import Ledger
from alerting.consent import FREE, Consent
from alerting.engine import Transition
from alerting.notification import Notification
from alerting.routing.route import Route
from alerting.state import Edge
from monitor.clock import Clock
from monitor.config.load import load
from monitor.config.values import Config
from monitor.daemon import SCHEMAS
from monitor.road import Observers, Road
from probes.lag import LagMeter
from probes.result import Fault, ProbeResult, StampQuality, Verdict
from probes.target import Slot, Target
from tests.standins.consent import Agreeing

START = 1_750_000_000.0
ALERT_BY_ALERT = (Route(("recorder",), grouping=frozenset({"recorder"})),)
"""The recorder hears of each alert at once, as an Alertmanager does."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a scripted probe finds, and after how long."""

    seconds: float
    verdict: Verdict = Verdict.OK
    fault: Fault = Fault.NONE
    hint: str = ""


Script = Callable[[Target, float], Found]
"""From a target and the seconds since the beginning to what its probe finds."""


@dataclass
class Recorder:
    """A channel that takes everything and remembers when."""

    since: Callable[[], float]
    name: str = "recorder"
    told: list[tuple[float, Notification]] = field(default_factory=list)

    async def send(self, notification: Notification, /) -> None:
        self.told.append((self.since(), notification))

    async def close(self) -> None:
        return

    def firing(self) -> list[tuple[str, str, float]]:
        """Alert name, subject, seconds since the beginning, of everything that fired."""
        return [(n.alertname, subject(n), at) for at, n in self.told if n.status.value == "firing"]


def subject(told: Notification | Transition) -> str:
    labels = dict(told.labels)
    return labels.get("target", labels.get("provider", labels.get("location", "?")))


def shipped(folder: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of somebody who set keys and nothing else."""
    return load(None, {"HOME": str(folder), **environ}, cwd=folder, strict=True).config


class Virtual:
    """One daemon's road over a virtual loop; make it inside a looptime test."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        script: Script,
        *,
        after_s: float = 0.0,
        step_s: float = 0.0,
        routes: Sequence[Route] = ALERT_BY_ALERT,
        consent: Consent = FREE,
    ) -> None:
        """Open the ledger in `folder`.

        `after_s`: seconds of the story that passed before this process began; `step_s`: how far the
        wall clock is off, to be changed at will. `consent`: asked before anything is told.
        """
        loop = asyncio.get_running_loop()
        self._began = loop.time() - after_s
        self._script = script
        self.recorder = Recorder(self.elapsed_s)
        self.ledger = Ledger.open(folder / "virtual.db", SCHEMAS, inline=True)
        self.step_s = step_s
        clock = Clock(lambda: START + self.elapsed_s() + self.step_s, loop.time)
        channels = {"recorder": self.recorder}
        config = replace(config, routes=tuple(routes))
        self.fired: list[tuple[str, str, float]] = []
        """Alert name, subject, seconds since the beginning, of what fired, told or not."""
        self.ended: list[tuple[str, str, float]] = []
        """The same of what is over."""
        observers = Observers(on_transition=self._heard)
        self.road = Road(
            *(config, self.ledger, channels, self._probe, clock, LagMeter(), observers),
            cluster=Agreeing(self.ledger, consent),
        )

    def elapsed_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    def _heard(self, transition: Transition) -> None:
        kept = {Edge.FIRED: self.fired, Edge.RESOLVED: self.ended}.get(transition.edge)
        if kept is not None:
            kept.append((transition.alertname, subject(transition), self.elapsed_s()))

    async def _probe(self, target: Target, slot: Slot, attempt: int) -> ProbeResult:
        began = self.elapsed_s()
        found = self._script(target, began)
        await asyncio.sleep(found.seconds)
        return ProbeResult(
            target=target.name,
            provider=target.provider,
            model=target.model,
            operation=target.operation,
            location="virtual",
            slot=slot.number,
            slot_at=slot.at,
            attempt=attempt,
            at=START + began + self.step_s,
            verdict=found.verdict,
            fault=found.fault,
            hint=found.hint,
            total_s=found.seconds,
            stamps=StampQuality.KERNEL,
        )

    async def run(self, seconds: float, *, killed: bool = False) -> None:
        """Run the road for so many virtual seconds, then stop it as the daemon does, or not."""
        await self.road.restore(lambda: False)
        async with asyncio.TaskGroup() as group:
            schedule = group.create_task(self.road.scheduler.run(5.0))
            eternal = [group.create_task(run()) for run in self.road.eternal().values()]
            delivery = group.create_task(self.road.deliverer.run())
            await asyncio.sleep(seconds)
            if not killed:
                self.road.scheduler.stop()
                await asyncio.wait([schedule])
            for task in (schedule, *eternal, delivery):
                task.cancel()
        await self.ledger.close()


def hang(target: Target) -> Found:
    """No byte comes back until the deadline."""
    return Found(target.deadline_s, Verdict.TIMEOUT, Fault.PROVIDER)
