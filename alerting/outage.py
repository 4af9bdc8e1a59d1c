"""The hard outage a rule is there for, and the windows a monitor sees of it, sample by sample.

The outage begins right after a probe was answered well, with a window full of good samples before
it. Which outage it is depends on what the rule looks at; its samples have the most extreme figure
a probe of this target can have.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, floor
from typing import Final

from aggregator.summary import QUANTILES, RECENT_FAULTS, Distribution, Summary, enough
from alerting.metric import Counted, Kind, Measure, Measured
from alerting.rule import Rule
from probes.result import Fault, Operation, Verdict
from probes.target import Target

_FAST_TOKENS_PER_S: Final = 1e6
"""A speed no answer reaches: what a good sample is taken for where slowness is looked for."""
_ALMOST: Final = 1 - 1e-9
"""A sample is this part of its interval old when the next one is about to come."""


class Outage(StrEnum):
    """What is taken to happen."""

    HANG = "every probe hangs until its deadline"
    SILENCE = "no slot gets a result"
    SLOW_START = "every first token comes at its deadline"
    SLOW_TOKENS = "every token comes at its deadline"
    TRICKLE = "every answer trickles in until its deadline"
    ERRORS = "every answer is an error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One rule and the numbers of one target in their outage. Durations in seconds."""

    rule: Rule
    interval_s: float
    deadline_s: float
    evaluate_every_s: float
    outage: Outage
    kind: Kind = Fault.PROVIDER
    """What a failed result is counted as."""
    bad: float = 0.0
    """The figure of the outage's samples, where the rule looks at a statistic."""
    good: float = 0.0
    """The figure of a good sample at its most misleading."""

    @property
    def spacing_s(self) -> float:
        """Time between two probes that both last until their deadline."""
        return self.interval_s * max(1, ceil(self.deadline_s / self.interval_s))

    @property
    def words(self) -> str:
        """The outage in words."""
        if self.outage is not Outage.ERRORS:
            return str(self.outage)
        noun = f"{self.kind} error" if isinstance(self.kind, Fault) else self.kind.replace("_", " ")
        return f"every answer is {'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def case_of(rule: Rule, target: Target, evaluate_every_s: float) -> Case | None:
    """Return the outage `rule` is there for; None when the target never has what it looks at."""
    case = Case(
        rule=rule,
        interval_s=target.interval_s,
        deadline_s=target.deadline_s,
        evaluate_every_s=evaluate_every_s,
        outage=Outage.SILENCE,
    )
    match rule.when.metric:
        case Measured(measure=measure):
            if measure is not Measure.LATENCY and not _streams(target):
                return None
            outage, bad, good = _slowness(measure, target)
            return replace(case, outage=outage, bad=bad, good=good)
        case Counted(kinds=kinds):
            kind = _failing(kinds)
            hangs = kind in (Fault.PROVIDER, Verdict.TIMEOUT)
            return replace(case, outage=Outage.HANG if hangs else Outage.ERRORS, kind=kind)
        case _:
            return case


def healthy(case: Case) -> Summary:
    """Return a window of good samples."""
    return _summary(case, ceil(case.rule.over_s / case.interval_s), 0, 0)


def window(case: Case, sample: int, good_s: float, age_s: float) -> Summary:
    """Return the window `age_s` after the end of the outage's probe number `sample` (from 1).

    `good_s` is how long the answers before the outage took.
    """
    reach_s = case.rule.over_s - age_s
    bad = min(sample, ceil(reach_s / case.spacing_s))
    # A good answer came that much sooner after its slot than the outcome of a hanging probe does.
    sooner_s = case.deadline_s - good_s
    good = ceil((reach_s - sooner_s) / case.spacing_s) - sample
    return _summary(case, max(0, good), max(0, bad), sample)


def moments(case: Case, sample: int, good_s: float) -> Iterator[Summary]:
    """Yield the windows an evaluation may see of a sample: new, and, during a hold, as it ages."""
    yield window(case, sample, good_s, 0.0)
    yield window(case, sample, good_s, case.evaluate_every_s)
    if case.rule.hold_s > 0:
        yield window(case, sample, good_s, case.spacing_s * _ALMOST)


def _streams(target: Target) -> bool:
    return target.stream and target.operation is Operation.CHAT


def _slowness(measure: Measure, target: Target) -> tuple[Outage, float, float]:
    """Return the outage a statistic can see, the figure it then has, and that of a good sample."""
    deadline_s = target.deadline_s
    match measure:
        case Measure.LATENCY:
            return Outage.HANG, deadline_s, 0.0
        case Measure.FIRST_TOKEN:
            return Outage.SLOW_START, min(deadline_s, target.first_token_deadline_s), 0.0
        case Measure.INTER_TOKEN:
            return Outage.SLOW_TOKENS, min(deadline_s, target.idle_deadline_s), 0.0
        case _:
            # The fewest tokens that have a speed at all, over the longest time there is.
            return Outage.TRICKLE, 2.0 / deadline_s, _FAST_TOKENS_PER_S


def _failing(kinds: tuple[Kind, ...]) -> Kind:
    """Choose what fails: a hanging provider where that counts, else the first kind named."""
    if not kinds or Fault.PROVIDER in kinds:
        return Fault.PROVIDER
    return Verdict.TIMEOUT if Verdict.TIMEOUT in kinds else kinds[0]


def _summary(case: Case, good: int, bad: int, run: int) -> Summary:
    """Build the summary of `good` and `bad` samples; the newest `run` ever were bad."""
    if case.outage is Outage.SILENCE:
        return Summary(
            over_s=case.rule.over_s,
            n=good,
            missed=bad,
            by_fault={Fault.NONE: good},
            rate_per_min=good * 60.0 / case.rule.over_s if good else None,
        )
    fault = case.kind if isinstance(case.kind, Fault) else Fault.PROVIDER
    summary = Summary(
        over_s=case.rule.over_s,
        n=good + bad,
        by_fault={Fault.NONE: good, fault: bad},
        by_verdict={case.kind: bad} if isinstance(case.kind, Verdict) else {},
        recent_faults=(Fault.NONE, *(fault,) * run)[-RECENT_FAULTS:],
    )
    metric = case.rule.when.metric
    if not isinstance(metric, Measured):
        return summary
    return _measured(summary, metric.measure, _distribution(case, good, bad))


def _measured(summary: Summary, measure: Measure, of: Distribution | None) -> Summary:
    match measure:
        case Measure.LATENCY:
            return replace(summary, latency=of)
        case Measure.FIRST_TOKEN:
            return replace(summary, first_token=of)
        case Measure.INTER_TOKEN:
            return replace(summary, inter_token=of)
        case _:
            return replace(summary, tokens_per_s=of)


def _distribution(case: Case, good: int, bad: int) -> Distribution | None:
    n = good + bad
    if n == 0:
        return None
    halves = sorted([(case.good, good), (case.bad, bad)])
    samples = tuple(value for value, number in halves for _ in range(number))
    return Distribution(
        n=n,
        mean=(case.good * good + case.bad * bad) / n,
        # Of two values only: the distance between them times sqrt(p (1 - p)).
        std=abs(case.good - case.bad) * (good * bad) ** 0.5 / n,
        max=samples[-1],
        quantiles={q: samples[floor(q * (n - 1))] for q in QUANTILES if enough(n, q)},
        censored_from=case.bad if bad and case.outage is Outage.HANG else None,
        samples=samples,
    )
