"""The road of a slot, put together: schedule, probe, ledger, windows, rules, outbox, delivery.

It serves nothing and opens nothing itself: the daemon brings the ledger, the notifiers and whatever
makes a ProbeResult of a slot. That makes it the part that also runs in virtual time.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from aggregator.ledger import Ledger
from aggregator.stores.delivery import Writer
from aggregator.window import Windows
from alerting.deliver import Deliverer
from alerting.engine import Engine, Transition
from alerting.notification import Notifier
from monitor.admission import Admission
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.config.durations import format_duration
from monitor.config.values import Config
from monitor.evaluator import Evaluator
from monitor.facts import Facts
from monitor.health import Readiness, readiness
from monitor.housekeeping import keep_house
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.restore import replay_windows, restore_alerts
from monitor.scheduler import Scheduler
from monitor.shipping import Shipping
from monitor.view import StatusView, alert_row, target_row
from probes.lag import LagMeter
from probes.result import ProbeResult
from probes.target import Slot, Target

Probe = Callable[[Target, Slot], Awaitable[ProbeResult]]


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
        self._clock = clock
        self._started_at = clock.steady()
        self.metrics = Metrics(config.location, self.version)
        self.windows = Windows(longest_s=max(config.windows_s))
        self.engine = Engine(config.rules, config.targets, location=config.location)
        self.pipeline = Pipeline(
            ledger, self.windows, self.metrics, clock, config.location, observers.on_result
        )
        self.facts = Facts()
        self.admission = Admission()
        self.scheduler = Scheduler(
            config.targets, self._run_slot, self.pipeline, clock, self.admission.refusal
        )
        self.deliverer = Deliverer(ledger, notifiers, clock.steady, self.metrics.notified)
        self.metrics.read(self._counts())
        self._announcer = Announcer(
            ledger,
            self.deliverer,
            tuple(notifiers),
            clock,
            self.metrics,
            observers.on_transition,
            config.public_url,
        )
        self.evaluator = Evaluator(
            config,
            self.engine,
            self.windows,
            clock,
            self.metrics,
            self._announcer,
            lag,
            self.facts,
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
            "sonde_window_rejected_figures_total": (
                "Impossible figures (negative, not finite) left out of the windows.",
                lambda: windows.rejected,
            ),
            "sonde_window_overwritten_samples_total": (
                "Samples that had to give way before their window was over.",
                lambda: windows.overwritten,
            ),
        }

    async def _run_slot(self, target: Target, slot: Slot) -> None:
        result = await self._probe(target, slot)
        self.admission.learn(target, result)
        await self.pipeline.take(target, result)

    async def restore(self) -> int:
        """Take up where the process before us stopped; return how many rows were replayed."""
        now = self._clock.steady()
        longest_s = max(self.config.windows_s)
        rows = await replay_windows(self._ledger, self.windows, longest_s, now)
        self._announcer.announce(await restore_alerts(self._ledger, self.engine, now))
        return rows

    def eternal(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what must run for as long as we do, by name; without what is stopped in turn."""
        shipping = (
            {} if self.shipping is None else {"points of windows": self.shipping.keep_windows}
        )
        return {
            **shipping,
            "evaluation of rules": self.evaluator.run,
            "recording of skipped slots": self.pipeline.record_skips,
            "housekeeping of the ledger": self._keep_house,
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
