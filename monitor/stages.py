"""What one exchange consisted of, stage by stage, without gaps: out of a result alone.

A stage that the probe did not live to see the end of goes as far as the probe came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from probes.result import ProbeResult, Verdict
from probes.wire.timeline import Phase


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of an exchange, in seconds from its origin."""

    name: str
    start_s: float
    end_s: float
    ended: bool = True
    """False: the probe ended in it."""


_UNENDED: Final = {
    Phase.RESOLVE: "resolve",
    Phase.CONNECT: "connect",
    Phase.PROXY: "proxy",
    Phase.TLS: "tls",
    Phase.SEND: "send",
    Phase.HEAD: "head",
}
"""The stage a probe ended in that came no further than this."""
_CUT: Final = frozenset(
    {Verdict.TIMEOUT, Verdict.RESET, Verdict.TRUNCATED, Verdict.OVERSIZED, Verdict.MONITOR_ERROR}
)
"""Verdicts of answers whose end did not come, or was not waited for."""


def stages(result: ProbeResult, reached: Phase) -> tuple[Stage, ...]:
    """Return what the exchange consisted of, in order, without gaps; () when nothing was sent."""
    found: list[Stage] = []
    at_s = 0.0
    for name, took_s in (
        ("resolve", result.resolve_s),
        ("connect", result.connect_s),
        ("tls", result.tls_s),
    ):
        if took_s is not None:
            found.append(Stage(name, at_s, at_s + took_s))
            at_s += took_s
    if reached is not Phase.BODY:
        if reached in _UNENDED:
            found.append(Stage(_UNENDED[reached], at_s, max(at_s, result.total_s), ended=False))
        return tuple(found)
    found += _answer(result, at_s)
    return tuple(found)


def _answer(result: ProbeResult, sent_s: float) -> Iterator[Stage]:
    """Yield the stages from the departure of the request on."""
    at_s = sent_s
    for name, ended_s in (
        ("head", result.first_byte_s),
        ("first_token", result.first_token_s),
        ("reasoning", result.first_visible_token_s),
        ("answer", result.last_token_s),
    ):
        if ended_s is None or (name == "reasoning" and ended_s <= at_s):
            continue
        yield Stage(name, at_s, max(at_s, ended_s))
        at_s = max(at_s, ended_s)
    name = "body" if result.last_token_s is None else "end"
    last = Stage(name, at_s, max(at_s, result.total_s), ended=result.verdict not in _CUT)
    if last.end_s > at_s or not last.ended:
        yield last
