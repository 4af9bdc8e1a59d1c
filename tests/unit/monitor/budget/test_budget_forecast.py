"""What a day can cost at most."""

import pytest

from monitor.budget.forecast import most_usd
from probes.result import Operation
from tests.unit.monitor.budget.paying import BOUND_USD, budget, target


@pytest.mark.parametrize(("subject", "slots"), [("", 1440 + 720), ("p", 1440), ("q", 720)])
def test_every_slot_at_its_bound(subject: str, slots: int) -> None:
    """Of the targets under the budget, each at its own interval; lists of models cost nothing."""
    targets = [
        target("a", "p"),
        target("b", "q", interval_s=120.0),
        target("m", "p", operation=Operation.MODELS, price=None),
    ]
    assert most_usd(budget(subject), targets) == pytest.approx(slots * BOUND_USD)


def test_an_unknown_price_adds_nothing() -> None:
    """A configuration with one under a budget is refused before anybody asks."""
    assert most_usd(budget(), [target(price=None)]) == 0.0
