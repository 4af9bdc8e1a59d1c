"""What goes with a budget's alert."""

from dataclasses import replace

from alerting.defaults import default_rules
from alerting.engine import Identity, Transition
from monitor.budget.keeper import Keeper
from monitor.budget.told import spending
from probes.result import ProbeResult
from probes.target import Target
from tests.standins.purse import MemoryPurse
from tests.unit.alerting.test_render import FIRED
from tests.unit.monitor.budget.paying import BOUND_USD, Hands, budget, opened, result, target


def fired(rule: str, **labels: str) -> Transition:
    """An alert of a default rule."""
    default = next(each for each in default_rules() if each.name == rule)
    return replace(FIRED, identity=Identity(rule, tuple(labels.items())), rule=default)


async def spent(keeper: Keeper, of: Target, **changes: object) -> None:
    """Make an attempt."""

    async def attempt() -> ProbeResult:
        return result(of, **changes)

    await keeper.spend(of, attempt)


async def test_a_budget_says_what_is_spent_of_it() -> None:
    """A provider's alert speaks of its own budget, that of this instance of the one of all."""
    a = target()
    budgets = [budget("", 5000.0), budget("p", 1000.0)]
    keeper = await opened(MemoryPurse(), Hands(), budgets, [a])
    await spent(keeper, a)
    told = spending(keeper)
    assert told(fired("BudgetNear", provider="p")) == ("$10.00 of $1,000.00 are spent today",)
    assert told(fired("BudgetNear", location="here")) == ("$10.00 of $5,000.00 are spent today",)
    assert told(fired("BudgetNear", provider="q")) == ()
    assert told(fired("Down", provider="p")) == ()
    assert told(replace(FIRED, rule=None)) == ()


async def test_a_budget_says_that_probing_has_stopped() -> None:
    """Used up is as soon as what is left pays for no probe, whatever little was spent."""
    a = target()
    keeper = await opened(MemoryPurse(), Hands(), [budget("p", 300.0)], [a])

    async def meanwhile() -> ProbeResult:
        (line,) = spending(keeper)(fired("BudgetNear", provider="p"))
        assert line == "$0 of $300.00 are spent today"
        return result(a)

    await keeper.spend(a, meanwhile)
    assert spending(keeper)(fired("Budget", provider="p")) == (
        f"$10.00 of $300.00 are spent today; a probe that may cost more than what is left, up to"
        f" ${BOUND_USD}.00, is not sent before midnight (UTC)",
    )


async def test_a_provider_that_was_stopped_is_said_to_be() -> None:
    """With plenty left: it is not the money that is missing. It need have no budget of its own."""
    a = target()
    keeper = await opened(MemoryPurse(), Hands(), [budget("", 100_000.0)], [a])
    for _ in range(2):
        await spent(keeper, a, output_tokens=900, cost_usd=900.0)
    (line,) = spending(keeper)(fired("Budget", provider="p"))
    assert "bills more than its own prices allow" in line
