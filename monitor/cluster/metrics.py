"""What /metrics shows of the group, as this replica sees it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aggregator.heard import Standing
from monitor.cluster.awaited import Awaited
from monitor.cluster.link import Link
from monitor.cluster.members import Members
from monitor.cluster.protocol import UNKNOWN, Turn
from monitor.cluster.publisher import Publisher
from monitor.cluster.reader import Reader


@dataclass(frozen=True, slots=True)
class Pieces:
    """Who knows."""

    link: Link
    members: Members
    publisher: Publisher
    reader: Reader
    awaited: Awaited
    turns: Callable[[], Mapping[Turn, int]]
    """What became of claims."""


class ClusterCollector(Collector):
    """The group as it stands when Prometheus asks."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    def collect(self) -> Iterable[Metric]:
        """Return what is known; asks nobody."""
        yield from self._gauges()
        yield from self._counters()

    def _gauges(self) -> Iterable[Metric]:
        of = self._pieces
        there = Counter(each.location for each in of.members.members)
        replicas = GaugeMetricFamily(
            "sonde_cluster_replicas", "Replicas heard of lately.", labels=("location",)
        )
        for location, number in sorted(there.items()):
            replicas.add_metric((location,), number)
        yield replicas
        for name, text, value in (
            ("connected", "Whether Redis answers.", float(of.link.connected)),
            (
                "clock_ahead_seconds",
                "How far our wall clock is ahead of that of Redis.",
                of.members.ahead_s,
            ),
            (
                "behind_seconds",
                "Since when news is told that is not heard yet; 0: all of it is.",
                of.reader.behind_s,
            ),
            ("untold_news", "Results and skips that wait to be told.", of.publisher.waiting),
            ("awaited_slots", "Slots of other replicas whose news is awaited.", len(of.awaited)),
        ):
            yield GaugeMetricFamily(f"sonde_cluster_{name}", text, value)

    def _counters(self) -> Iterable[Metric]:
        of = self._pieces
        turns = {turn.value: number for turn, number in of.turns().items()}
        heard = {word: of.reader.heard[word] for word in (*Standing, UNKNOWN)}
        heard.update(told=of.publisher.told, refused=of.reader.refused)
        yield _counted("claims", "Slots asked for, by what became of it.", "turn", turns)
        yield _counted("news", "Results and skips told and heard.", "what", heard)
        for name, text, number in (
            ("lost_slots", "Slots of other replicas that came to nothing.", of.reader.lost),
            (
                "dropped_news",
                "Results and skips that nobody will hear: Redis was away for too long.",
                of.publisher.dropped,
            ),
            (
                "overlooked_slots",
                "Slots of other replicas that were not awaited: too many were.",
                of.awaited.overlooked,
            ),
        ):
            yield CounterMetricFamily(f"sonde_cluster_{name}_total", text, number)


def _counted(name: str, text: str, label: str, numbers: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"sonde_cluster_{name}_total", text, labels=(label,))
    for word, number in sorted(numbers.items()):
        family.add_metric((word,), number)
    return family
