"""Error budgets as rules see them: how fast one burns in two windows, and whether that is sure.

Many windows, many rates, as in https://sre.google/workbook/alerting-on-slos/ (5 and 6): the long
window says that it matters, the short one that it is still so. That page counts requests by the
thousand. A probe a minute is five in five minutes, of which one failure is 20 %: so the long window
must be sure of its ratio as well.
"""

from dataclasses import dataclass
from typing import Final

from aggregator.slo import HOUR_S, MINUTE_S, Tally
from alerting.match import EVERYTHING, Match
from alerting.metric import Between

DAY_S: Final = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Slo:
    """A service level objective of the provider's part."""

    name: str
    objective: float
    """The part of the answers that is to be good, 0 < objective < 1."""
    match: Match = EVERYTHING
    """The targets whose answers it is made of."""
    over_s: float = 30.0 * DAY_S
    """The period it is to hold in, always the newest one."""

    @property
    def allowed_ratio(self) -> float:
        """The part of the answers that may be bad: the error budget."""
        return 1.0 - self.objective


@dataclass(frozen=True, slots=True)
class Burn:
    """What was counted in two windows that end now, and what would have been within the budget."""

    long: Tally
    short: Tally
    allowed_ratio: float

    @property
    def rate(self) -> float | None:
        """How many times as fast as allowed the budget burns: the lower of both windows'.

        1 spends exactly the budget in the period. None when a window holds nothing.
        """
        ratios = (self.long.ratio, self.short.ratio)
        known = [ratio for ratio in ratios if ratio is not None]
        return min(known) / self.allowed_ratio if len(known) == len(ratios) else None

    @property
    def sure_rate(self) -> float | None:
        """The same with what the long window is sure of, as `Tally.at_least` has it."""
        rate = self.rate
        return None if rate is None else min(rate, self.long.at_least() / self.allowed_ratio)

    @property
    def known(self) -> Between | None:
        """What a rule may rely on: a threshold between the two is unknown, neither begins nor ends.

        None when a window holds nothing.
        """
        rate, sure = self.rate, self.sure_rate
        return None if rate is None or sure is None else Between(sure, rate)


@dataclass(frozen=True, slots=True)
class Tier:
    """One pair of windows and what it means when both burn."""

    rule: str
    """The name of the rule that is made of it."""
    spent_ratio: float
    """The part of the period's budget that is gone when the long window has burnt at this rate."""
    long_s: float
    short_s: float
    pages: bool
    """Whether somebody is woken: else it is for the next morning."""

    def times(self, over_s: float) -> float:
        """Return the burn rate of an objective over that period: 14.4, 6 and 1 for 30 days."""
        return self.spent_ratio * over_s / self.long_s


TIERS: Final = (
    Tier("FastBurn", 0.02, HOUR_S, 5 * MINUTE_S, pages=True),
    Tier("SlowBurn", 0.05, 6 * HOUR_S, 30 * MINUTE_S, pages=True),
    Tier("BudgetBurn", 0.10, 3 * DAY_S, 6 * HOUR_S, pages=False),
)
"""Table 5-8 of the workbook: two pages and a ticket; the short window is a twelfth of the long."""
