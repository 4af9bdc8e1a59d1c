"""Targets of one key, and what attempts at them find."""

from typing import Any

from probes.result import Fault, Operation, ProbeResult, Verdict
from probes.target import Target
from tests.unit.aggregator.samples import result


def target(name: str = "a", **said: Any) -> Target:  # Any: fields of all types
    """Return a target of the key `p`, with a model of its own."""
    fields: dict[str, Any] = {"model": f"model-{name}", "interval_s": 60.0, "deadline_s": 30.0}
    return Target(
        name=name,
        provider="p",
        preset="compatible",
        operation=Operation.CHAT,
        prompt="hi",
        **{**fields, **said},
    )


def found(
    of: Target, verdict: Verdict = Verdict.OK, fault: Fault = Fault.NONE, **said: Any
) -> ProbeResult:
    """Return what an attempt at a target found."""
    about = {"target": of.name, "provider": of.provider, "model": of.model}
    return result(**about, verdict=verdict, fault=fault, **said)


def hung(of: Target, **said: Any) -> ProbeResult:
    """Return an attempt that ended at its deadline."""
    return found(of, Verdict.TIMEOUT, Fault.PROVIDER, total_s=of.deadline_s, **said)


def refused(of: Target, verdict: Verdict = Verdict.AUTH, **said: Any) -> ProbeResult:
    """Return an attempt that the account was refused."""
    return found(of, verdict, Fault.ACCOUNT, status=401, **said)


def throttled(of: Target, **said: Any) -> ProbeResult:
    """Return a 429."""
    return found(of, Verdict.THROTTLED, Fault.PROVIDER, status=429, **said)
