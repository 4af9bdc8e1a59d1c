"""How clocks stand to each other, and what a change of that means for a result."""

from dataclasses import dataclass, replace
from typing import Final

from probes.result import Fault, ProbeResult, Verdict

INTERRUPTION_S: Final = 0.1
"""From here on a step or a suspend is told. What NTP slews is in no difference: the kernel slews
CLOCK_REALTIME and CLOCK_MONOTONIC alike (clock_gettime(2))."""
_HINT: Final = "this machine was suspended while the probe ran"


@dataclass(frozen=True, slots=True)
class Bearings:
    """How the clocks stand to each other at one moment: that changes by interruptions alone."""

    wall_s: float
    """Wall time less the time since boot."""
    asleep_s: float
    """Time since boot less monotonic time: how long this machine has been suspended so far."""

    def stepped_since(self, before: "Bearings") -> bool:
        """Say whether the wall clock was stepped since `before`."""
        return abs(self.wall_s - before.wall_s) > INTERRUPTION_S

    def suspended_since(self, before: "Bearings") -> bool:
        """Say whether the machine was suspended since `before`."""
        return self.asleep_s - before.asleep_s > INTERRUPTION_S


def marked(result: ProbeResult, before: Bearings, now: Bearings) -> ProbeResult:
    """Return the result, marked when its exchange spanned a step or a suspend.

    Its latency is in no statistic then. A failure that a suspend may have made is fault monitor:
    connections die while nobody watches. (A process that is stopped while the machine runs on is
    noticed by the loop's lateness.)
    """
    away = now.suspended_since(before)
    if not away and not now.stepped_since(before):
        return result
    unseen = away and result.verdict in _MADE_BY_ABSENCE
    return replace(
        result,
        interrupted=True,
        latency_tainted=True,
        fault=Fault.MONITOR if unseen else result.fault,
        hint=_HINT if unseen else result.hint,
    )


_MADE_BY_ABSENCE: Final = frozenset(
    {
        *(Verdict.TIMEOUT, Verdict.RESET, Verdict.TRUNCATED),
        *(Verdict.DNS_ERROR, Verdict.CONNECT_ERROR, Verdict.TLS_ERROR),
    }
)
"""What no answer of a provider says."""
