"""Whose fault a failure is when our own way out is down: the one place that decides.

A probe that gets no byte from a provider cannot tell a dead provider from a cut cable. The rounds
of `verdict` can, so what such a probe found is told again here, before it is written down.
"""

from dataclasses import replace
from typing import Final

from monitor.egress.verdict import Way
from probes.result import Fault, ProbeResult, StampQuality, Verdict

_SUSPECT: Final = frozenset(
    {Verdict.DNS_ERROR, Verdict.CONNECT_ERROR, Verdict.TLS_ERROR, Verdict.RESET}
)
"""Failures of the way there; a timeout is one too when not a byte came back."""
_MOVABLE: Final = frozenset({Fault.PROVIDER, Fault.NETWORK})
"""What is known to be the account's, the request's or our own fault already stays so."""

_HINTS: Final = {
    Way.NAMELESS: "this machine resolves no name at all: look at its resolver, not at the provider",
    Way.SHUT: "none of the egress endpoints answers either: look at this machine's way out",
    Way.UNROUTED: "this machine has no route to anywhere: look at its interfaces and routes",
}


def is_suspect(result: ProbeResult) -> bool:
    """Say whether a result may be our own network's doing."""
    if result.fault not in _MOVABLE:
        return False
    silent = result.verdict is Verdict.TIMEOUT and result.stamps is StampQuality.NONE
    return silent or result.verdict in _SUSPECT


def attributed(result: ProbeResult, way: Way) -> ProbeResult:
    """Return the result with the fault it has in the light of our own way out.

    A shut way out is fault network. A machine without a route, or without names where a name was
    what failed, is fault monitor: nothing was measured then, which counts as missed, not as failed.
    """
    if not way.failing or not is_suspect(result):
        return result
    if way is Way.NAMELESS and result.verdict is not Verdict.DNS_ERROR:
        return result
    fault = Fault.NETWORK if way is Way.SHUT else Fault.MONITOR
    return replace(result, fault=fault, hint=_HINTS[way])
