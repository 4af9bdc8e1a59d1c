"""What Prometheus sees. Names, labels and units are part of the interface.

Labels are closed sets or names from the configuration, never text from a provider. What there is of
every target is plain values that we write out ourselves (series.py, families.py): with thousands
of targets a metrics library holds the loop for seconds. What there is of this process is few lines
and in the library's registry, its own process and garbage collector metrics among them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from enum import StrEnum
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from monitor.collectors import CountsCollector, EvaluationGauges
from monitor.exposition import label_text, written
from monitor.families import PROVIDER_FAMILIES, STATUS_FAMILIES, TARGET_FAMILIES
from monitor.series import ProviderSeries, StatusSeries, TargetSeries
from probes.result import ProbeResult, SkipReason
from probes.target import Slot, Target

SERIES: Final = ("provider", "model", "target", "operation", "location")
"""The labels of everything that speaks of one target."""
LATENESS_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class DroppedKind(StrEnum):
    """What had to go because the ledger had outgrown its size."""

    RESULTS = "results"
    """Skipped slots too."""
    MINUTES = "minutes"


class Metrics:
    """Every metric of one daemon; used in its loop alone."""

    def __init__(self, location: str, version: str) -> None:
        self._location = location
        self._targets: dict[str, TargetSeries] = {}
        self._providers: dict[str, ProviderSeries] = {}
        self._shown: Mapping[str, str] | None = None
        """The labels of each target there is, by its name; None: those of the start."""
        self._shown_providers: AbstractSet[str] | None = None
        self._statuses = StatusSeries()
        self.newest = EvaluationGauges(lambda target: self._of(target).labels)
        self.registry = CollectorRegistry()
        """What is not of one target or provider."""
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._define_alerting()
        self._define_times()
        self._define_findings()
        self._define_losses()
        self._build.labels(version).set(1)

    def _define_alerting(self) -> None:
        """Define what tells of rules and messages."""
        r = self.registry
        self._notifications = Counter(
            "sonde_notifications_total",
            "Delivery attempts by outcome.",
            ("channel", "outcome"),
            registry=r,
        )
        self._transitions = Counter(
            "sonde_alert_transitions_total",
            "State changes of alerts by reason.",
            ("alertname", "reason"),
            registry=r,
        )
        self._inhibited = Counter(
            "sonde_alerts_inhibited_total",
            "News of alerts that was held back because other news explains it.",
            ("alertname", "reason"),
            registry=r,
        )
        self._routed = Counter(
            "sonde_alerts_routed_total",
            "What became of alerts on their way to channels; without one: to none.",
            ("channel", "event"),
            registry=r,
        )
        self.rule_errors = Gauge(
            "sonde_rules_broken", "Rules and sources of facts that raised an error.", registry=r
        )

    def _define_times(self) -> None:
        """Define what tells how late and how long we were ourselves."""
        r = self.registry
        self.evaluation = Histogram(
            "sonde_evaluation_seconds",
            "Time one evaluation of all rules took.",
            buckets=LATENESS_BUCKETS,
            registry=r,
        )
        self._lateness = Histogram(
            "sonde_slot_lateness_seconds",
            "How late probes were started after their slot.",
            buckets=LATENESS_BUCKETS,
            registry=r,
        )
        self.loop_lag = Gauge(
            "sonde_loop_lag_seconds",
            "Worst event loop lateness since the evaluation before.",
            registry=r,
        )
        self._gc_pause = Histogram(
            "sonde_gc_pause_seconds",
            "How long runs of the garbage collector stopped this process.",
            buckets=LATENESS_BUCKETS,
            registry=r,
        )

    def _define_findings(self) -> None:
        """Define what tells of findings beside single results."""
        r = self.registry
        self.confirmations = Counter(
            "sonde_confirmations_total",
            "Confirming attempts after a failure by what they found.",
            ("outcome",),
            registry=r,
        )
        self.heartbeats = Counter(
            "sonde_heartbeats_total",
            "Beats of the dead-man's switch by what became of them.",
            ("outcome",),
            registry=r,
        )
        self._drift = Counter(
            "sonde_drift_events_total",
            "Changes of the returned model, the fingerprint or the vector.",
            ("target", "kind"),
            registry=r,
        )
        self.config_good = Gauge(
            "sonde_config_last_reload_successful",
            "Whether the newest configuration read is the one that runs.",
            registry=r,
        )
        self.config_good_at = Gauge(
            "sonde_config_last_reload_success_timestamp_seconds",
            "When a configuration was last read and taken up: at the start, or since.",
            registry=r,
        )
        self._build = Gauge("sonde_build_info", "Constant 1.", ("version",), registry=r)

    def _define_losses(self) -> None:
        """Define what tells of losses on our side."""
        r = self.registry
        self._crashes = Counter(
            "sonde_target_crashes_total",
            "Exceptions in a target's own code.",
            ("target",),
            registry=r,
        )
        self.volatile = Counter(
            "sonde_results_volatile_total",
            "Results that could not be committed and live in memory only.",
            registry=r,
        )
        self.dropped_skips = Counter(
            "sonde_skips_unrecorded_total", "Skipped slots the ledger has no row of.", registry=r
        )
        self.dropped_rows = Counter(
            "sonde_ledger_dropped_rows_total",
            "Oldest rows deleted because the ledger had outgrown store.max_size: results and"
            " skipped slots, then minutes of the roll-ups.",
            ("kind",),
            registry=r,
        )
        for kind in DroppedKind:
            self.dropped_rows.labels(kind.value)
        self.rollup_failures = Counter(
            "sonde_rollup_failures_total",
            "Turns in which the ledger was not rolled up: a bug, or an unreadable bucket.",
            registry=r,
        )
        self.left_out_rows = Gauge(
            "sonde_rollup_left_out_rows",
            "Rows of all time that are in no roll-up: of no possible time, or a newer version's.",
            registry=r,
        )
        self.drift_unrecorded = Counter(
            "sonde_drift_unrecorded_total",
            "New values of answers the ledger has no row of.",
            registry=r,
        )
        self._scrapes = Counter(
            "sonde_scrapes_failed_total",
            "Requests for these metrics that were refused or cut off.",
            ("reason",),
            registry=r,
        )
        self.wrong_tokens = Counter(
            "sonde_api_wrong_tokens_total",
            "Requests with a token that is not ours.",
            registry=r,
        )
        self.streams_refused = Counter(
            "sonde_api_streams_refused_total",
            "Streams that found no place: too many were open.",
            registry=r,
        )

    def _of(self, target: Target) -> TargetSeries:
        """Return a target's series; its name is its own within a configuration."""
        found = self._targets.get(target.name)
        if found is None:
            labels = label_text(SERIES, self._about(target))
            found = TargetSeries(labels)
            if self._shown is None or self._shown.get(target.name) == labels:
                self._targets[target.name] = found
        return found

    def _is_gone(self, target: str) -> bool:
        return self._shown is not None and target not in self._shown

    def keep_only(self, targets: Sequence[Target]) -> None:
        """Forget the series of all targets but these, and of those that go by other labels now.

        The others' counters go on: whoever graphs them sees no reset. What comes in late of one
        that is gone is shown nowhere.
        """
        wanted = {target.name: label_text(SERIES, self._about(target)) for target in targets}
        self._shown = wanted
        self._shown_providers = {target.provider for target in targets}
        for name, series in tuple(self._targets.items()):
            if wanted.get(name) != series.labels:
                del self._targets[name]
            if name not in wanted:
                for counter in (self._crashes, self._drift):
                    counter.remove_by_labels({"target": name})
        for name in self._providers.keys() - self._shown_providers:
            del self._providers[name]
        newest, known = self.newest.evaluated, set(targets)
        shown = tuple(reading for reading in newest.readings if reading.target in known)
        self.newest.evaluated = replace(newest, readings=shown)

    def _about(self, target: Target) -> tuple[str, ...]:
        return (target.provider, target.model, target.name, target.operation, self._location)

    def labels(self, target: Target) -> str:
        """Return the labels of a target's series, as they stand between the braces."""
        return self._of(target).labels

    def observe(self, target: Target, result: ProbeResult) -> None:
        """Count one first attempt's result."""
        self._of(target).observe(result)
        self._of_provider(result.provider).observe(result)
        self._statuses.observe(result)

    def _of_provider(self, name: str) -> ProviderSeries:
        found = self._providers.get(name)
        if found is None:
            found = ProviderSeries(label_text(("provider",), (name,)))
            if self._shown_providers is None or name in self._shown_providers:
                self._providers[name] = found
        return found

    def observe_further(self, target: Target, result: ProbeResult) -> None:
        """Count what an attempt used up that is no slot's result: confirming, or asked for."""
        self._of(target).spend(result)
        self._of_provider(result.provider).spend(result)

    def slot_started(self, target: Target, slot: Slot, lateness_s: float) -> None:
        """Note a slot that is being run."""
        self._lateness.observe(lateness_s)
        self._of(target).slot_started(slot.at)

    def slot_skipped(self, target: Target, reason: SkipReason) -> None:
        """Count a slot without a probe."""
        self._of(target).slot_skipped(reason)

    def target_crashed(self, target: Target) -> None:
        """Count a bug at a target's edge."""
        if not self._is_gone(target.name):
            self._crashes.labels(target.name).inc()

    def drifted(self, target: str, kind: str) -> None:
        """Count a change of what a target's answers say of themselves."""
        if not self._is_gone(target):
            self._drift.labels(target, kind).inc()

    def notified(self, channel: str, outcome: str) -> None:
        """Count a delivery attempt."""
        self._notifications.labels(channel, outcome).inc()

    def transition(self, alertname: str, reason: str) -> None:
        """Count a state change of an alert."""
        self._transitions.labels(alertname, reason).inc()

    def routed(self, channel: str, event: str) -> None:
        """Count what became of an alert on its way to a channel; empty: to none."""
        self._routed.labels(channel, event).inc()

    def inhibited(self, alertname: str, reason: str) -> None:
        """Count a piece of news that people did not get, or not yet."""
        self._inhibited.labels(alertname, reason).inc()

    def gc_paused(self, pause_s: float) -> None:
        """Count a run of the garbage collector. Not from within one: it may hold our locks."""
        self._gc_pause.observe(pause_s)

    def scrape_failed(self, reason: str) -> None:
        """Count a scrape that got no metrics, or not all."""
        self._scrapes.labels(reason).inc()

    def read(self, counts: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        """Show counts that other parts keep: name -> (help, how to read it in any thread)."""
        self.registry.register(CountsCollector(counts))

    def written(self) -> Iterator[str]:
        """Yield the text of everything but the registry, in small pieces, whole families in turn.

        Results may come in between two pieces: every piece is right for the moment it is made.
        """
        yield from self.newest.written()
        yield from written(TARGET_FAMILIES, tuple(self._targets.values()))
        yield from written(PROVIDER_FAMILIES, tuple(self._providers.values()))
        yield from written(STATUS_FAMILIES, (self._statuses,))
