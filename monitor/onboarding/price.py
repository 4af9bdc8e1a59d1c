"""What a configuration's probes can cost, in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from probes.estimate import NUSD_PER_USD, bound_of
from probes.target import Target

HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Price:
    """The most that probes cost if every answer is as long as it may be."""

    hour_usd: float
    unknown: tuple[str, ...]
    """Targets whose price nobody knows: they are not in the sum."""

    @property
    def day_usd(self) -> float:
        """What it is in a day."""
        return self.hour_usd * 24.0


def price_of(targets: Iterable[Target]) -> Price:
    """Return what one attempt for each slot costs at most."""
    hour_nusd, unknown = 0.0, []
    for target in targets:
        bound = bound_of(target)
        if bound is None:
            unknown.append(target.name)
        else:
            hour_nusd += bound.cost_nusd * HOUR_S / target.interval_s
    return Price(hour_nusd / NUSD_PER_USD, tuple(unknown))


def words(price: Price) -> str:
    """Return the price as a line for people."""
    known = f"costs at most {usd(price.hour_usd)} an hour, {usd(price.day_usd)} a day"
    if not price.unknown:
        return known
    names = ", ".join(price.unknown)
    if not price.hour_usd:
        return f"what {names} costs is not known: providers.NAME.prices in the file says it"
    return f"{known}; without {names}, whose price is not known"


def usd(amount: float) -> str:
    """Return an amount with digits enough to be told from nothing."""
    return f"${amount:,.2f}" if amount >= 1.0 or amount == 0.0 else f"${amount:.2g}"
