"""PromQL over the metrics of docs/metrics.md: what replicas tell alike is counted once.

Every replica shows what all of its location found, so a figure is the largest of what they say, and
never the sum. What a replica knows of itself alone is shown for each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from tests.docs.metrics import Metric, metrics

RECENT: Final = "$__rate_interval"
"""At least four scrapes, and a step of the drawing. https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/"""
_PARTS: Final = re.compile(r"_(?:bucket|sum|count)$")
_NAMES: Final = re.compile(r"\bsonde_\w+")


@cache
def _by_name() -> Mapping[str, Metric]:
    return {each.name: each for each in metrics()}


def metric(name: str) -> Metric:
    """Return what the page says of a series, parts of histograms and summaries too.

    Raises KeyError for a name that no daemon exposes.
    """
    found = _by_name()
    return found[name] if name in found else found[_PARTS.sub("", name)]


def named(expression: str) -> tuple[Metric, ...]:
    """Return the metrics an expression asks for, each once, in their order."""
    names = dict.fromkeys(metric(name).name for name in _NAMES.findall(expression))
    return tuple(map(metric, names))


@dataclass(frozen=True, slots=True)
class Asking:
    """How a dashboard's variables narrow what is asked."""

    variables: Mapping[str, str]
    """Labels, and the variables that say which of their values are shown."""

    def series(self, name: str, *matching: str) -> str:
        """Select a metric's series, with as many of the variables as it has labels for."""
        labels = (*metric(name).labels, "instance")
        narrowed = (
            f'{label}=~"${variable}"'
            for label, variable in self.variables.items()
            if label in labels
        )
        matchers = ", ".join((*narrowed, *matching))
        return f"{name}{{{matchers}}}" if matchers else name

    def shared(self, name: str, *matching: str) -> str:
        """Ask for a figure that all replicas tell alike."""
        return f"max by ({self._labels(name)}) ({self.series(name, *matching)})"

    def grown(self, name: str, *matching: str, over: str = RECENT) -> str:
        """Ask how much a counter grew that all replicas keep alike, each since its own start."""
        asked = f"increase({self.series(name, *matching)}[{over}])"
        return f"max by ({self._labels(name)}) ({asked})"

    def own_growth(self, name: str, by: str, *matching: str, over: str = RECENT) -> str:
        """Ask how much a counter grew that each replica keeps of itself."""
        return f"sum by ({by}) (increase({self.series(name, *matching)}[{over}]))"

    def quantile(self, share: float, name: str, by: str, over: str = RECENT) -> str:
        """Ask for a percentile of a histogram that all replicas keep alike."""
        buckets = self.grown(f"{name}_bucket", over=over)
        return f"histogram_quantile({share:g}, sum by ({by}, le) ({buckets}))"

    def own_quantile(self, share: float, name: str, over: str = RECENT) -> str:
        """Ask for a percentile of a histogram that each replica keeps of itself."""
        buckets = self.own_growth(f"{name}_bucket", "instance, le", over=over)
        return f"histogram_quantile({share:g}, {buckets})"

    def _labels(self, name: str) -> str:
        more = ("le",) if name.endswith("_bucket") else ()
        return ", ".join((*metric(name).labels, *more))
