"""The rules that run unless the configuration says otherwise.

Each fires in its own kind of outage with the shipped intervals and deadlines, and stays quiet
through a month in which nothing is wrong; both are tested. A rule of the configuration with the
name of a default replaces it, wholly and wherever it applied.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from aggregator.summary import samples_for
from alerting.condition import Condition, Expression, comparisons
from alerting.expression import parse
from alerting.inhibition import ACCOUNT, MONITOR_EGRESS, PROVIDER_DOWN
from alerting.match import Match
from alerting.metric import Count, Counted, Measured, Metric, Percentile
from alerting.rule import Rule, Severity, Subject

_M15 = 900.0
_H1 = 3600.0
_CHAT = ("operation", ("chat", "responses"))
_XAI = ("preset", ("xai",))
_NOT_XAI = ("preset", ("!xai",))


def default_rules() -> tuple[Rule, ...]:
    """Return the default rules; some share a name, and speak of different targets or subjects."""
    return (*_availability(), *_latency(), *_ours(), *_budget(), *_facts())


def default_min_samples(metric: Metric, min_failures: int = 0) -> int:
    """Return `min_samples` for a rule that does not say it.

    A percentile asks for as many as it takes to state it; a mean, a maximum or a rate
    over fewer than five results is the luck of one. With `min_failures` a rate has a floor of its
    own, and a count needs none.
    """
    match metric:
        case Measured(statistic=Percentile(q=quantile)):
            return samples_for(quantile)
        case Measured():
            return 5
        case Counted(count=Count.ERROR_RATE) if min_failures <= 0:
            return 5
        case _:
            return 0


def usual_min_samples(when: Expression, min_failures: int = 0) -> int:
    """Return the same for a whole condition.

    Where there are several comparisons a percentile's own need is left to itself: it is unknown
    without, and the others need not wait for it.
    """
    if isinstance(when, Condition):
        return default_min_samples(when.metric, min_failures)
    every = (each.metric for each in comparisons(when))
    return max(
        0 if _percentile(metric) else default_min_samples(metric, min_failures) for metric in every
    )


def _percentile(metric: Metric) -> bool:
    return isinstance(metric, Measured) and isinstance(metric.statistic, Percentile)


def merge(
    defaults: Sequence[Rule], own: Sequence[Rule], disabled: AbstractSet[str]
) -> tuple[Rule, ...]:
    """Return the rules that run: the defaults nobody replaced, then the configuration's own.

    A name among `own` or `disabled` drops every default of that name; `disabled` drops own rules
    too.
    """
    replaced = {rule.name for rule in own} | disabled
    kept = (rule for rule in defaults if rule.name not in replaced)
    return (*kept, *(rule for rule in own if rule.name not in disabled))


def _availability() -> tuple[Rule, ...]:
    """Return the rules for an API that does not answer, or answers wrongly."""
    return (
        Rule(
            name="Down",
            when=parse("consecutive_failures(provider, network) >= 3"),
            # Failures in a row are counted whenever they were; a window without a result in it
            # makes the rule unknown, so that an old run says nothing of today.
            over_s=_H1,
            severity=Severity.CRITICAL,
        ),
        Rule(
            name="ErrorRate",
            match=Match((_NOT_XAI,)),
            when=parse("error_rate(provider) > 5%"),
            over_s=_M15,
            hold_s=300.0,
            min_failures=3,
            severity=Severity.CRITICAL,
        ),
        Rule(
            name="ErrorRate",
            match=Match((_XAI,)),
            when=parse("error_rate(provider) > 20%"),
            over_s=_M15,
            hold_s=120.0,
            min_failures=3,
            severity=Severity.CRITICAL,
        ),
    )


def _latency() -> tuple[Rule, ...]:
    """Return the rules for an API that answers, but slowly."""
    return (
        Rule(
            name="HighLatency",
            match=Match((_CHAT,)),
            when=parse("latency.p95 > 5s"),
            over_s=_M15,
            hold_s=120.0,
            min_samples=5,
            # The p95 of a quarter of an hour of minutely probes is its second slowest. Two slow
            # answers of ten thousand lie that close together by chance every few months on each
            # target; three do so once in a century.
            min_failures=3,
            severity=Severity.WARNING,
        ),
        Rule(
            name="CriticalLatency",
            match=Match((_CHAT,)),
            when=parse("latency.p95 > 10s"),
            over_s=_M15,
            hold_s=60.0,
            min_samples=5,
            severity=Severity.CRITICAL,
        ),
        Rule(
            name="SlowMean",
            match=Match((_XAI, _CHAT)),
            when=parse("latency.mean > 30s"),
            over_s=_M15,
            hold_s=300.0,
            # A probe every two minutes leaves seven or eight in the window.
            min_samples=3,
            severity=Severity.WARNING,
        ),
    )


def _ours() -> tuple[Rule, ...]:
    """Return the rules for our own side: probes that do not run, the account, the request."""
    return (
        Rule(
            name="LowThroughput",
            when=parse("coverage < 50%"),
            over_s=_M15,
            hold_s=600.0,
            severity=Severity.WARNING,
        ),
        Rule(
            name=ACCOUNT,
            when=parse("failures(account) >= 2"),
            over_s=_M15,
            severity=Severity.CRITICAL,
            subject=Subject.PROVIDER,
        ),
        Rule(
            name="Request",
            when=parse("failures(request) >= 2"),
            over_s=_M15,
            severity=Severity.WARNING,
        ),
    )


def _budget() -> tuple[Rule, ...]:
    """Return the rules for the day's money: of each provider, and of all together."""
    near = Rule(
        name="BudgetNear",
        when=parse("budget.used > 80%"),
        severity=Severity.WARNING,
        subject=Subject.PROVIDER,
    )
    gone = Rule(
        name="Budget",
        when=parse("budget.used >= 100%"),
        # What was reserved and not spent comes back when a probe ends: the last cents go to and
        # fro, and that is one piece of news.
        keep_firing_for_s=_M15,
        severity=Severity.CRITICAL,
        subject=Subject.PROVIDER,
    )
    every = (replace(rule, subject=Subject.LOCATION) for rule in (near, gone))
    return (near, gone, *every)


def _facts() -> tuple[Rule, ...]:
    """Return the rules for our own way out, for providers, and for models that change or go."""
    return (
        Rule(
            name=MONITOR_EGRESS,
            when=parse("egress.failing"),
            hold_s=30.0,
            # What fires meanwhile is held back until this is over, and needs a good probe to be
            # over itself: by then every target that ships has had one (interval 120 s, deadline
            # 90 s).
            keep_firing_for_s=240.0,
            severity=Severity.CRITICAL,
            subject=Subject.LOCATION,
        ),
        Rule(
            name=PROVIDER_DOWN,
            when=parse("provider.failing_share > 50%"),
            # As above: what it holds back is told when this is over, and needs a good probe.
            keep_firing_for_s=240.0,
            severity=Severity.CRITICAL,
            subject=Subject.PROVIDER,
        ),
        Rule(
            name="Undelivered",
            when=parse("channels.failing > 0"),
            severity=Severity.CRITICAL,
            subject=Subject.LOCATION,
        ),
        Rule(
            name="Retirement",
            when=parse("retirement.days < 30"),
            severity=Severity.WARNING,
        ),
        Rule(
            name="Drift",
            when=parse("drift.events > 0"),
            severity=Severity.INFO,
        ),
    )
