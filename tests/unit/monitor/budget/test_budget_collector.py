"""Budgets as Prometheus sees them."""

from prometheus_client import CollectorRegistry

from monitor.budget.collector import BudgetCollector
from probes.result import ProbeResult
from tests.standins.purse import MemoryPurse
from tests.unit.monitor.budget.paying import BOUND_USD, Hands, budget, opened, result, target


async def test_every_budget_is_shown_as_it_stands() -> None:
    """Limit, spent and reserved in dollars; `_all` for the budget of all together."""
    a = target()
    keeper = await opened(
        MemoryPurse(), Hands(), [budget("", 5000.0), budget("p", 1000.0)], [a, target("b", "q")]
    )
    registry = CollectorRegistry()
    registry.register(BudgetCollector(keeper))

    def shown(name: str, provider: str) -> float | None:
        return registry.get_sample_value(name, {"provider": provider})

    async def attempt() -> ProbeResult:
        assert shown("sonde_budget_reserved_usd", "p") == BOUND_USD
        return result(a, output_tokens=900, cost_usd=900.0)

    found = await keeper.spend(a, attempt)
    assert found is not None
    keeper.learn(a, found)
    assert shown("sonde_budget_limit_usd", "_all") == 5000.0
    assert shown("sonde_budget_limit_usd", "p") == 1000.0
    assert shown("sonde_budget_spent_usd", "_all") == 900.0
    assert shown("sonde_budget_reserved_usd", "p") == 0.0
    # 100 dollars are left for 720 probes at 900.
    ratio = shown("sonde_budget_pace_ratio", "p")
    assert ratio is not None
    assert 0.0 < ratio < 0.001
    assert shown("sonde_budget_overruns_total", "p") == 1
    assert shown("sonde_budget_overruns_total", "q") == 0
