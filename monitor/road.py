"""The road of a slot, put together: schedule, probe, ledger, windows, rules, outbox, delivery.

It serves nothing and opens nothing itself: the daemon brings the ledger, the notifiers and whatever
makes a ProbeResult of a slot. That makes it the part that also runs in virtual time.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from random import Random

from aggregator.ledger import Ledger
from aggregator.stores.delivery import Writer
from aggregator.window import Windows
from alerting.consequence import natures_of
from alerting.deliver import Deliverer, Outcome
from alerting.engine import Engine, Transition
from alerting.notification import Notifier
from alerting.routing.route import Route
from alerting.routing.router import Router
from monitor.admission import Admission
from monitor.announcer import Announcer
from monitor.anomaly import Anomalies
from monitor.bearings import marked
from monitor.breadth import Breadth
from monitor.budget.collector import BudgetCollector
from monitor.budget.keeper import Keeper
from monitor.budget.purse import LedgerPurse
from monitor.budget.told import spending
from monitor.clock import Clock
from monitor.comparisons import beside, budget_left, course, lost, usual
from monitor.config.durations import format_duration
from monitor.config.values import Config
from monitor.drift import DriftWatch
from monitor.evaluator import Asked, Evaluator
from monitor.facts import Facts
from monitor.health import Readiness, readiness
from monitor.housekeeping import keep_house
from monitor.inhibitor import Inhibitor
from monitor.kindness.confirmations import Confirmations, Way
from monitor.kindness.gate import Kindness
from monitor.metrics import Metrics
from monitor.mutes import Mutes
from monitor.notes import Notes, newest_failure
from monitor.pipeline import Pipeline
from monitor.restore import replay_windows, restore_alerts, restore_routing
from monitor.retirement import Retirements
from monitor.routing import Beside, Routing, labelling
from monitor.scheduler import Scheduler
from monitor.shipping import Shipping
from monitor.slo import Objectives
from monitor.undelivered import Undelivered
from monitor.view import StatusView, alert_row, target_row
from probes.lag import LagMeter
from probes.result import ProbeResult, SkipReason
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
    """Every part between the clock and the channels, wired."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        notifiers: Mapping[str, Notifier],
        probe: Probe,
        clock: Clock,
        lag: LagMeter,
        observers: Observers,
        store: Writer | None = None,
    ) -> None:
        self.config = config
        self.version = version("sonde")
        self._ledger = ledger
        self._probe = probe
        self._channels = tuple(notifiers)
        self._clock = clock
        self._started_at = clock.steady()
        self.metrics = Metrics(config.location, self.version)
        self.windows = Windows(longest_s=max(config.windows_s))
        self.engine = Engine(config.rules, config.targets, location=config.location)
        self.kindness = Kindness(config, clock.steady)
        self.pipeline = Pipeline(
            ledger,
            self.windows,
            self.metrics,
            clock,
            config.location,
            observers.on_result,
            self.kindness.failing,
        )
        self.facts = Facts()
        self.retirements = Retirements(config.providers, config.targets)
        self.facts.add(self.retirements.facts)
        self.budget = Keeper(config.budgets, config.targets, LedgerPurse(ledger), clock)
        self.facts.add(self.budget.facts)
        if config.budgets:
            self.metrics.registry.register(BudgetCollector(self.budget))
        self.facts.add(self.kindness.facts)
        self.drift = DriftWatch(ledger, self.metrics, clock)
        self.facts.add(self.drift.facts)
        self.objectives = Objectives(config.slos, config.targets, config.location, ledger, clock)
        self.facts.add(self.objectives.facts)
        self.anomalies = Anomalies(
            config.rules,
            config.targets,
            config.location,
            ledger,
            self.windows,
            max(config.windows_s),
            clock,
        )
        self.facts.add(self.anomalies.facts)
        self.admission = Admission((self.budget, self.kindness))
        self.confirmations = Confirmations(
            Way(self.admission.refusal, self._attempt, self._take, self.pipeline.target_crashed),
            clock,
            Random(),  # noqa: S311 - jitter, not a secret
            lambda outcome: self.metrics.confirmations.labels(outcome.value).inc(),
        )
        self.scheduler = Scheduler(
            config.targets, self._run_slot, self.pipeline, clock, self.admission.refusal
        )
        self.undelivered = Undelivered(self._channels)
        self.facts.add(self.undelivered.facts)
        self.deliverer = Deliverer(
            ledger, notifiers, clock.steady, self._delivered, config.most_per_hour
        )
        self.metrics.read(self._counts())
        self.notes = Notes()
        longest_s = max(config.windows_s)
        self.notes.add(usual(self.anomalies.findings))
        self.notes.add(course(self.windows, longest_s))
        self.notes.add(newest_failure(self.pipeline.last_failures))
        self.notes.add(beside(self.pipeline.last_result))
        self.notes.add(spending(self.budget))
        self.notes.add(self.undelivered.notes)
        self.notes.add_of_end(lost(self.windows, longest_s))
        self.notes.add_of_end(budget_left(self.objectives))
        inhibitor = Inhibitor(
            self.engine.told_anew, self.metrics.inhibited, natures_of(config.rules)
        )
        self.facts.add(Breadth(config.targets, lambda: inhibitor.failing).facts)
        self.mutes = Mutes(ledger, config.maintenance, clock, inhibitor.explains)
        self.routing = Routing(
            Router(
                config.routes or tuple(Route((name,), goes_on=True) for name in notifiers),
                labelling(config.targets, config.location),
            ),
            inhibitor,
            self.engine.told_anew,
            clock,
            self.metrics,
            Beside(config.public_url, self.notes.of),
            self.mutes.why,
        )
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
            Asked(self.facts, self.kindness.readings, self.mutes),
        )

        self.shipping = self._shipping(store)

    def _shipping(self, writer: Writer | None) -> Shipping | None:
        config = self.config
        if writer is None or config.store.influxdb is None:
            return None
        return Shipping(
            config.store,
            config.store.influxdb,
            writer,
            self._ledger,
            self._clock,
            config.location,
            self.metrics.registry,
            lambda: self.metrics.newest.evaluated.readings,
        )

    def _counts(self) -> Mapping[str, tuple[str, Callable[[], float]]]:
        ledger, windows = self._ledger, self.windows
        return {
            "sonde_ledger_queue_works": (
                "Writes waiting for the next commit.",
                lambda: ledger.stats.queued,
            ),
            "sonde_ledger_failed_commits_total": (
                "Transactions the disk did not take.",
                lambda: ledger.stats.failed_commits,
            ),
            "sonde_ledger_rejected_works_total": (
                "Writes refused because too many were waiting.",
                lambda: ledger.stats.rejected,
            ),
            "sonde_ledger_damaged_files": (
                "Damaged ledgers that lay beside ours at the start.",
                lambda: ledger.damaged_files,
            ),
            "sonde_window_rejected_figures_total": (
                "Impossible figures (negative, not finite) left out of the windows.",
                lambda: windows.rejected,
            ),
            "sonde_window_overwritten_samples_total": (
                "Samples that had to give way before their window was over.",
                lambda: windows.overwritten,
            ),
            "sonde_clock_steps_total": (
                "Times the wall clock was set by more than 0.1 s.",
                lambda: self._clock.steps,
            ),
            "sonde_suspends_total": (
                "Times this machine was suspended for more than 0.1 s.",
                lambda: self._clock.suspends,
            ),
        }

    def _delivered(self, channel: str, outcome: Outcome) -> None:
        self.metrics.notified(channel, outcome)
        self.undelivered.note(channel, outcome, self._clock.steady())

    async def _run_slot(self, target: Target, slot: Slot) -> None:
        self.confirmations.give_way(target)
        result = await self._attempt(target, slot, 1)
        if result is None:
            # A disk that takes nothing is no spent budget: the slot is missing, not held back.
            reason = SkipReason.PAUSED if self.budget.stuck else SkipReason.BUDGET
            self.pipeline.slot_skipped(target, slot, reason)
            return
        await self._take(target, result)
        self.confirmations.after(target, slot, result)

    async def _attempt(self, target: Target, slot: Slot, number: int) -> ProbeResult | None:
        return await self.paid(target, partial(self._probe, target, slot, number))

    async def paid(
        self, target: Target, probe: Callable[[], Awaitable[ProbeResult]]
    ) -> ProbeResult | None:
        """Make one attempt on the target's budgets; None: they did not allow it after all."""
        before = self._clock.bearings()
        result = await self.budget.spend(target, probe)
        return None if result is None else marked(result, before, self._clock.bearings())

    async def _take(self, target: Target, result: ProbeResult) -> None:
        self.admission.learn(target, result)
        self.retirements.learn(target, result)
        self.drift.observe(result)
        await self.pipeline.take(target, result)

    async def restore(self, stopped: Callable[[], bool]) -> int:
        """Take up where the process before us stopped; return how many rows were replayed.

        Those are not all when it is `stopped` meanwhile.
        """
        now = self._clock.steady()
        longest_s = max(self.config.windows_s)
        rows = await replay_windows(self._ledger, self.windows, longest_s, now, stopped)
        self._announcer.announce(await restore_alerts(self._ledger, self.engine, now))
        await restore_routing(self._ledger, self.engine, self.routing, self._channels, now)
        await self.budget.open()
        await self.drift.restore()
        return rows

    def past_grown(self, target: str) -> None:
        """Hear that the ledger has got more of a target's past than it had at the start."""
        self.objectives.grown(target)
        self.anomalies.grown(target)

    def eternal(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what must run for as long as we do, by name; without what is stopped in turn."""
        shipping = (
            {} if self.shipping is None else {"points of windows": self.shipping.keep_windows}
        )
        objectives = {"counting of objectives": self.objectives.run} if self.config.slos else {}
        anomalies = {"learning of what is usual": self.anomalies.run} if self.anomalies.any else {}
        return {
            **shipping,
            **objectives,
            **anomalies,
            "evaluation of rules": self.evaluator.run,
            "recording of skipped slots": self.pipeline.record_skips,
            "housekeeping of the ledger": self._keep_house,
            "keeping of drift": self.drift.run,
            "drawing of budgets": self.budget.run,
            "confirming of failures": self.confirmations.run,
        }

    async def _keep_house(self) -> None:
        await keep_house(self._ledger, self.config.store, self._clock, self.metrics)

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
