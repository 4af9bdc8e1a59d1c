"""The road of a slot, put together: schedule, probe, ledger, windows, rules, outbox, delivery.

It serves nothing and opens nothing itself: the daemon brings the ledger, the notifiers and whatever
makes a ProbeResult of a slot. That makes it the part that also runs in virtual time.
"""

# ruff: noqa: SLF001 - take_over looks into another of its own class

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from threading import Event

from prometheus_client.registry import Collector

from aggregator.ledger import Ledger
from aggregator.stores.delivery import Writer
from aggregator.window import Windows
from alerting.consequence import natures_of
from alerting.engine import Engine, Transition
from alerting.notification import Notifier
from alerting.routing.route import Route
from alerting.routing.router import Router
from monitor.admission import Admission
from monitor.announcer import Announcer
from monitor.anomaly import Anomalies
from monitor.bearings import marked
from monitor.breadth import Breadth
from monitor.budget.book import Book
from monitor.budget.collector import BudgetCollector
from monitor.budget.keeper import Keeper
from monitor.budget.told import spending
from monitor.clock import Clock
from monitor.cluster.alone import Alone
from monitor.cluster.protocol import Cluster, Heard, Keep, Turn
from monitor.comparisons import beside, budget_left, course, lost, usual
from monitor.config.durations import format_duration
from monitor.config.values import Config
from monitor.elsewhere import Elsewhere
from monitor.evaluator import Asked, Evaluator
from monitor.facts import Facts
from monitor.health import Readiness, readiness
from monitor.hearing import Hearing
from monitor.housekeeping import keep_house
from monitor.inhibitor import Inhibitor
from monitor.kindness.gate import Kindness
from monitor.lasting import Lasting
from monitor.mutes import Mutes
from monitor.notes import Notes, newest_failure
from monitor.restore import firing_of, replay_windows, restore_alerts, restore_routing
from monitor.retirement import Retirements
from monitor.routing import Beside, Routing, labelling
from monitor.slo import Objectives
from monitor.spread import spread
from monitor.view import StatusView, alert_row, target_row
from probes.lag import LagMeter
from probes.result import Failing, ProbeResult, SkipReason
from probes.target import Slot, Target

Probe = Callable[[Target, Slot, int], Awaitable[ProbeResult]]
"""Makes the attempt of this number (the slot's own is 1); raises nothing but CancelledError."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Who else wants to know; called in the loop, so they must be quick."""

    on_result: Callable[[ProbeResult], None] = lambda _result: None
    on_transition: Callable[[Transition], None] = lambda _transition: None
    on_serving: Callable[[str, int], None] = lambda _host, _port: None


class Road:
    """Every part between the clock and the channels, wired.

    A road may follow another one: it shares with it what outlives a configuration (schedule,
    windows, counters, delivery, what is in flight) and begins with its own plan. `take_over` makes
    it the one that leads.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what the daemon brings, and what was before
        self,
        config: Config,
        ledger: Ledger,
        notifiers: Mapping[str, Notifier],
        probe: Probe,
        clock: Clock,
        lag: LagMeter,
        observers: Observers,
        store: Writer | None = None,
        before: "Road | None" = None,
        cluster: Cluster | None = None,
    ) -> None:
        """`before`: the road it will follow, of which nothing changes until `take_over`.

        Then `store` and `cluster` are of no account, and `notifiers` are used from that moment on.
        `cluster` None: it is alone.
        """
        self.config = config
        self._targets = {target.name: target for target in config.targets}
        self._notifiers = notifiers
        self._collectors: list[Collector] = []
        self._under_way = 0
        """Attempts: their money is being drawn, or they are being made."""
        self._idle = asyncio.Event()
        self._idle.set()
        self.version = version("sonde")
        self._ledger = ledger
        self._probe = probe
        self._channels = tuple(notifiers)
        self._clock = clock
        self._started_at = clock.steady()
        self._past: tuple[Windows, Elsewhere, float] | None = None
        """What longer windows than before want to know, and when it was read."""
        self.lasting: Lasting = (
            Lasting(
                *(self, config, self.version, ledger, notifiers, clock, observers.on_result),
                *(store, cluster or Alone(ledger)),
            )
            if before is None
            else before.lasting
        )
        lasting = self.lasting
        self.cluster = lasting.cluster
        self.metrics, self.windows = lasting.metrics, lasting.windows
        self.pipeline, self.drift = lasting.pipeline, lasting.drift
        self.scheduler, self.confirmations = lasting.scheduler, lasting.confirmations
        self.deliverer, self.shipping = lasting.deliverer, lasting.shipping
        self.engine = Engine(
            *(config.rules, config.targets), location=config.location, locations=config.locations
        )
        self.kindness = Kindness(config, clock.steady)
        self.retirements = Retirements(config.providers, config.targets)
        self.budget = Keeper(config.budgets, config.targets, self.cluster.purse(), clock)
        if config.budgets:
            self.show(BudgetCollector(self.budget))
        self.objectives = Objectives(config.slos, config.targets, config.location, ledger, clock)
        self.anomalies = Anomalies(
            config.rules,
            config.targets,
            config.location,
            ledger,
            self.windows,
            max(config.windows_s),
            clock,
        )
        self.admission = Admission((self.budget, self.kindness))
        self._hearing = Hearing(
            *(self._targets, config.location, self.pipeline, lasting.elsewhere),
            *(self._learn, clock),
        )
        self.facts = self._known()
        self.notes = self._noted()
        self.mutes, self.routing = self._routed()
        self._announcer = Announcer(
            ledger, self.deliverer, self.metrics, observers.on_transition, self.routing
        )
        self.evaluator = Evaluator(
            config,
            self.engine,
            self.windows,
            clock,
            self.metrics,
            self._announcer,
            lag,
            Asked(self.facts, self.kindness.readings, self.mutes, lasting.elsewhere),
        )

    def _routed(self) -> tuple[Mutes, Routing]:
        inhibitor = Inhibitor(
            self.engine.told_anew, self.metrics.inhibited, natures_of(self.config.rules)
        )
        self.facts.add(Breadth(self.config.targets, lambda: inhibitor.failing).facts)
        mutes = Mutes(
            *(self._ledger, self.config.maintenance, self._clock, inhibitor.explains),
            alone=self.cluster.alone,
        )
        routing = Routing(
            Router(
                self.config.routes
                or tuple(Route((name,), goes_on=True) for name in self._channels),
                labelling(self.config.targets, self.config.location),
            ),
            inhibitor,
            self.engine.told_anew,
            self._clock,
            self.metrics,
            Beside(self.config.public_url, self.notes.of),
            mutes.why,
        )
        return mutes, routing

    def _known(self) -> Facts:
        facts = Facts()
        for part in (
            self.retirements,
            self.budget,
            self.kindness,
            self.drift,
            self.objectives,
            self.anomalies,
            self.lasting.undelivered,
        ):
            facts.add(part.facts)
        return facts

    def _noted(self) -> Notes:
        notes, longest_s = Notes(), max(self.config.windows_s)
        notes.add(spread(self.config, self.lasting.elsewhere))
        notes.add(usual(self.anomalies.findings))
        notes.add(course(self.windows, longest_s))
        notes.add(newest_failure(self.pipeline.last_failures))
        notes.add(beside(self.pipeline.last_result))
        notes.add(spending(self.budget))
        notes.add(self.lasting.undelivered.notes)
        notes.add_of_end(lost(self.windows, longest_s))
        notes.add_of_end(budget_left(self.objectives))
        return notes

    def _has(self, target: Target) -> bool:
        """Say whether it is, as it is, a target of this road."""
        mine = self._targets.get(target.name)
        return mine is target or mine == target

    def _has_slower(self, target: Target) -> bool:
        mine = self._targets.get(target.name)
        return mine is not None and mine.interval_s > target.interval_s

    def refusal(self, target: Target) -> SkipReason | None:
        """Return why the target must not be probed now, or None when it may."""
        return self.admission.refusal(target) if self._has(target) else SkipReason.PAUSED

    def failing(self, target: Target, reason: SkipReason) -> Failing | None:
        """Return what a slot counts as that is skipped for a reason; None: no failure."""
        return self.kindness.failing(target, reason) if self._has(target) else None

    def show(self, collector: Collector) -> None:
        """Have a collector in /metrics for as long as this road leads."""
        self._collectors.append(collector)
        if self.lasting.leading is self:
            self.metrics.registry.register(collector)

    async def prepare(self, before: "Road") -> None:
        """Do what takes a while, before `take_over`. Raises LedgerError.

        Cancelling it ends the reading of the past, which may be a month's.
        """
        longest_s, now = max(self.config.windows_s), self._clock.steady()
        if longest_s > self.windows.longest_s:
            over, past, others = Event(), Windows(longest_s), Elsewhere(longest_s)
            self._past = past, others, now
            try:
                await self._replay(past, others, now, over.is_set, apart=True)
            finally:
                over.set()
        await self.budget.prepare(before.budget)  # last: what is drawn is wasted if this fails

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold off what must not be interrupted half-way: an evaluation, a draw on a budget."""
        async with self.evaluator.turn, self.budget.turn:
            yield

    async def idle(self) -> None:
        """Wait until every attempt that was begun here has ended."""
        await self._idle.wait()

    def take_over(self, before: "Road") -> Sequence[Book]:
        """Lead from now on, in one step; to be called while it is `before.turn`.

        Each alert stays as it is, each slot is run once, each result that is still to come is
        taken down here. Alerts whose rule or target is gone are over, and people are told.
        Returns the budgets that are gone, of which what was drawn is to be given back.
        """
        now, names = self._clock.steady(), self._targets.keys()
        for collector in before._collectors:
            self.metrics.registry.unregister(collector)
        self.lasting.leading = self
        for collector in self._collectors:
            self.metrics.registry.register(collector)
        self.metrics.keep_only(self.config.targets)
        if self._past is not None:
            past, others, read_at = self._past
            # Up to where ours still have everything.
            joined_at = min(read_at, now - self.windows.longest_s)
            self.windows.reach_back(past, joined_at)
            self.lasting.elsewhere.reach_back(others, joined_at)
            self._past = None
        self.windows.keep_only(names)
        self.lasting.elsewhere.keep_only(names)
        self.pipeline.keep_only(self._targets)
        self.pipeline.hastened(filter(before._has_slower, self.config.targets), now)
        self.drift.keep_only(names)
        self.kindness.take_over(before.kindness)
        gone = self.budget.take_over(before.budget)
        self.retirements.take_over(before.retirements, filter(before._has, self.config.targets))
        self.objectives.take_over(before.objectives)
        self.anomalies.take_over(before.anomalies)
        self.mutes.take_over(before.mutes)
        self.lasting.undelivered.keep_only(self._channels)
        self.deliverer.change(self._notifiers, self.config.most_per_hour)
        self._announcer.take_over(before._announcer)
        self._announcer.announce(self.engine.restore(before.engine.states(), now, now))
        self._route(before.routing, now)
        if self.shipping is not None:
            self.shipping.bound(self.config.store)
        self.scheduler.retarget(self.config.targets)
        return gone

    def _route(self, before: Routing, now: float) -> None:
        self.routing.inhibitor.held = held = before.inhibitor.held
        firing = firing_of(self.engine, held)
        groups = before.router.snapshot()
        self.routing.note(self.routing.router.restore(groups, firing, self._channels, now))
        self.routing.router.changed = True  # groups of channels that are gone are in the ledger

    async def run_slot(self, target: Target, slot: Slot) -> None:
        """Take a slot all the way; another road may lead by the time its result is had.

        The slot of a target that went or changed since it was begun is none, or the new one's.
        """
        current = self._targets.get(target.name)
        if current is None:
            return
        self.confirmations.give_way(current)
        match await self.cluster.claim(current, slot):
            case Turn.TAKEN:
                return
            case Turn.IN_FLIGHT:
                self.lasting.claimed.count(current, slot, SkipReason.IN_FLIGHT)
                return
        try:
            result = await self.lasting.make(current, slot)
        finally:
            self.cluster.release(current)
        if result is not None:
            self.confirmations.after(current, slot, result)

    async def make(self, target: Target, slot: Slot) -> ProbeResult | None:
        """Make a slot's own attempt and take down what it found; None: it could not be made."""
        current = self._targets.get(target.name)  # another road may have led when others were asked
        if current is None or current.interval_s != target.interval_s:
            return None
        if (result := await self.attempt(current, slot, 1)) is None:
            # A disk that takes nothing is no spent budget: the slot is missing, not held back.
            reason = SkipReason.PAUSED if self.budget.stuck else SkipReason.BUDGET
            self.lasting.claimed.count(current, slot, reason)
            return None
        await self.lasting.take(current, result)
        return result

    async def attempt(self, target: Target, slot: Slot, number: int) -> ProbeResult | None:
        """Make the attempt of this number; None: its budgets did not allow it after all."""
        return await self.paid(target, partial(self._probe, target, slot, number))

    async def paid(
        self, target: Target, probe: Callable[[], Awaitable[ProbeResult]]
    ) -> ProbeResult | None:
        """Make one attempt on the target's budgets; None: they did not allow it after all."""
        before = self._clock.bearings()
        self._under_way += 1
        self._idle.clear()
        try:
            result = await self.budget.spend(target, probe)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        return None if result is None else marked(result, before, self._clock.bearings())

    async def take(self, target: Target, result: ProbeResult) -> None:
        """Take down what an attempt found; of a target that is gone it is written down alone."""
        current = self._targets.get(target.name)
        if current is None or current.provider != target.provider:
            await self.pipeline.keep(result)
            return
        self._learn(current, result)
        await self.pipeline.take(current, result)
        self.cluster.tell(result)

    def _learn(self, target: Target, result: ProbeResult) -> None:
        self.admission.learn(target, result)
        self.retirements.learn(target, result)
        self.drift.observe(result)

    async def hear(self, heard: Sequence[Heard], keep: Keep) -> Counter[str]:
        """Take in what other replicas found, as if it had been found here."""
        return await self._hearing.take(heard, keep)

    async def lost(self, target: str, slot: Slot) -> bool:
        """Count a slot that another replica took, and of which nothing came; False: some did."""
        current = self._targets.get(target)
        return current is not None and await self.pipeline.lost(current, slot)

    async def restore(self, stopped: Callable[[], bool]) -> int:
        """Take up where the process before us stopped; return how many rows were replayed.

        Those are not all when it is `stopped` meanwhile.
        """
        now = self._clock.steady()
        rows = await self._replay(self.windows, self.lasting.elsewhere, now, stopped)
        self._announcer.announce(await restore_alerts(self._ledger, self.engine, now))
        await restore_routing(self._ledger, self.engine, self.routing, self._channels, now)
        await self.budget.open()
        await self.drift.restore()
        return rows

    async def _replay(
        self,
        windows: Windows,
        others: Elsewhere,
        now: float,
        stopped: Callable[[], bool],
        *,
        apart: bool = False,
    ) -> int:
        return await replay_windows(
            *(self._ledger, windows, max(self.config.windows_s), now, stopped),
            apart=apart,
            elsewhere=None if self.cluster.alone else others,
            location=self.config.location,
        )

    def past_grown(self, target: str) -> None:
        """Hear that the ledger has got more of a target's past than it had at the start."""
        self.objectives.grown(target)
        self.anomalies.grown(target)

    def eternal(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what must run for as long as we do, by name; without what is stopped in turn."""
        return {**self.running_on(), **self.running_here()}

    def running_on(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return that of it which goes on when another road leads."""
        shipping = (
            {} if self.shipping is None else {"points of windows": self.shipping.keep_windows}
        )
        return {
            **shipping,
            "recording of skipped slots": self.pipeline.record_skips,
            "claiming of skipped slots": self.lasting.claimed.settle,
            **self.cluster.running(lambda: self.lasting.leading),
            "keeping of drift": self.drift.run,
            "confirming of failures": self.confirmations.run,
        }

    def running_here(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return that of it which runs for as long as this road leads."""
        objectives = {"counting of objectives": self.objectives.run} if self.config.slos else {}
        anomalies = {"learning of what is usual": self.anomalies.run} if self.anomalies.any else {}
        return {
            **objectives,
            **anomalies,
            "evaluation of rules": self.evaluator.run,
            "housekeeping of the ledger": partial(
                keep_house, *(self._ledger, self.config.store, self._clock, self.metrics)
            ),
            "drawing of budgets": self.budget.run,
        }

    def readiness(self) -> Readiness:
        """Say whether this process watches what it should."""
        return readiness(
            self.config.targets,
            self.pipeline.last_slot_at,
            self.pipeline.ledger_error,
            self._clock.steady(),
            self._started_at,
        )

    def view(self) -> StatusView:
        """Return what a person should see now."""
        now, wall = self._clock.steady(), self._clock.wall()
        over_s = shown_window(self.config.windows_s)
        rows = (
            target_row(
                target,
                self.pipeline.last_result.get(target.name),
                self.windows.summary((target.name,), over_s, now),
                wall,
            )
            for target in self.config.targets
        )
        return StatusView(
            location=self.config.location,
            version=self.version,
            window=format_duration(over_s),
            targets=tuple(rows),
            alerts=tuple(alert_row(alert, now) for alert in self.engine.alerts()),
            readiness=self.readiness(),
        )


def shown_window(windows_s: tuple[float, ...]) -> float:
    """Return the window pages show: the longest not above fifteen minutes, else the shortest."""
    return max((w for w in windows_s if w <= 900.0), default=min(windows_s))
