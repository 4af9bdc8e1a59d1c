"""Lines that go with an alert's message: whoever knows one registers it."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from alerting.engine import Transition
from probes.result import ProbeResult

Noting = Callable[[Transition], Sequence[str]]
"""Says what it knows that may help with an alert that fires: a line each, nothing when nothing."""

log = structlog.get_logger("sonde.notes")


class Notes:
    """Everybody who knows a line. A bug in one of them costs its line, not the message."""

    def __init__(self) -> None:
        self._sources: list[Noting] = []

    def add(self, source: Noting) -> None:
        """Ask this source too; lines go in the order in which their sources came."""
        self._sources.append(source)

    def of(self, transition: Transition) -> Sequence[str]:
        """Return the lines that go with an alert that fires."""
        lines: list[str] = []
        for source in self._sources:
            try:
                lines += source(transition)
            except Exception:
                log.exception("alert.note_failed", alertname=transition.alertname)
        return lines


def hints(last_result: Mapping[str, ProbeResult]) -> Noting:
    """Make a source of the newest hint at the cause among the results of an alert's targets."""

    def hint(transition: Transition) -> Sequence[str]:
        results = (last_result[name] for name in transition.targets if name in last_result)
        hinting = (result for result in results if result.hint)
        newest = max(hinting, key=lambda result: result.at, default=None)
        return () if newest is None else (newest.hint,)

    return hint
