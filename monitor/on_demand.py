"""Probes that somebody asks for, beside the schedule.

They pass the same gates and are paid from the same budgets as those of slots, and teach the gates
what they found; but no slot asked for them, so they are in no window, no rule and no ledger. Their
tokens and cost are counted. Since each spends money, they are bounded: one of a target at a time,
IN_FLIGHT in all, and whoever asks again within FRESH_S is told what was just found.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from monitor.admission import Admission
from monitor.clock import Clock
from monitor.metrics import Metrics
from monitor.pipeline import event_fields
from monitor.schedule import off_schedule
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target
from probes.trace import Trace

IN_FLIGHT: Final = 32
"""Probes asked for that may be under way at a time. A Prometheus spreads its scrapes over their
interval: so many at once are some hundred targets, each of them slow."""
FRESH_S: Final = 1.0
"""How long a result is given again rather than asked for anew: the two Prometheus of a pair cost
one probe when they meet, and nobody makes a target cost more than a probe a second."""

LATE_S: Final = 0.3
"""How much later than asked an attempt may be: it ends by itself, unless what is around it hangs.
Below the half second that /probe keeps in hand."""
JUDGED_S: Final = 0.15
"""How much of that may go by until we know whose fault a failure is."""

Attempt = Callable[[Target, Slot, Trace], Awaitable[ProbeResult | None]]
"""Sends one request and pays for it; None: there is no money left."""

log = structlog.get_logger("sonde.on_demand")


class Busy(StrEnum):
    """Why we do not probe now for a reason of our own making."""

    IN_FLIGHT = "in_flight"
    """The target's probe that is under way takes longer than whoever asks can wait."""
    CROWDED = "crowded"
    """As many as may be are under way."""
    STUCK = "stuck"
    """We did not get round to sending it: a disk that hangs, say, where its money is kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and what of it shows in a close look."""

    result: ProbeResult
    trace: Trace


class OnDemand:
    """Probes configured targets for whoever asks."""

    def __init__(
        self, admission: Admission, attempt: Attempt, metrics: Metrics, clock: Clock
    ) -> None:
        self._admission = admission
        self._attempt = attempt
        self._metrics = metrics
        self._clock = clock
        self._running: dict[str, asyncio.Event] = {}
        self._newest: dict[str, tuple[float, Answer]] = {}
        """When, on the monotonic clock, a target's newest answer was had, and the answer."""

    async def ask(self, target: Target, within_s: float) -> Answer | SkipReason | Busy:
        """Probe the target and return within `within_s` seconds, or say why not.

        Cancelling it cuts the connection; whoever waited for the same answer then asks himself.
        """
        began = self._clock.monotonic()
        if not await self._over(target.name, within_s):
            return Busy.IN_FLIGHT
        now = self._clock.monotonic()
        left_s = within_s - (now - began)
        had_at, newest = self._newest.get(target.name, (0.0, None))
        # Who can wait notably longer is not told of a timeout that is not his.
        patience_s = left_s - FRESH_S
        if newest and now - had_at < FRESH_S and not _hasty(newest, target, patience_s):
            return newest
        if len(self._running) >= IN_FLIGHT:
            return Busy.CROWDED
        refused = self._admission.refusal(target)
        if refused is not None:
            return refused
        try:
            async with asyncio.timeout(left_s + LATE_S):
                return await self._asked(target, Trace(within_s=left_s))
        except TimeoutError:
            return Busy.STUCK

    async def _over(self, name: str, within_s: float) -> bool:
        """Wait until no probe of the target is under way; say whether that came to be."""
        try:
            async with asyncio.timeout(within_s):
                while (running := self._running.get(name)) is not None:
                    await running.wait()
        except TimeoutError:
            return False
        return True

    async def _asked(self, target: Target, trace: Trace) -> Answer | SkipReason:
        over = self._running[target.name] = asyncio.Event()
        try:
            slot = off_schedule(self._clock.wall())
            result = await self._attempt(target, slot, trace)
            if result is None:
                return SkipReason.BUDGET
            answer = Answer(result, trace)
            self._newest[target.name] = self._clock.monotonic(), answer
        finally:
            del self._running[target.name]
            over.set()
        self._learn(target, answer)
        return answer

    def _learn(self, target: Target, answer: Answer) -> None:
        result = answer.result
        if not _hasty(answer, target):
            self._admission.learn(target, result)
        self._metrics.observe_further(target, result)
        (log.debug if result.ok else log.info)("probe.on_demand", **event_fields(result))


def _hasty(answer: Answer, target: Target, left_s: float = math.inf) -> bool:
    """Say whether it timed out only for the haste of who asked, who had less than `left_s`.

    It says little about the provider, and nothing to somebody who can wait longer.
    """
    return answer.result.censored and answer.trace.within_s < min(target.deadline_s, left_s)
