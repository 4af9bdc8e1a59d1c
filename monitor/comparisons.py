"""Lines that say how bad it is: against what is usual, over the last hour, beside others, at last.

All of it is in memory already: a line takes a millisecond at most, with thousands of targets.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aggregator.summary import Distribution, Summary
from aggregator.unusual import Finding
from aggregator.window import Windows
from alerting.condition import format_value
from alerting.engine import Transition
from alerting.metric import Anomalous, Count, Counted, Measured, Metric, Unit, unit_of
from alerting.sparkline import sparkline
from alerting.words import duration_text
from monitor.notes import Noting
from monitor.slo import Objectives
from probes.result import Fault, ProbeResult

COURSE_S: Final = 3_600.0
BARS: Final = 12
"""Of five minutes each: at one probe in half a minute, ten samples a bar."""
TARGETS_COUNTED: Final = 200
"""Targets that are counted up in one go, a millisecond; an alert of more loses no probes in words.
"""

_UNITS: Final[Mapping[Unit, str]] = {Unit.SECONDS: "s", Unit.TOKENS_PER_S: "tokens/s"}
_FAILED: Final = Counted(Count.ERROR_RATE)


def usual(findings: Mapping[tuple[Anomalous, str], Finding]) -> Noting:
    """Make a source of what is usual at this hour, where a baseline knows it."""

    def told(transition: Transition) -> Iterator[str]:
        metric = _figure(transition)
        if not isinstance(metric, Measured):
            return
        for target in transition.targets:
            found = findings.get((Anomalous(metric), target))
            if found is not None and found.unusual is not None:
                yield usual_text(metric, found)
                return  # of many targets one tells enough

    return lambda transition: tuple(told(transition))


def usual_text(metric: Measured, found: Finding) -> str:
    """Return what is usual for a figure at this hour, beside what it is."""
    return f"{metric} {found.explained(_UNITS[unit_of(metric)])}"


def course(windows: Windows, longest_s: float) -> Noting:
    """Make a source of the last hour's course in a row of bars, of alerts about one target.

    `longest_s`: how far back the windows reach.
    """
    over_s = min(COURSE_S, longest_s)
    bar_s = over_s / BARS

    def told(transition: Transition) -> Sequence[str]:
        metric = _figure(transition)
        if len(transition.targets) != 1 or not isinstance(metric, Measured | Counted):
            return ()
        ends = (transition.now - bar_s * back for back in range(BARS - 1, -1, -1))
        bars = [_bar(windows.summary(transition.targets, bar_s, end), metric) for end in ends]
        row = sparkline(bars)
        known = [value for value in bars if value is not None]
        if not row or not max(known):
            return ()
        shown = metric if isinstance(metric, Measured) else _FAILED
        what = f"{metric.measure} (mean)" if isinstance(metric, Measured) else "failed"
        span = f"last {duration_text(over_s)}, a bar for {duration_text(bar_s)}"
        return (f"{what} {row} up to {format_value(shown, max(known))}; {span}",)

    return told


def beside(last_result: Mapping[str, ProbeResult]) -> Noting:
    """Make a source of how others fare: whether it is one model, one provider, or everybody."""

    def told(transition: Transition) -> Sequence[str]:
        provider = dict(transition.labels).get("provider")
        if provider is None or not isinstance(_figure(transition), Measured | Counted):
            return ()
        own = frozenset(transition.targets)
        others = [each for name, each in last_result.items() if name not in own]
        here = [each for each in others if each.provider == provider]
        there = [each for each in others if each.provider != provider]
        parts = (_failing(here, f"of {provider}'s other targets"), _failing(there, "elsewhere"))
        line = ", ".join(filter(None, parts))
        return (f"newest probes: {line}",) if line else ()

    return told


def lost(windows: Windows, longest_s: float) -> Noting:
    """Make a source of how many probes failed while an alert lasted, as far back as windows go."""

    def told(transition: Transition) -> Sequence[str]:
        lasted_s = transition.now - transition.started_at
        if not 0 < len(transition.targets) <= TARGETS_COUNTED or lasted_s <= 0:
            return ()
        over_s = min(lasted_s, longest_s)
        summary = windows.summary(transition.targets, over_s, transition.now)
        when = "meanwhile" if over_s == lasted_s else f"in its last {duration_text(over_s)}"
        if not summary.n:
            return ()
        missed = f"; slots without a result: {summary.missed}" if summary.missed else ""
        return (f"{summary.failures} of {summary.n} probes failed {when}{missed}",)

    return told


def budget_left(objectives: Objectives) -> Noting:
    """Make a source of what is left of the error budgets, of alerts about one target."""

    def told(transition: Transition) -> Iterator[str]:
        if len(transition.targets) != 1:
            return
        for budget in objectives.of(transition.targets[0]):
            if budget.left_ratio is not None:
                left = format_value(_FAILED, max(0.0, budget.left_ratio))
                span = duration_text(budget.slo.over_s)
                yield f"{left} of its error budget is left ({budget.slo.name}, {span})"

    return lambda transition: tuple(told(transition))


def _figure(transition: Transition) -> Metric | None:
    """Return what an alert is about: of a figure that is unusual, the figure."""
    if transition.rule is None:
        return None
    metric = (transition.compared or transition.rule.when).metric
    return metric.of if isinstance(metric, Anomalous) else metric


def _bar(summary: Summary, metric: Measured | Counted) -> float | None:
    if isinstance(metric, Counted):
        failed = summary.count(*metric.kinds) if metric.kinds else summary.failures
        return failed / summary.n if summary.n else None
    found: Distribution | None = getattr(summary, metric.measure.value)
    return None if found is None else found.mean


def _failing(results: Sequence[ProbeResult], whose: str) -> str:
    judged = [each for each in results if each.fault is not Fault.MONITOR]
    failed = sum(not each.ok for each in judged)
    return f"{whose} {failed} of {len(judged)} failed" if judged else ""
