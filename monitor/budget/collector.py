"""What /metrics shows of budgets."""

from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.budget.keeper import Keeper
from probes.estimate import NUSD_PER_USD

_LABELS: Final = ("provider",)


class BudgetCollector(Collector):
    """Budgets as they stand when Prometheus asks; `_all` is that of all providers together."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def collect(self) -> Iterable[Metric]:
        """Return today's figures; safe in any thread."""
        keeper = self._keeper
        for name, text, values in (
            ("limit", "A day's budget.", [book.cap_nusd for book in keeper.books]),
            (
                "spent",
                "Spent today, what a process before this one may have spent included.",
                [book.account.used_nusd for book in keeper.books],
            ),
            (
                "reserved",
                "Reserved for attempts under way.",
                [book.account.reserved_nusd for book in keeper.books],
            ),
        ):
            usd = [value / NUSD_PER_USD for value in values]
            yield self._gauge(f"sonde_budget_{name}_usd", text, usd)
        ratios = [keeper.ratio(book) for book in keeper.books]
        yield self._gauge("sonde_budget_pace_ratio", "Part of the slots it lets through.", ratios)
        overruns = CounterMetricFamily(
            "sonde_budget_overruns_total",
            "Attempts of today that were billed beyond what was possible.",
            labels=_LABELS,
        )
        for provider, attempts in keeper.overruns():
            overruns.add_metric((provider,), attempts)
        yield overruns

    def _gauge(self, name: str, text: str, values: Sequence[float]) -> Metric:
        family = GaugeMetricFamily(name, text, labels=_LABELS)
        for book, value in zip(self._keeper.books, values, strict=True):
            family.add_metric((book.subject or "_all",), value)
        return family
