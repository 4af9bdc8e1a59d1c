"""What a day's probes can cost at most, against what their budget allows."""

from collections.abc import Iterable

from monitor.config.values import Budget
from probes.estimate import NUSD_PER_USD, bound_of
from probes.target import Target

_DAY_S = 86_400.0


def most_usd(budget: Budget, targets: Iterable[Target]) -> float:
    """Return what one attempt for each slot of a day would cost at its bound, in US dollars.

    Real answers are shorter than they may be: as a rule it is several times what is spent.
    """
    bounds = (
        (bound_of(target), target.interval_s)
        for target in targets
        if budget.subject in ("", target.provider)
    )
    nusd = sum(
        bound.cost_nusd * _DAY_S / interval_s for bound, interval_s in bounds if bound is not None
    )
    return nusd / NUSD_PER_USD
