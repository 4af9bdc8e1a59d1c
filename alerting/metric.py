"""What a condition can look at: four kinds of metric, each with one unit.

A metric is a name for one number: of a Summary, or a fact that is in no window. The closed sets
here are the words of the `when` language; `alerting.expression` reads and writes them,
`alerting.evaluate` takes the number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from probes.result import Fault, Verdict

Kind = Fault | Verdict
"""What a counted metric may count."""


class Unit(StrEnum):
    """The unit of a metric's value, and so of the threshold it is compared with."""

    SECONDS = "s"
    RATIO = "ratio"
    COUNT = "count"
    TOKENS_PER_S = "tokens_per_s"
    PER_MINUTE = "per_minute"
    DAYS = "days"
    TIMES = "times"
    """How many times as much."""
    FLAG = "flag"
    """1 when it is so, else 0."""


class Measure(StrEnum):
    """A quantity of which a window keeps a distribution."""

    LATENCY = "latency"
    FIRST_TOKEN = "first_token"  # noqa: S105 - a token of text, not a secret
    INTER_TOKEN = "inter_token"  # noqa: S105 - the same
    TOKENS_PER_S = "tokens_per_s"


class Statistic(StrEnum):
    """One figure of a distribution."""

    P50 = "p50"
    P95 = "p95"
    P99 = "p99"
    P999 = "p99.9"
    MEAN = "mean"
    MAX = "max"
    STD = "std"


QUANTILE: Final[Mapping[Statistic, float]] = MappingProxyType(
    {Statistic.P50: 0.5, Statistic.P95: 0.95, Statistic.P99: 0.99, Statistic.P999: 0.999}
)
"""The quantile behind each percentile; the other statistics have none."""


class Count(StrEnum):
    """A figure made by counting results of certain kinds."""

    ERROR_RATE = "error_rate"
    FAILURES = "failures"
    CONSECUTIVE = "consecutive_failures"


class Plain(StrEnum):
    """A figure that takes no argument."""

    SAMPLES = "samples"
    """Measured results in the window."""
    RATE = "rate"
    """Results per minute."""
    COVERAGE = "coverage"
    """Results / slots that should have had one."""


class Fact(StrEnum):
    """A figure that is not of a window of results: of a target, a provider or this instance.

    What nobody knows is absent, never 0: a rule over it leaves its alerts as they are.
    """

    BUDGET_USED = "budget.used"
    """Part of the day's budget that is spent or reserved, 0..; of a provider, or of all. 1 as soon
    as what is left pays for no probe."""
    HEADROOM = "rate_limit.headroom"
    """What is left of the tightest bucket, 0..1; of a provider."""
    STATUS_PAGE_DISAGREES = "status_page.disagrees"
    """1 when the provider's status page says otherwise than our probes, else 0; of a provider."""
    EGRESS_FAILING = "egress.failing"
    """1 when our own way out is down, else 0; of this instance."""
    DRIFT_EVENTS = "drift.events"
    """Changes of the returned model, fingerprint or vector within the last hour; of a target."""
    RETIREMENT_DAYS = "retirement.days"
    """Days until the model is retired, negative when it was; of a target."""
    BASELINE_RATIO = "baseline.ratio"
    """Our latency / an outside monitor's; of a target."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A statistic of a distribution, as in `latency.p95`."""

    measure: Measure
    statistic: Statistic

    def __str__(self) -> str:
        return f"{self.measure}.{self.statistic}"


@dataclass(frozen=True, slots=True)
class Counted:
    """A count of failures, as in `error_rate(provider)`.

    `kinds` holds faults or verdicts, never both; empty, every result that is not ok counts.
    """

    count: Count
    kinds: tuple[Kind, ...] = ()

    def __str__(self) -> str:
        return f"{self.count}({', '.join(self.kinds)})" if self.kinds else str(self.count)


class Whose(StrEnum):
    """What a fact is a fact of."""

    TARGET = "target"
    PROVIDER = "provider"
    LOCATION = "location"


WHOSE: Final[Mapping[Fact, tuple[Whose, ...]]] = MappingProxyType(
    {
        Fact.BUDGET_USED: (Whose.PROVIDER, Whose.LOCATION),
        Fact.HEADROOM: (Whose.PROVIDER,),
        Fact.STATUS_PAGE_DISAGREES: (Whose.PROVIDER,),
        Fact.EGRESS_FAILING: (Whose.LOCATION,),
        Fact.DRIFT_EVENTS: (Whose.TARGET,),
        Fact.RETIREMENT_DAYS: (Whose.TARGET,),
        Fact.BASELINE_RATIO: (Whose.TARGET,),
    }
)
"""What each fact is known of, the usual one first."""
_UNIT: Final[Mapping[Fact, Unit]] = MappingProxyType(
    {
        Fact.BUDGET_USED: Unit.RATIO,
        Fact.HEADROOM: Unit.RATIO,
        Fact.STATUS_PAGE_DISAGREES: Unit.FLAG,
        Fact.EGRESS_FAILING: Unit.FLAG,
        Fact.DRIFT_EVENTS: Unit.COUNT,
        Fact.RETIREMENT_DAYS: Unit.DAYS,
        Fact.BASELINE_RATIO: Unit.TIMES,
    }
)

Metric = Measured | Counted | Plain | Fact


def unit_of(metric: Metric) -> Unit:
    """Return the unit a metric's values are in."""
    match metric:
        case Fact():
            return _UNIT[metric]
        case Measured(measure=Measure.TOKENS_PER_S):
            return Unit.TOKENS_PER_S
        case Measured():
            return Unit.SECONDS
        case Counted(count=Count.ERROR_RATE) | Plain.COVERAGE:
            return Unit.RATIO
        case Plain.RATE:
            return Unit.PER_MINUTE
        case _:
            return Unit.COUNT
