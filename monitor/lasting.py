"""What outlives a configuration: schedule, windows, counters, delivery, and all that is in flight.

A road begins with its own plan of what is probed and what rules say; when another one is to lead
(`Road.take_over`), these parts stay where they are and ask the new one from then on.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Protocol

from aggregator.ledger import Ledger
from aggregator.stores.delivery import Writer
from aggregator.window import Windows
from alerting.deliver import Deliverer, Outcome
from alerting.notification import Notifier
from monitor.clock import Clock
from monitor.cluster.claimed import ClaimedSlots
from monitor.cluster.protocol import Cluster, Hearer
from monitor.config.values import Config
from monitor.drift import DriftWatch
from monitor.elsewhere import Elsewhere
from monitor.kindness.confirmations import Confirmations, Way
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.scheduler import Scheduler
from monitor.shipping import Shipping
from monitor.undelivered import Undelivered
from probes.result import Failing, ProbeResult, SkipReason
from probes.target import Slot, Target


class Leading(Hearer, Protocol):
    """The road that leads: who outlives it asks it, and never one of before."""

    def refusal(self, target: Target, /) -> SkipReason | None:
        """Return why the target must not be probed now, or None when it may."""

    def failing(self, target: Target, reason: SkipReason, /) -> Failing | None:
        """Return what a slot counts as that is skipped for a reason; None: no failure."""

    async def run_slot(self, target: Target, slot: Slot, /) -> None:
        """Take a slot all the way."""

    async def make(self, target: Target, slot: Slot, /) -> ProbeResult | None:
        """Make a slot's own attempt and take down what it found; None: it could not be made."""

    async def attempt(self, target: Target, slot: Slot, number: int, /) -> ProbeResult | None:
        """Make one attempt; None: its budgets did not allow it after all."""

    async def take(self, target: Target, result: ProbeResult, /) -> None:
        """Take down what an attempt found."""


class Lasting:
    """The parts that all roads of one process share."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the first road was given
        self,
        first: Leading,
        config: Config,
        version: str,
        ledger: Ledger,
        notifiers: Mapping[str, Notifier],
        clock: Clock,
        on_result: Callable[[ProbeResult], None],
        store: Writer | None,
        cluster: Cluster,
    ) -> None:
        """`first` leads until another road does."""
        self.leading = first
        self.cluster = cluster
        self.metrics = metrics = Metrics(config.location, version)
        self.windows = Windows(longest_s=max(config.windows_s))
        self.pipeline = Pipeline(
            ledger,
            self.windows,
            metrics,
            clock,
            config.location,
            on_result,
            self._failing,
            alone=cluster.alone,
        )
        self.elsewhere = Elsewhere(longest_s=max(config.windows_s))
        self.drift = DriftWatch(ledger, metrics, clock)
        self.confirmations = Confirmations(
            Way(
                self._refusal,
                self._attempt,
                self.take,
                self.pipeline.target_crashed,
                cluster.claim_further,
                cluster.release,
            ),
            clock,
            Random(),  # noqa: S311 - jitter, not a secret
            lambda outcome: metrics.confirmations.labels(outcome.value).inc(),
        )
        self.claimed = ClaimedSlots(self.pipeline, cluster)
        self.scheduler = Scheduler(
            config.targets, self._run_slot, self.claimed, clock, self._refusal
        )
        self._clock = clock
        self.undelivered = Undelivered(tuple(notifiers))
        self.deliverer = Deliverer(
            *(ledger, notifiers, clock.steady, self._delivered, config.most_per_hour),
            consent=cluster.consent,
        )
        self.shipping = _shipping(config, store, ledger, clock, metrics)
        metrics.read(_counts(ledger, self.windows, clock))
        cluster.show(metrics.registry)

    def _refusal(self, target: Target) -> SkipReason | None:
        return self.leading.refusal(target)

    def _failing(self, target: Target, reason: SkipReason) -> Failing | None:
        return self.leading.failing(target, reason)

    async def _run_slot(self, target: Target, slot: Slot) -> None:
        await self.leading.run_slot(target, slot)

    async def make(self, target: Target, slot: Slot) -> ProbeResult | None:
        """Make a slot's own attempt, whoever leads by now."""
        return await self.leading.make(target, slot)

    async def _attempt(self, target: Target, slot: Slot, number: int) -> ProbeResult | None:
        return await self.leading.attempt(target, slot, number)

    async def take(self, target: Target, result: ProbeResult) -> None:
        """Take down what an attempt found, whoever leads by now."""
        await self.leading.take(target, result)

    def _delivered(self, channel: str, outcome: Outcome) -> None:
        self.metrics.notified(channel, outcome)
        self.undelivered.note(channel, outcome, self._clock.steady())


def _shipping(
    config: Config, writer: Writer | None, ledger: Ledger, clock: Clock, metrics: Metrics
) -> Shipping | None:
    if writer is None or config.store.influxdb is None:
        return None
    return Shipping(
        config.store,
        config.store.influxdb,
        writer,
        ledger,
        clock,
        config.location,
        metrics.registry,
        lambda: metrics.newest.evaluated.readings,
    )


def _counts(
    ledger: Ledger, windows: Windows, clock: Clock
) -> Mapping[str, tuple[str, Callable[[], float]]]:
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
            lambda: clock.steps,
        ),
        "sonde_suspends_total": (
            "Times this machine was suspended for more than 0.1 s.",
            lambda: clock.suspends,
        ),
    }
