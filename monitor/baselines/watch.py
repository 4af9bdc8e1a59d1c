"""Polls what others measure, and compares it with what we do."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerting.match import labels_of
from alerting.metric import Fact
from monitor.baselines.figure import figure_s
from monitor.clock import Clock
from monitor.collectors import WindowReading
from monitor.config.values import Baseline
from monitor.facts import Reading
from monitor.polled.poll import Poll
from probes.target import Target

STALE_BEATS: Final = 3
"""A figure that could not be read for so many beats says nothing any more."""


@dataclass(slots=True)
class _Known:
    """A baseline and its newest figure."""

    baseline: Baseline
    poll: Poll
    seconds: float | None = None


class Baselines(Collector):
    """What others measure."""

    def __init__(
        self,
        baselines: Sequence[Baseline],
        targets: Sequence[Target],
        clock: Clock,
        readings: Callable[[], Iterable[WindowReading]],
        over_s: float,
        location: str = "",
    ) -> None:
        """Compare with the `readings` of the newest evaluation that are over `over_s` seconds."""
        self._clock = clock
        self._readings = readings
        self._over_s = over_s
        self._known = tuple(_known(baseline, location) for baseline in baselines)
        self.polls = tuple(known.poll for known in self._known)
        self._of = {
            target.name: known
            for target in targets
            # The first that fits: what stands first in the file was meant first.
            for known in reversed(self._known)
            if known.baseline.match.matches(labels_of(target, location))
        }

    def _seconds(self, known: _Known) -> float | None:
        at = known.poll.confirmed_at
        limit_s = STALE_BEATS * known.baseline.every_s
        return None if at is None or self._clock.steady() - at > limit_s else known.seconds

    def facts(self, _now: float) -> Iterable[Reading]:
        """Say of each target how its latency compares, where both figures are known."""
        if not self._of:
            return
        for reading in self._readings():
            known, summary = self._of.get(reading.target.name), reading.summary
            if known is None or summary.over_s != self._over_s or summary.latency is None:
                continue
            ours_s = summary.latency.quantile(known.baseline.quantile)
            theirs_s = self._seconds(known)
            if ours_s is not None and theirs_s is not None:
                yield Fact.BASELINE_RATIO, reading.target.name, ours_s / theirs_s

    def collect(self) -> Iterable[Metric]:
        """Return the figures that are known."""
        text = "A latency as somebody else publishes it."
        family = GaugeMetricFamily("sonde_baseline_seconds", text, labels=("name",))
        for known in self._known:
            seconds = self._seconds(known)
            if seconds is not None:
                family.add_metric((known.baseline.name,), seconds)
        yield family


def _known(baseline: Baseline, location: str) -> _Known:
    def take(raw: bytes) -> None:
        known.seconds = figure_s(raw, baseline.steps, baseline.unit_s)

    poll = Poll(f"baseline {baseline.name}", baseline.url, baseline.every_s, take, seed=location)
    known = _Known(baseline, poll)
    return known
