"""Whether a slot may be probed at all: gates that say no, each with its reason.

A gate is asked before a slot is started and told of every attempt that was made. Gates are asked in
order, and the first that refuses names the reason the slot is skipped with.
"""

from collections.abc import Iterable
from typing import Protocol

from probes.result import ProbeResult, SkipReason
from probes.target import Target


class Gate(Protocol):
    """Knows a reason not to probe. Both methods are called in the loop at every slot: quick."""

    def refusal(self, target: Target, /) -> SkipReason | None:
        """Return why the target must not be probed now, or None when it may."""

    def learn(self, target: Target, result: ProbeResult, /) -> None:
        """Take note of what an attempt found."""


class Admission:
    """All gates as one."""

    def __init__(self, gates: Iterable[Gate] = ()) -> None:
        self._gates = tuple(gates)

    def refusal(self, target: Target) -> SkipReason | None:
        """Return the first gate's reason not to probe the target now, or None."""
        for gate in self._gates:
            reason = gate.refusal(target)
            if reason is not None:
                return reason
        return None

    def learn(self, target: Target, result: ProbeResult) -> None:
        """Tell every gate what an attempt found."""
        for gate in self._gates:
            gate.learn(target, result)
