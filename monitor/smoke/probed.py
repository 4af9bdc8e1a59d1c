"""What one round found. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from probes.result import Fault, ProbeResult, SkipReason
from probes.target import Target
from probes.trace import Trace


@dataclass(frozen=True, slots=True)
class Probed:
    """One target of the round."""

    target: Target
    found: ProbeResult | SkipReason
    """Why it was left out, where there is no result."""
    trace: Trace

    @property
    def ok(self) -> bool:
        """Whether it was probed, and well."""
        return isinstance(self.found, ProbeResult) and self.found.ok


@dataclass(frozen=True, slots=True)
class Round:
    """All of them, in the order of the configuration."""

    location: str
    began_at: float
    """Wall time, seconds since the epoch."""
    took_s: float
    probed: Sequence[Probed]

    @property
    def results(self) -> tuple[ProbeResult, ...]:
        """Those there are."""
        return tuple(each.found for each in self.probed if isinstance(each.found, ProbeResult))

    @property
    def skipped(self) -> int:
        """Targets that were not probed."""
        return len(self.probed) - len(self.results)

    @property
    def failed(self) -> int:
        """Results that are not ok, whosever fault that is."""
        return sum(not result.ok for result in self.results)

    @property
    def ours(self) -> int:
        """Results that say nothing of a provider, for the fault is this process's own."""
        return sum(result.fault is Fault.MONITOR for result in self.results)

    @property
    def ok(self) -> bool:
        """Whether every target was probed, and well."""
        return all(each.ok for each in self.probed)

    @property
    def cost_usd(self) -> float | None:
        """What it cost, as far as that is known; None: of nothing."""
        known = [each.cost_usd for each in self.results if each.cost_usd is not None]
        return sum(known) if known else None
