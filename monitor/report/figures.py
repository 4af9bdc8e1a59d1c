"""What a report says, as values, and how its figures are worked out of roll-ups."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from aggregator.rollup.bucket import Bucket, Sum
from aggregator.summary import Distribution
from monitor.report.incidents import Incident, Stretch
from probes.result import Fault, Verdict

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Reading:
    """A percentile, in seconds."""

    value_s: float
    lower_bound: bool
    """Whether the true value is this or more: a deadline cut it short."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of one figure; None with too few samples for it."""

    p50: Reading | None = None
    p95: Reading | None = None
    p99: Reading | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What one target did in a stretch of time."""

    results: int
    due: int
    """Slots that should have had a result."""
    spoiled: int
    """Results that failed through the monitor itself: their slots were due, and are in no share."""
    tainted: int
    """Results with a time that our own lateness may have changed: it is in no percentile."""
    refused: int
    """Of the results: slots that were not asked, for a breaker was open, and count as failures."""
    held_back: int
    """Slots that were not asked by choice (budget, pacing): they were not due."""
    failures: dict[str, int]
    """By fault; without those that did not come."""
    vendor_availability: float | None
    """0..1, of the results; None without any."""
    availability: float | None
    """0..1, likewise, counting failures of every fault."""
    latency: Percentiles
    first_token: Percentiles
    throttled: int
    """Results with the verdict `throttled`: HTTP 429 and its like."""
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None when no cost is known."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day, UTC."""

    at: int
    """Its midnight, seconds since the epoch."""
    figures: Figures


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """How many failures of the vendor an objective allowed, and how many there were."""

    allowed: float
    spent: int
    left_ratio: float | None
    """Part that is left, negative when overspent; None when nothing was allowed."""


@dataclass(frozen=True, slots=True)
class StatedLimit:
    """A limit that response headers stated."""

    bucket: str
    limit: int | None
    """None: the headers named the bucket, and what was left of it, but no limit."""
    least_remaining: int | None
    times: int
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class Timing:
    """How the single results that are kept were timed."""

    kernel: int = 0
    """By the kernel's receive stamps."""
    user: int = 0
    """By our own clock, when we came to read."""
    none: int = 0
    """Nothing was received: they failed before it, or waited until their deadline."""
    interrupted: int = 0
    """While our wall clock was stepped or our machine suspended."""


@dataclass(frozen=True, slots=True)
class LocationReport:
    """What one location saw of a target."""

    location: str
    total: Figures


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target over the whole range, all asked locations taken together."""

    name: str
    provider: str
    """"" when no result of it is kept and it is not configured any more, as the model."""
    model: str
    asked: str
    """How it is asked, for people; "" when it is not configured any more."""
    total: Figures
    locations: tuple[LocationReport, ...]
    """Those with anything in the range."""
    budget: ErrorBudget | None
    """None without an objective, or without a result."""
    days: tuple[Day, ...]
    """Days with anything in them."""
    limits: tuple[StatedLimit, ...]
    timing: Timing


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report says. Times are wall times, seconds since the epoch."""

    since: float
    until: float
    made_at: float
    version: str
    """Of the Sonde that made it."""
    locations: tuple[str, ...]
    objective_ratio: float | None
    """0..1; None: none was given."""
    results_since: float | None
    """When the oldest single result that is kept began: no incident or limit from before it is
    known. None: none is kept."""
    pages_since: float | None
    """When the oldest word of a status page that is kept was read; None: none is kept."""
    targets: tuple[TargetReport, ...]
    """The worst first."""
    incidents: tuple[Incident, ...]
    incidents_left_out: int
    troubles: tuple[Stretch, ...]
    """When our own side was in the way."""
    troubles_left_out: int

    @property
    def evidence_is_short(self) -> bool:
        """Whether single results do not reach back as far as the report."""
        return self.results_since is None or self.results_since > self.since

    @property
    def evidence_is_gone(self) -> bool:
        """Whether no single result of its time is kept."""
        return self.results_since is None or self.results_since >= self.until

    @property
    def days(self) -> int:
        """How many days it is about; one that is not over yet is one."""
        return ceil((self.until - self.since) / DAY_S)


def figures(bucket: Bucket, over_s: float) -> Figures:
    """Work out what a bucket says."""
    summary = bucket.summary(over_s)
    n = summary.n
    vendors = summary.count(Fault.PROVIDER)
    refused = bucket.sums.get(Sum.REFUSED, 0)
    return Figures(
        results=n,
        due=n + summary.missed,
        spoiled=bucket.sums.get(Sum.SPOILED, 0),
        tainted=summary.tainted,
        refused=refused,
        held_back=sum(bucket.skips.values()) - refused - bucket.sums.get(Sum.MISSED, 0),
        failures={
            str(fault): number
            for fault in Fault
            if fault is not Fault.NONE and (number := summary.count(fault))
        },
        vendor_availability=1.0 - vendors / n if n else None,
        availability=1.0 - summary.failures / n if n else None,
        latency=_percentiles(summary.latency),
        first_token=_percentiles(summary.first_token),
        throttled=summary.count(Verdict.THROTTLED),
        input_tokens=bucket.sums.get(Sum.INPUT_TOKENS, 0),
        output_tokens=bucket.sums.get(Sum.OUTPUT_TOKENS, 0),
        cost_usd=summary.cost_usd,
    )


def _percentiles(of: Distribution | None) -> Percentiles:
    return Percentiles() if of is None else Percentiles(*(_reading(of, q) for q in _QS))


_QS: Final = (0.5, 0.95, 0.99)


def _reading(of: Distribution, q: float) -> Reading | None:
    value = of.quantile(q)
    return None if value is None else Reading(value, of.lower_bound(value))


def error_budget(total: Figures, objective_ratio: float | None) -> ErrorBudget | None:
    """Work out what an objective (0..1) allowed of the vendor's failures; None without one."""
    if objective_ratio is None or not total.results:
        return None
    allowed = (1.0 - objective_ratio) * total.results
    spent = total.failures.get(Fault.PROVIDER, 0)
    return ErrorBudget(allowed, spent, 1.0 - spent / allowed if allowed else None)


def whole(buckets: Sequence[Bucket]) -> Bucket:
    """Take stretches of time together."""
    total = Bucket()
    for bucket in buckets:
        total.merge(bucket)
    return total
