"""Budget sections and DAILY_BUDGET_USD -> Budget values; prices they are kept by."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from monitor.config.document import KeyPath
from monitor.config.environment import SOURCE
from monitor.config.errors import Problem
from monitor.config.findings import Findings
from monitor.config.models import BudgetSection, TargetSection
from monitor.config.money import parse_usd
from monitor.config.sections import Sections
from monitor.config.values import Budget
from probes.estimate import NUSD_PER_USD, bound_of
from probes.result import Operation
from probes.target import Price, Target

VARIABLE: Final = "DAILY_BUDGET_USD"
STALE_DAYS: Final = 180
"""A price nobody has looked at for so long is named: vendors change theirs about twice a year."""


def compile_budgets(
    sections: Sections, known: Mapping[str, str], findings: Findings
) -> tuple[Budget, ...]:
    """Return the budgets: of all providers together first, then each provider's.

    DAILY_BUDGET_USD is the budget of all together, unless the file names one. A provider's day ends
    when that of all together does, unless its own says otherwise.
    """
    root = sections.root.budget or BudgetSection()
    timezone = root.timezone or "UTC"
    together_usd = root.daily or _variable(known, findings)
    found = (
        []
        if together_usd is None
        else [Budget(subject="", daily_usd=together_usd, timezone=timezone)]
    )
    for name, provider in sections.providers.items():
        said = provider.budget
        if said is None:
            continue
        if said.daily is None:
            findings.bad(("providers", name, "budget"), "missing: daily, such as 5 USD")
            continue
        found.append(Budget(subject=name, daily_usd=said.daily, timezone=said.timezone or timezone))
    return tuple(found)


def _variable(known: Mapping[str, str], findings: Findings) -> float | None:
    said = known.get(VARIABLE)
    try:
        return parse_usd(said) if said else None
    except ValueError as error:
        findings.problems.append(Problem(SOURCE, str(error), VARIABLE))
        return None


def judge_prices(
    budgets: tuple[Budget, ...],
    targets: tuple[Target, ...],
    sections: Sections,
    now: float | None,
    findings: Findings,
) -> None:
    """Refuse targets under a budget without a known price: what is not counted is not kept.

    With `now` (wall time), prices in the table that are doubtful are warned of.
    """
    subjects = {budget.subject for budget in budgets}
    prices = {
        (target.provider, target.model): target.price
        for target in targets
        if subjects & {"", target.provider}
    }
    for index, section in sections.targets.items():
        if section.operation is Operation.MODELS:
            continue
        for place, model in _models(("targets", index), section):
            price = prices.get((section.provider, model), _OUTSIDE)
            if price is None:
                shown = findings.document.shown(place)
                findings.bad(
                    place,
                    "no price is known, and a budget is to be kept: say it as providers."
                    f"{section.provider}.prices: {{{shown}: {{input: …, output: …}}}},"
                    " in US dollars per million tokens",
                )
            elif now is not None and (doubt := _doubt(price, now)):
                findings.warn(place, f"{doubt}: compare it with {price.source}")


def warn_of_dear_probes(
    budgets: tuple[Budget, ...], targets: tuple[Target, ...], findings: Findings
) -> None:
    """Name each budget of which a target's single probe may cost more than the whole day."""
    for budget in budgets:
        own = [target for target in targets if budget.subject in ("", target.provider)]
        costs = {target.name: _most_usd(target) for target in own}
        dear = [name for name, most_usd in costs.items() if most_usd > budget.daily_usd]
        if dear:
            dearest = max(dear, key=costs.__getitem__)
            path = ("providers", budget.subject, "budget") if budget.subject else ("budget",)
            findings.warn(
                path,
                f"a day of it pays for not one probe of {len(dear)} of its {len(own)} targets:"
                f" {dearest} may cost ${costs[dearest]:.4g}; raise it, or lower max_output_tokens",
            )


def _most_usd(target: Target) -> float:
    bound = bound_of(target)
    return 0.0 if bound is None else bound.cost_nusd / NUSD_PER_USD


_OUTSIDE: Final = Price(input_usd=0.0, output_usd=0.0)
"""Stands for the price of what is under no budget: it does not matter."""


def _models(path: KeyPath, section: TargetSection) -> Iterator[tuple[KeyPath, str]]:
    if section.model is not None:
        yield (*path, "model"), section.model
    for number, model in enumerate(section.models or ()):
        yield (*path, "models", number), model


def _doubt(price: Price, now: float) -> str:
    """Say what is doubtful about a price; "" for nothing, and for one of the configuration."""
    if price.as_of is None:
        return ""
    if not price.confirmed:
        return "the budget is kept by a price that no page confirms"
    today = datetime.fromtimestamp(now, UTC).date()
    if today - price.as_of > timedelta(days=STALE_DAYS):
        return f"the budget is kept by a price that was last confirmed on {price.as_of}"
    return ""
