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
    USD_PER_H = "usd_per_h"
    FLAG = "flag"
    """1 when it is so, else 0."""


class Measure(StrEnum):
    """A quantity of which a window keeps a distribution."""

    LATENCY = "latency"
    FIRST_TOKEN = "first_token"  # noqa: S105 - a token of text, not a secret
    INTER_TOKEN = "inter_token"  # noqa: S105 - the same
    TOKENS_PER_S = "tokens_per_s"


class Statistic(StrEnum):
    """One figure of a distribution that is no percentile."""

    MEAN = "mean"
    MAX = "max"
    MIN = "min"
    STD = "std"


@dataclass(frozen=True, slots=True, order=True)
class Percentile:
    """A percentile from the median up, in thousandths: 950 is `p95`, 999 is `p99.9`.

    Raises ValueError for one that lies elsewhere.
    """

    permille: int

    def __post_init__(self) -> None:
        """Refuse what is no percentile of the language."""
        if not _LOWEST <= self.permille <= _HIGHEST:
            raise ValueError(f"no percentile of {self.permille} thousandths")

    @property
    def q(self) -> float:
        """The quantile, 0..1."""
        return self.permille / 1000

    def __str__(self) -> str:
        return f"p{self.permille / 10:g}"


_LOWEST: Final = 500
_HIGHEST: Final = 999


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
    COST = "cost"
    """What the window's probes cost, as money an hour."""
    NO_DATA = "no_data"
    """1 when slots fell due in the window and none has a result, 0 when one has; unknown while no
    slot fell due."""


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
    PROVIDER_FAILING = "provider.failing_share"
    """Part of a provider key's models of which a critical alert says that they fail, 0..1; 0 below
    three such models, unknown where it has fewer; of a provider."""
    EGRESS_FAILING = "egress.failing"
    """1 when our own way out is down, else 0; of this instance."""
    CHANNELS_FAILING = "channels.failing"
    """Channels that gave up a message within the last hour; of this instance."""
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
    statistic: Statistic | Percentile

    def __str__(self) -> str:
        return f"{self.measure}.{self.statistic}"


@dataclass(frozen=True, slots=True)
class Counted:
    """A count of failures, as in `error_rate(provider)`.

    `kinds` holds faults or verdicts, never both; empty, every result that is not ok counts.
    """

    count: Count
    kinds: tuple[Kind, ...] = ()
    last: int = 0
    """`failures of last 5`: among so many of the newest results, whenever they were had (faults
    alone); 0: among all in the window."""

    def __str__(self) -> str:
        text = f"{self.count}({', '.join(self.kinds)})" if self.kinds else str(self.count)
        return f"{text} of last {self.last}" if self.last else text


@dataclass(frozen=True, slots=True)
class Anomalous:
    """Whether a figure is unusual for its target and hour, as in `latency.p95 is anomalous`.

    A fact of a target, 1 or 0: whoever keeps the baselines says it, and says nothing (unknown)
    while it learns.
    """

    of: Measured
    """A percentile: of nothing else is it known what is usual."""

    def __str__(self) -> str:
        return f"{self.of} is anomalous"


@dataclass(frozen=True, slots=True)
class BurnRate:
    """How many times too fast an objective's error budget goes, as in `burn_rate(1h, 5m)`.

    A fact, known of an objective's targets together (of the location) or of each: the smaller of
    the rates over both windows, so that it is above a threshold where both are. Unknown while
    either window holds too little to say so.
    """

    slo: str
    long_s: int
    short_s: int

    def __str__(self) -> str:
        return f"burn_rate({_span(self.long_s)}, {_span(self.short_s)})"


def _span(seconds: int) -> str:
    """Write a whole number of seconds in the largest unit that divides it."""
    for unit, length_s in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length_s == 0:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"


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
        Fact.PROVIDER_FAILING: (Whose.PROVIDER,),
        Fact.EGRESS_FAILING: (Whose.LOCATION,),
        Fact.CHANNELS_FAILING: (Whose.LOCATION,),
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
        Fact.PROVIDER_FAILING: Unit.RATIO,
        Fact.EGRESS_FAILING: Unit.FLAG,
        Fact.CHANNELS_FAILING: Unit.COUNT,
        Fact.DRIFT_EVENTS: Unit.COUNT,
        Fact.RETIREMENT_DAYS: Unit.DAYS,
        Fact.BASELINE_RATIO: Unit.TIMES,
    }
)

AnyFact = Fact | Anomalous | BurnRate
"""What is in no window of results: somebody knows it, or nobody does."""
Metric = Measured | Counted | Plain | AnyFact


@dataclass(frozen=True, slots=True)
class Between:
    """A figure that is not known exactly: it is certain to lie between these."""

    low: float
    high: float


Value = float | Between
"""What is known of a fact."""


def whose(fact: AnyFact) -> tuple[Whose, ...]:
    """Return whom a fact is known of, the usual one first."""
    match fact:
        case Anomalous():
            return (Whose.TARGET,)
        case BurnRate():
            return (Whose.LOCATION, Whose.TARGET)
        case _:
            return WHOSE[fact]


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
        case Plain.COST:
            return Unit.USD_PER_H
        case Anomalous() | Plain.NO_DATA:
            return Unit.FLAG
        case BurnRate():
            return Unit.TIMES
        case _:
            return Unit.COUNT
