"""Lines that go with an alert's message: whoever knows one registers it.

A source says a line or two and no more, so that none pushes another out of a message.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from alerting.engine import Transition
from alerting.metric import BurnRate, Counted, Fact, Measured, Metric, Plain
from alerting.state import Edge
from probes.result import Fault, ProbeResult

Noting = Callable[[Transition], Sequence[str]]
"""Says what it knows that may help with an alert: a line each, none or empty ones when nothing."""

FACTS_REACH_S: Final = 3600.0
"""A fact has no window; what failed longer before its alert began explains nothing."""

log = structlog.get_logger("sonde.notes")


class Notes:
    """Everybody who knows a line. A bug in one of them costs its line, not the message."""

    def __init__(self) -> None:
        self._sources: list[Noting] = []
        self._of_ends: list[Noting] = []

    def add(self, source: Noting) -> None:
        """Ask this source too of what fires; lines go in the order in which their sources came."""
        self._sources.append(source)

    def add_of_end(self, source: Noting) -> None:
        """Ask this source too of what is over."""
        self._of_ends.append(source)

    def of(self, transition: Transition) -> Sequence[str]:
        """Return the lines that go with an alert that fires, or that is over."""
        lines: list[str] = []
        for source in self._sources if transition.edge is Edge.FIRED else self._of_ends:
            try:
                lines += source(transition)
            except Exception:
                log.exception("alert.note_failed", alertname=transition.alertname)
        return lines


def newest_failure(
    last_failures: Mapping[tuple[str, Fault], tuple[float, ProbeResult]],
) -> Noting:
    """Make a source of what the newest failure was that an alert is about, and of what to do.

    Of each of the alert's targets and each fault the newest is looked at, with its steady time.
    One that the rule does not count is another trouble, and none of its business; nor is one from
    before what made the alert begin.
    """

    def told(transition: Transition) -> Sequence[str]:
        rule = transition.rule
        if rule is None:
            return ()
        metric = (transition.compared or rule.when).metric
        since = transition.started_at - (rule.over_s or FACTS_REACH_S)
        known = (last_failures.get((name, fault)) for name in transition.targets for fault in Fault)
        failures = [
            each for each in known if each and each[0] > since and _is_about(metric, each[1])
        ]
        if not failures:
            return ()
        _, newest = max(failures, key=lambda each: each[0])
        why = f": {newest.detail}" if newest.detail else ""
        return f"newest failure: {newest.verdict}, fault {newest.fault}{why}", newest.hint

    return told


def _is_about(metric: Metric, result: ProbeResult) -> bool:
    match metric:
        case Counted(kinds=()):
            return not result.ok and result.fault is not Fault.MONITOR
        case Counted(kinds=kinds):
            return result.fault in kinds or result.verdict in kinds
        case Measured():
            return result.censored
        case Plain():
            return result.fault is Fault.MONITOR
        case BurnRate():
            return result.fault is Fault.PROVIDER
        case Fact.PROVIDER_FAILING:
            return result.fault in (Fault.PROVIDER, Fault.NETWORK)
        case _:
            return False
