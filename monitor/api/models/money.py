"""Objectives, costs and rate limits."""

from typing import Literal

from pydantic import Field

from monitor.api.models.shape import Shape


class Burn(Shape):
    """How fast an error budget burns over one pair of windows: 1 uses it up just in time."""

    window: str = Field(description="Such as 1h.")
    rate: float | None
    sure_rate: float | None = Field(description="What it is at least, by its confidence bound.")
    threshold: float | None = Field(
        description="From where on the objective's own rule fires; null: it has none."
    )
    severity: str


class SloRow(Shape):
    """One objective, of all its targets together or of one."""

    name: str
    target: str = Field(description="Empty: all of its targets together.")
    kind: str = Field(description="`availability` or what else it counts, in words.")
    objective: float = Field(description="0..1")
    period_s: float
    n: int
    bad: int
    good_ratio: float | None
    left_ratio: float | None = Field(
        description="Part of the error budget that is left; negative: overspent."
    )
    burns: list[Burn]


class BudgetRow(Shape):
    """One daily budget."""

    subject: str = Field(description="A provider's or target's name, or `all`.")
    date: str
    resets_at: float
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    used_ratio: float
    stretched: str = Field(
        default="", description="How probing is slowed to last until the reset; empty: it is not."
    )


class CostRow(Shape):
    """What one target cost, day by day (UTC). Null: no price, or no result."""

    provider: str
    target: str
    model: str
    usd: list[float | None]
    total_usd: float | None
    input_tokens: int
    output_tokens: int


class Costs(Shape):
    """Costs over a stretch of days."""

    days: list[str]
    rows: list[CostRow]
    total_usd: float | None
    budgets: list[BudgetRow]


class LimitRow(Shape):
    """One rate limit of one provider's key, as said by its headers and as seen."""

    provider: str
    model: str
    bucket: str = Field(description="Such as requests or tokens.")
    limit: int | None = Field(description="As the provider says.")
    remaining: int | None
    headroom: float | None = Field(description="remaining / limit, 0..1.")
    reset_s: float | None
    at: float
    observed_per_min: float | None = Field(
        description="What was let through before requests were refused; null: none was."
    )
    agrees: Literal["yes", "no", "unknown"] = Field(
        description="Whether what is seen fits what is said."
    )
