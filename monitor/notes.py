"""Lines that go with an alert's message: whoever knows one registers it.

A source says a line or two and no more, so that none pushes another out of a message.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from alerting.engine import Transition
from alerting.metric import Counted, Measured, Metric, Plain
from alerting.state import Edge
from probes.result import Fault, ProbeResult

Noting = Callable[[Transition], Sequence[str]]
"""Says what it knows that may help with an alert: a line each, none or empty ones when nothing."""

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


def newest_failure(last_result: Mapping[str, ProbeResult]) -> Noting:
    """Make a source of what the newest failure was that an alert is about, and of what to do.

    Of an alert's targets each one's last result is looked at. One that its rule does not count is
    another trouble, and none of its business.
    """

    def told(transition: Transition) -> Sequence[str]:
        if transition.rule is None:
            return ()
        metric = transition.rule.when.metric
        results = (last_result[name] for name in transition.targets if name in last_result)
        failures = (result for result in results if _is_about(metric, result))
        newest = max(failures, key=lambda result: result.at, default=None)
        if newest is None:
            return ()
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
        case _:
            return False
